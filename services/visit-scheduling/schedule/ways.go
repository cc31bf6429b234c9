package schedule

// ways remembers travel times between the points of one problem. Points are few
// (postal areas and bases), ways are asked for often.
type ways struct {
	travel Travel
	index  map[Point]int
	points []*Point // points[0] is the unknown one
	table  [][]int32
}

// tabled is the most points a table is kept for: beyond it ways are estimated
// each time (4 bytes a cell, 36 MB at most).
const tabled = 3000

func newWays(travel Travel) *ways {
	return &ways{travel: travel, index: map[Point]int{}, points: []*Point{nil}}
}

// point gives p's index; nil is 0.
func (w *ways) point(p *Point) int {
	if p == nil {
		return 0
	}
	i, known := w.index[*p]
	if !known {
		i = len(w.points)
		w.index[*p] = i
		w.points = append(w.points, p)
	}
	return i
}

func (w *ways) minutes(from, to int) int {
	if from >= tabled || to >= tabled {
		return w.travel.Minutes(w.points[from], w.points[to])
	}
	for len(w.table) <= from {
		w.table = append(w.table, nil)
	}
	row := w.table[from]
	if len(row) <= to {
		row = append(row, make([]int32, min(max(len(w.points), to+1), tabled)-len(row))...)
		w.table[from] = row
	}
	if row[to] == 0 { // stored one more than it is, so that 0 is not yet asked
		row[to] = int32(w.travel.Minutes(w.points[from], w.points[to])) + 1
	}
	return int(row[to]) - 1
}

package schedule

import "github.com/hearthfps/hearth/services/visit-scheduling/optimise"

// ways remembers travel times between the places of one problem. Places are few
// (postal areas and bases), ways are asked for often.
type ways struct {
	travel Travel
	index  map[optimise.Place]int
	places []optimise.Place // places[0] is the unknown one
	tables map[Mode]*table
}

// table holds the ways by one mode, row by row.
type table [][]int32

// tabled is the most places a table is kept for: beyond it travel is asked each
// time (4 bytes a cell, 36 MB at most for a mode).
const tabled = 3000

func newWays(travel Travel) *ways {
	unknown := PlaceOf(nil)
	return &ways{travel: travel, index: map[optimise.Place]int{unknown: 0}, places: []optimise.Place{unknown}, tables: map[Mode]*table{}}
}

// point gives p's index; nil is 0.
func (w *ways) point(p *Point) int {
	place := PlaceOf(p)
	i, known := w.index[place]
	if !known {
		i = len(w.places)
		w.index[place] = i
		w.places = append(w.places, place)
	}
	return i
}

// source is who says how long a way is.
func (w *ways) source(mode Mode, from, to int) string {
	if s, ok := w.travel.(Sourced); ok {
		return s.Source(mode, w.places[from], w.places[to])
	}
	return Estimated
}

func (w *ways) minutes(mode Mode, from, to int) int {
	if from >= tabled || to >= tabled {
		return w.travel.MinutesBy(mode, w.places[from], w.places[to])
	}
	t := w.tables[mode]
	if t == nil {
		t = &table{}
		w.tables[mode] = t
	}
	for len(*t) <= from {
		*t = append(*t, nil)
	}
	row := (*t)[from]
	if len(row) <= to {
		row = append(row, make([]int32, min(max(len(w.places), to+1), tabled)-len(row))...)
		(*t)[from] = row
	}
	if row[to] == 0 { // stored one more than it is, so that 0 is not yet asked
		row[to] = int32(w.travel.MinutesBy(mode, w.places[from], w.places[to])) + 1
	}
	return int(row[to]) - 1
}

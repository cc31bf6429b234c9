package matrix

import (
	"context"
	"fmt"
	"slices"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Provider asks somebody who knows the roads. Block is the minutes from each of
// some places to each of others, None where there is no way; the stop is not in it.
type Provider interface {
	Block(ctx context.Context, mode optimise.Mode, from, to []optimise.Place) ([][]int, error)
}

// DefaultSide is the most places on one side of a block: what a provider takes as
// it comes (OSRM 100 places, Valhalla 2,500 pairs).
const DefaultSide = 50

// Report says what an Ask did.
type Report struct {
	Asked  int   // ways asked about
	Blocks int   // requests
	None   int   // ways there are not, by the answer
	Failed int   // ways nobody answered for
	Err    error // the first failure; Ask went on without it
}

// Ask asks a provider about the ways between all of some places that known has not
// been told, in blocks of side by side places at most (0 is DefaultSide), rounded
// to Digits. A block that fails is lost alone: the report says so. It returns
// early when ctx is done.
func Ask(ctx context.Context, p Provider, known *Times, mode optimise.Mode, places []optimise.Place, side int) ([]Way, Report) {
	if side <= 0 {
		side = DefaultSide
	}
	spots := spotsOf(places)
	var ways []Way
	var r Report
	for rows := range slices.Chunk(spots, side) {
		for columns := range slices.Chunk(spots, side) {
			from, to, n := unasked(known, mode, rows, columns)
			if n == 0 {
				continue
			}
			answer, err := askBlock(ctx, p, mode, from, to, &r)
			if err != nil {
				r.Failed += n
				if r.Err == nil {
					r.Err = err
				}
				continue
			}
			ways = append(ways, answer...)
		}
	}
	return ways, r
}

// spotsOf are the different spots of places that are known, in order.
func spotsOf(places []optimise.Place) []Spot {
	var out []Spot
	for _, p := range places {
		if !p.Unknown {
			out = append(out, SpotOf(p))
		}
	}
	slices.SortFunc(out, func(a, b Spot) int {
		if a.Lat != b.Lat {
			return int(a.Lat) - int(b.Lat)
		}
		return int(a.Lon) - int(b.Lon)
	})
	return slices.Compact(out)
}

// unasked are the rows and columns of a block that hold a way nobody was asked
// about, and how many such ways there are.
func unasked(known *Times, mode optimise.Mode, rows, columns []Spot) (from, to []Spot, n int) {
	wanted := make([]bool, len(columns))
	for _, a := range rows {
		any := false
		for j, b := range columns {
			if a != b && !known.Asked(mode, a, b) {
				wanted[j], any = true, true
				n++
			}
		}
		if any {
			from = append(from, a)
		}
	}
	for j, b := range columns {
		if wanted[j] {
			to = append(to, b)
		}
	}
	return from, to, n
}

func askBlock(ctx context.Context, p Provider, mode optimise.Mode, from, to []Spot, r *Report) ([]Way, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("ask for a block of travel times: %w", err)
	}
	r.Blocks++
	block, err := p.Block(ctx, mode, placesOf(from), placesOf(to))
	if err == nil && !fits(block, len(from), len(to)) {
		err = fmt.Errorf("the answer is not %d by %d", len(from), len(to))
	}
	if err != nil {
		return nil, fmt.Errorf("ask for a block of travel times: %w", err)
	}
	var ways []Way
	for i, a := range from {
		for j, b := range to {
			if a == b {
				continue
			}
			r.Asked++
			if block[i][j] < 0 {
				r.None++
			}
			ways = append(ways, Way{mode, a, b, max(block[i][j], None)})
		}
	}
	return ways, nil
}

func placesOf(spots []Spot) []optimise.Place {
	out := make([]optimise.Place, len(spots))
	for i, s := range spots {
		out[i] = s.Place()
	}
	return out
}

func fits(block [][]int, rows, columns int) bool {
	if len(block) != rows {
		return false
	}
	for _, row := range block {
		if len(row) != columns {
			return false
		}
	}
	return true
}

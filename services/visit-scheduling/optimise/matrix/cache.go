package matrix

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// Provider asks somebody who knows the roads. Block is the minutes from each of
// some places to each of others, -1 where there is no way; the stop is not in it.
type Provider interface {
	Block(ctx context.Context, mode optimise.Mode, from, to []optimise.Place) ([][]int, error)
}

// Cache keeps a provider's answers in memory. Its fields are set before use; it is
// safe for concurrent use then.
type Cache struct {
	// Provider is asked by Fill; nil is nobody, and everything falls back.
	Provider Provider
	// Fallback answers what is not known.
	Fallback optimise.ByMode
	// Side is the most places on one side of a block; 0 is 100.
	Side int
	// Digits is to how many decimals of a degree places are rounded before they
	// are sent; 0 is 3, some hundred metres.
	Digits int
	// StopMinutes are added to every way.
	StopMinutes int
	// MostBlocks are kept, the oldest go; 0 is 4,000.
	MostBlocks int

	mu      sync.RWMutex
	minutes map[leg]uint16
	blocks  [][]leg // in the order they came
	missing int64
}

// Report says what a Fill did.
type Report struct {
	Asked    int // ways asked of the provider
	Blocks   int
	FellBack int   // ways that the fallback answers for
	Err      error // the first that the provider gave; Fill went on without it
}

// Fill brings in the ways between all of some places that are not known yet, in
// blocks. A provider that fails loses only the block that failed: the report says
// so, and the fallback answers. It returns early when ctx is done.
func (c *Cache) Fill(ctx context.Context, mode optimise.Mode, places []optimise.Place) Report {
	var r Report
	side := c.Side
	if side == 0 {
		side = 100
	}
	for i := 0; i < len(places); i += side {
		for j := 0; j < len(places); j += side {
			from, to := places[i:min(len(places), i+side)], places[j:min(len(places), j+side)]
			c.fillBlock(ctx, mode, from, to, &r)
		}
	}
	return r
}

func (c *Cache) fillBlock(ctx context.Context, mode optimise.Mode, from, to []optimise.Place, r *Report) {
	unknown := c.unknown(mode, from, to)
	if unknown == 0 {
		return
	}
	err := ctx.Err()
	var block [][]int
	if err == nil && c.Provider != nil {
		r.Asked += unknown
		r.Blocks++
		block, err = c.Provider.Block(ctx, mode, c.rounded(from), c.rounded(to))
		if err == nil && !fits(block, len(from), len(to)) {
			err = fmt.Errorf("the provider's answer is not %d by %d", len(from), len(to))
		}
	}
	if err != nil && r.Err == nil {
		r.Err = fmt.Errorf("ask for a block of travel times: %w", err)
	}
	if err != nil || c.Provider == nil {
		r.FellBack += unknown
		return
	}
	r.FellBack += c.keep(mode, from, to, block)
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

func (c *Cache) unknown(mode optimise.Mode, from, to []optimise.Place) int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n := 0
	for _, a := range from {
		for _, b := range to {
			if _, ok := c.minutes[leg{mode, at(a), at(b)}]; !ok && a != b {
				n++
			}
		}
	}
	return n
}

func (c *Cache) rounded(places []optimise.Place) []optimise.Place {
	digits := c.Digits
	if digits == 0 {
		digits = 3
	}
	scale := math.Pow10(digits)
	out := make([]optimise.Place, len(places))
	for i, p := range places {
		out[i] = optimise.Place{Lat: math.Round(p.Lat*scale) / scale, Lon: math.Round(p.Lon*scale) / scale}
	}
	return out
}

// keep remembers a block and returns how many of its ways there are not.
func (c *Cache) keep(mode optimise.Mode, from, to []optimise.Place, block [][]int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.minutes == nil {
		c.minutes = map[leg]uint16{}
	}
	none := 0
	var legs []leg
	for i, a := range from {
		for j, b := range to {
			if a == b {
				continue
			}
			if block[i][j] < 0 {
				none++
				continue
			}
			key := leg{mode, at(a), at(b)}
			c.minutes[key] = uint16(min(block[i][j]+c.StopMinutes, math.MaxUint16))
			legs = append(legs, key)
		}
	}
	c.blocks = append(c.blocks, legs)
	most := c.MostBlocks
	if most == 0 {
		most = 4000
	}
	for len(c.blocks) > most {
		for _, key := range c.blocks[0] {
			delete(c.minutes, key)
		}
		c.blocks = c.blocks[1:]
	}
	return none
}

// Forget drops every way from and to a place: it has become confidential, or a
// family has moved.
func (c *Cache) Forget(p optimise.Place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := at(p)
	for key := range c.minutes {
		if key.from == gone || key.to == gone {
			delete(c.minutes, key)
		}
	}
	for i, legs := range c.blocks {
		kept := legs[:0]
		for _, key := range legs {
			if key.from != gone && key.to != gone {
				kept = append(kept, key)
			}
		}
		c.blocks[i] = kept
	}
}

// Minutes implements optimise.Travel.
func (c *Cache) Minutes(from, to optimise.Place) int { return c.MinutesBy(optimise.Car, from, to) }

// MinutesBy implements optimise.ByMode. It never asks the provider.
func (c *Cache) MinutesBy(mode optimise.Mode, from, to optimise.Place) int {
	if from == to || from.Unknown || to.Unknown {
		return c.Fallback.MinutesBy(mode, from, to)
	}
	c.mu.RLock()
	m, ok := c.minutes[leg{mode, at(from), at(to)}]
	c.mu.RUnlock()
	if ok {
		return int(m)
	}
	c.mu.Lock()
	c.missing++
	c.mu.Unlock()
	return c.Fallback.MinutesBy(mode, from, to)
}

// Missing is how often the fallback was asked.
func (c *Cache) Missing() int64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.missing
}

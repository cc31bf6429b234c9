package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/hearthfps/hearth/scripts/chaos/load"
)

// killCount is how often each was killed.
type killCount map[string]int

func (k killCount) total() int {
	n := 0
	for _, c := range k {
		n += c
	}
	return n
}

func (k killCount) String() string {
	var parts []string
	for name, n := range k {
		parts = append(parts, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// wreck kills one of the world's processes after another, in a shuffled order
// that goes round, and starts each again after a moment, until the time is up
// and everything runs.
func wreck(ctx context.Context, w *world, l *load.Load, s settings) (killCount, error) {
	var (
		r        = rand.New(rand.NewPCG(s.seed, 0))
		kills    = killCount{}
		victims  []victim
		restarts sync.WaitGroup
		mu       sync.Mutex
		failed   error
		over     = time.Now().Add(s.duration)
	)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for time.Now().Before(over) && ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case <-time.After(time.Duration(float64(s.every) * (0.5 + r.Float64()))):
		}
		if len(victims) == 0 {
			victims = w.victims()
			r.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
		}
		v := victims[0]
		victims = victims[1:]
		if !v.process.Running() {
			continue // it is still down from the last time
		}
		down := time.Duration(r.IntN(1500)) * time.Millisecond
		v.process.Kill()
		kills[v.name]++
		step("  killed %-18s (%s)", v.name, l.Progress())
		restarts.Add(1)
		go func() {
			defer restarts.Done()
			time.Sleep(down) // how long it stays down is part of the plan, there is nothing to wait for
			start, done := context.WithTimeout(ctx, 2*time.Minute)
			defer done()
			if err := restart(start, v); err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
				cancel()
			}
		}()
	}
	restarts.Wait()
	mu.Lock()
	defer mu.Unlock()
	return kills, failed
}

// restart starts a process as a cluster would: again and again, since what it
// needs at its start may be down just then.
func restart(ctx context.Context, v victim) error {
	for {
		err := v.process.Start(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(500 * time.Millisecond):
		}
	}
}

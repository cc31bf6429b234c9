// Command familybench schedules a generated week (FamilyVisits-1) and prints
// JSON lines: the schedule's cost after given times, what is unplaced, and the
// separate checker's verdict.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/familyvisits"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "familybench:", err)
		os.Exit(1)
	}
}

type line struct {
	Visits    int                `json:"visits"`
	Workers   int                `json:"workers"`
	Run       string             `json:"run"`
	Seconds   float64            `json:"seconds"`
	CPU       float64            `json:"cpu_seconds"`
	Unplaced  int                `json:"unplaced"`
	Total     int64              `json:"total"`
	Objective optimise.Objective `json:"objective"`
	Breaches  int                `json:"breaches"`
	HeapMB    uint64             `json:"heap_mb"`
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("familybench", flag.ContinueOnError)
	visits := flags.Int("visits", 1000, "visits in the week")
	seed := flags.Uint64("seed", 1, "seed of the week and of the search")
	seconds := flags.Float64("seconds", 10, "wall seconds of the search")
	work := flags.Int64("work", 0, "stop after this many units of work instead of seconds")
	threads := flags.Int("threads", 1, "threads of the search")
	locked := flags.Int("locked", 30, "per cent of the published visits locked in the second run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	p := familyvisits.Generate(*visits, *seed)
	// the deadline bounds the time given to the reasons of what is left out
	first, err := measure(out, "first", p, optimise.Options{
		Seed: *seed, WorkUnits: 1, Threads: *threads, Deadline: time.Now().Add(time.Duration(*seconds * float64(time.Second))),
	})
	if err != nil {
		return err
	}
	limit := func(seconds float64, start *optimise.Solution) optimise.Options {
		o := optimise.Options{Seed: *seed, WorkUnits: *work, Start: start, Threads: *threads}
		if *work == 0 {
			o.Deadline = time.Now().Add(time.Duration(seconds * float64(time.Second)))
		}
		return o
	}
	full, err := measure(out, "search", p, limit(*seconds, nil))
	if err != nil {
		return err
	}
	if full.Objective.Total() > first.Objective.Total() {
		return fmt.Errorf("the search ended worse (%d) than it began (%d)", full.Objective.Total(), first.Objective.Total())
	}
	familyvisits.Publish(&p, full, *locked, *seed)
	_, err = measure(out, "published", p, limit(*seconds/2, &full))
	return err
}

func measure(out io.Writer, name string, p optimise.Problem, opt optimise.Options) (optimise.Solution, error) {
	began, cpu := time.Now(), processSeconds()
	s, err := optimise.Solve(context.Background(), p, opt)
	if err != nil {
		return s, err
	}
	l := line{
		Visits: len(p.Visits), Workers: len(p.Workers), Run: name, Seconds: time.Since(began).Seconds(), CPU: processSeconds() - cpu, Unplaced: len(s.Unplaced),
		Total: s.Objective.Total(), Objective: s.Objective, Breaches: len(check.Schedule(p, s)),
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	l.HeapMB = m.Sys >> 20
	return s, json.NewEncoder(out).Encode(l)
}

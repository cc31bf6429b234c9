// Command familybench schedules generated weeks (FamilyVisits-1) and prints JSON
// lines: what each schedule costs, with what is left out and without, the separate
// checker's verdict, and with -trace the cost on the way there. Seconds are the
// processor's, so that they do not depend on what else it computes: every thread
// has as many. With several sizes and -svg it draws how time and memory grow.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
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

// line is one schedule, or with Done set one moment of the search for it.
type line struct {
	Visits    int                `json:"visits"`
	Workers   int                `json:"workers"`
	Run       string             `json:"run"`
	Threads   int                `json:"threads"`
	Budget    float64            `json:"budget_seconds,omitempty"` // for each thread
	Done      float64            `json:"done,omitempty"`
	Seconds   float64            `json:"seconds"` // by the clock
	CPU       float64            `json:"cpu_seconds"`
	Unplaced  int                `json:"unplaced"`
	Total     int64              `json:"total"`
	Without   int64              `json:"total_without_unplaced"`
	Objective optimise.Objective `json:"objective"`
	Breaches  *int               `json:"breaches,omitempty"`
	Reasons   int                `json:"reasons,omitempty"` // unplaced visits looked into
	MemoryMB  uint64             `json:"memory_mb,omitempty"`
}

// bench is what was asked for.
type bench struct {
	seed    uint64
	seconds float64
	work    int64
	threads int
	locked  int
	trace   bool
	only    string
	out     *json.Encoder
	lines   []line
	err     error // of the trace
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("familybench", flag.ContinueOnError)
	visits := flags.String("visits", "1000", "visits in the week, or several numbers with commas between")
	b := bench{out: json.NewEncoder(out)}
	flags.Uint64Var(&b.seed, "seed", 1, "seed of the week and of the search")
	flags.Float64Var(&b.seconds, "seconds", 10, "seconds of the processor for each thread of the search")
	flags.Int64Var(&b.work, "work", 0, "stop after this many units of work instead of seconds")
	flags.IntVar(&b.threads, "threads", 1, "threads of the search")
	flags.IntVar(&b.locked, "locked", 30, "per cent of the published visits locked in the last run")
	flags.BoolVar(&b.trace, "trace", false, "print the cost on the way too")
	flags.StringVar(&b.only, "run", "first,search,published", "which runs: the first week, a search, a search in the published week")
	svg := flags.String("svg", "", "file to draw the growth with the number of visits into")
	if err := flags.Parse(args); err != nil {
		return err
	}
	debug.SetMemoryLimit(memoryLimit)
	for _, n := range strings.Split(*visits, ",") {
		size, err := strconv.Atoi(n)
		if err != nil || size < 1 {
			return fmt.Errorf("-visits %q: a number of visits is needed, or several with commas between", *visits)
		}
		if err := b.week(size); err != nil {
			return err
		}
	}
	if *svg == "" {
		return nil
	}
	return os.WriteFile(*svg, plot(b.lines), 0o644)
}

// memoryLimit makes the runtime collect before it takes more than the week may
// have, instead of letting garbage pile up to twice what is alive.
const memoryLimit = 900 << 20

// week makes the runs asked for of one size.
func (b *bench) week(visits int) error {
	p := familyvisits.Generate(visits, b.seed)
	var first, full optimise.Solution
	var err error
	if strings.Contains(b.only, "first") {
		if first, err = b.measure("first", p, optimise.Options{Seed: b.seed, WorkUnits: 1, Threads: b.threads}, b.seconds); err != nil {
			return err
		}
	}
	if !strings.Contains(b.only, "search") {
		return nil
	}
	if full, err = b.measure("search", p, b.limit(nil), b.seconds); err != nil {
		return err
	}
	if first.Placed != nil && full.Objective.Total() > first.Objective.Total() {
		return fmt.Errorf("the search ended worse (%d) than it began (%d)", full.Objective.Total(), first.Objective.Total())
	}
	if !strings.Contains(b.only, "published") {
		return nil
	}
	familyvisits.Publish(&p, full, b.locked, b.seed)
	_, err = b.measure("published", p, b.limit(&full), b.seconds/2)
	return err
}

func (b *bench) limit(start *optimise.Solution) optimise.Options {
	return optimise.Options{Seed: b.seed, WorkUnits: b.work, Start: start, Threads: b.threads}
}

// measure makes one run. Its deadline is in the processor's time, except where
// work ends it: then it bounds nothing but the reasons of what is left out.
func (b *bench) measure(name string, p optimise.Problem, opt optimise.Options, seconds float64) (optimise.Solution, error) {
	began, cpu := time.Now(), processSeconds()
	used := func() float64 { return processSeconds() - cpu }
	if opt.WorkUnits == 0 || name == "first" {
		opt.Clock = func() time.Time {
			return began.Add(time.Duration(used() / float64(b.threads) * float64(time.Second)))
		}
		opt.Deadline = began.Add(time.Duration(seconds * float64(time.Second)))
	}
	l := line{Visits: len(p.Visits), Workers: len(p.Workers), Run: name, Threads: b.threads}
	if !opt.Deadline.IsZero() {
		l.Budget = seconds
	}
	if b.trace {
		opt.Progress = func(now optimise.Progress) {
			t := l
			t.Done, t.Seconds, t.CPU = now.Done, time.Since(began).Seconds(), used()
			t.Unplaced, t.Objective, t.Total, t.Without = now.Unplaced, now.Cost, now.Cost.Total(), now.Cost.Total()-now.Cost.Unplaced
			b.err = errors.Join(b.err, b.out.Encode(t))
		}
	}
	s, err := optimise.Solve(context.Background(), p, opt)
	if err = errors.Join(err, b.err); err != nil {
		return s, err
	}
	l.Seconds, l.CPU = time.Since(began).Seconds(), used()
	l.MemoryMB = peakMB()
	l.Unplaced, l.Objective, l.Total, l.Without = len(s.Unplaced), s.Objective, s.Objective.Total(), s.Objective.Total()-s.Objective.Unplaced
	for _, u := range s.Unplaced {
		if u.Reasons[0].Rules[0] != optimise.RuleStopped {
			l.Reasons++
		}
	}
	bad := check.Schedule(p, s)
	n := len(bad)
	l.Breaches = &n
	b.lines = append(b.lines, l)
	if err := b.out.Encode(l); err != nil {
		return s, err
	}
	if n > 0 {
		return s, errors.Join(fmt.Errorf("the schedule of run %s breaks %d rules", name, n), bad[0])
	}
	return s, nil
}

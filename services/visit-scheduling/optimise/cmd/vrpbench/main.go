// Command vrpbench runs the searches on public benchmark files and prints one
// JSON line a file: cost, best known, gap in per cent, vehicles, the separate
// checker's verdict, iterations and CPU seconds.
//
// The cost of a Solomon file is the distance with every leg cut to one decimal.
// Where the best known values are of another kind (vehicles first, distance in
// full precision, as the tables of Gehring and Homberger's files have it), the
// gap is that of our routes' distance in full precision, and both numbers of
// vehicles are printed: a gap below zero is then bought with vehicles.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/check"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/homecare"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/vrptw"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "vrpbench:", err)
		os.Exit(1)
	}
}

type settings struct {
	format  string
	seconds float64
	threads int
	seed    uint64
	work    int64
	best    string // a table given for all files
}

// line is what is printed of one file. Best and gap are absent when no best
// known value was found.
type line struct {
	File         string   `json:"file"`
	Seed         uint64   `json:"seed"`
	Cost         float64  `json:"cost"`
	Distance     float64  `json:"distance,omitempty"` // of Solomon files, in full precision
	Best         *float64 `json:"best,omitempty"`
	Gap          *float64 `json:"gap_percent,omitempty"`
	Vehicles     int      `json:"vehicles"`
	BestVehicles *float64 `json:"best_vehicles,omitempty"`
	Feasible     bool     `json:"feasible"`
	Breach       string   `json:"breach,omitempty"`
	Iterations   int64    `json:"iterations"`
	CPU          float64  `json:"cpu_seconds"`
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("vrpbench", flag.ContinueOnError)
	var s settings
	flags.StringVar(&s.format, "format", "solomon", "solomon or hhcrsp")
	flags.Float64Var(&s.seconds, "seconds", 10, "CPU seconds a file (wall seconds with several threads)")
	flags.IntVar(&s.threads, "threads", 1, "independent searches; solomon only")
	flags.Uint64Var(&s.seed, "seed", 1, "seed of the search")
	flags.Int64Var(&s.work, "work", 0, "stop after this many units of work instead of seconds")
	flags.StringVar(&s.best, "best", "", "CSV with columns instance and cost, or instance, distance and vehicles; default: the .sol or best_known.csv beside a file")
	asTable := flags.Bool("table", false, "print a summary beside published figures instead of the lines")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("no files given")
	}
	if s.seconds <= 0 || s.threads < 1 {
		return errors.New("--seconds and --threads must be positive")
	}
	if s.format != "solomon" && s.format != "hhcrsp" {
		return fmt.Errorf("format %q: want solomon or hhcrsp", s.format)
	}
	// The CPU clock is the thread's.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	enc := json.NewEncoder(out)
	var all []*line
	for _, path := range flags.Args() {
		l, err := solve(path, s)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, l)
		if *asTable {
			continue
		}
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	if *asTable {
		return printTable(out, s, all)
	}
	return nil
}

func solve(path string, s settings) (*line, error) {
	known, err := bestOf(path, s)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer f.Close()
	l := &line{File: nameOf(path), Seed: s.seed}
	if s.format == "solomon" {
		err = l.routes(f, s)
	} else {
		err = l.homeCare(f, s)
	}
	if err != nil {
		return nil, err
	}
	if known.value > 0 {
		cost := l.Cost
		if known.vehicles > 0 {
			cost, l.BestVehicles = l.Distance, &known.vehicles
		}
		gap := 100 * (cost/known.value - 1)
		l.Best, l.Gap = &known.value, &gap
	}
	return l, nil
}

func (l *line) routes(f io.Reader, s settings) error {
	file, err := benchfile.ReadSolomon(f)
	if err != nil {
		return err
	}
	opt := vrptw.Options{Seed: s.seed, Children: s.work, Threads: s.threads}
	clock := newClock(s.threads)
	if s.work == 0 {
		opt.Stop = func() bool { return clock() >= s.seconds }
	}
	sol, stats, err := vrptw.Solve(vrptw.FromSolomon(file), opt)
	if err != nil {
		return err
	}
	l.CPU, l.Iterations, l.Vehicles = clock(), stats.Children, len(sol.Routes)
	cost, breach := check.Routes(file, sol.Routes)
	l.Feasible, l.Cost, l.Distance = breach == nil, cost, file.Length(sol.Routes)
	if breach != nil {
		l.Breach, l.Cost = breach.Error(), float64(sol.Cost)/benchfile.Scale
	}
	return nil
}

func (l *line) homeCare(f io.Reader, s settings) error {
	if s.threads > 1 {
		return errors.New("hhcrsp runs on one thread")
	}
	file, err := benchfile.ReadHomeCare(f)
	if err != nil {
		return err
	}
	opt := homecare.Options{Seed: s.seed, Steps: s.work}
	clock := newClock(1)
	if s.work == 0 {
		opt.Progress = func() float64 { return clock() / s.seconds }
	}
	plan, steps, err := homecare.Solve(homecare.New(file), opt)
	if err != nil {
		return err
	}
	l.CPU, l.Iterations = clock(), steps
	for _, r := range plan.Routes {
		if len(r) > 0 {
			l.Vehicles++
		}
	}
	cost, breach := check.HomeCare(file, plan.Stops())
	l.Feasible, l.Cost = breach == nil, cost
	if breach != nil {
		l.Breach = breach.Error()
	}
	return nil
}

// newClock counts CPU seconds of this thread from now on, or wall seconds when
// several threads work.
func newClock(threads int) func() float64 {
	if threads > 1 {
		start := time.Now()
		return func() float64 { return time.Since(start).Seconds() }
	}
	start := threadSeconds()
	return func() float64 { return threadSeconds() - start }
}

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
	"strconv"
	"strings"
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
	sizes   []int  // files to generate
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
	// Seconds until the first answer, and until one within 2 % of the last.
	First  float64 `json:"first_seconds,omitempty"`
	Within float64 `json:"within_2_percent_seconds,omitempty"`
	CPU    float64 `json:"cpu_seconds"`
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
	flags.Func("generate", "customers of a made-up file instead of FILES, or several numbers with commas", func(list string) error {
		for _, f := range strings.Split(list, ",") {
			n, err := strconv.Atoi(f)
			if err != nil || n < 1 || n > 5000 {
				return fmt.Errorf("%q is not a number of customers from 1 to 5000", f)
			}
			s.sizes = append(s.sizes, n)
		}
		return nil
	})
	asTable := flags.Bool("table", false, "print a summary beside published figures instead of the lines")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 && len(s.sizes) == 0 {
		return errors.New("no files given and none to --generate")
	}
	if len(s.sizes) > 0 && s.format != "solomon" {
		return errors.New("--generate makes files of format solomon")
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
	keep := func(l *line) error {
		all = append(all, l)
		if *asTable {
			return nil
		}
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
		return nil
	}
	for _, n := range s.sizes {
		file := benchfile.Generate(n, 1)
		l := &line{File: file.Name, Seed: s.seed}
		if err := l.routes(file, s); err != nil {
			return fmt.Errorf("%s: %w", file.Name, err)
		}
		if err := keep(l); err != nil {
			return err
		}
	}
	for _, path := range flags.Args() {
		l, err := solve(path, s)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := keep(l); err != nil {
			return err
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
		var file *benchfile.Solomon
		if file, err = benchfile.ReadSolomon(f); err == nil {
			err = l.routes(file, s)
		}
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

func (l *line) routes(file *benchfile.Solomon, s settings) error {
	type moment struct{ seconds, cost float64 }
	var course []moment
	opt := vrptw.Options{Seed: s.seed, Children: s.work, Threads: s.threads}
	clock := newClock(s.threads)
	if s.work == 0 {
		opt.Progress = func() float64 { return clock() / s.seconds }
	}
	if s.threads == 1 {
		opt.Better = func(cost int64) { course = append(course, moment{clock(), float64(cost)}) }
	}
	sol, stats, err := vrptw.Solve(vrptw.FromSolomon(file), opt)
	if err != nil {
		return err
	}
	l.CPU, l.Iterations, l.Vehicles = clock(), stats.Children, len(sol.Routes)
	if len(course) > 0 {
		l.First = course[0].seconds
		for _, m := range course {
			if l.Within = m.seconds; m.cost <= 1.02*float64(sol.Cost) {
				break
			}
		}
	}
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

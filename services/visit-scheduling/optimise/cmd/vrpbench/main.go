// Command vrpbench runs the searches on public benchmark files and prints one
// JSON line a file: cost, best known, gap in per cent, vehicles, the separate
// checker's verdict, iterations and CPU seconds.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
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
	best    map[string]float64
}

// line is what is printed of one file. Best and gap are absent when no best
// known value was found.
type line struct {
	File       string   `json:"file"`
	Seed       uint64   `json:"seed"`
	Cost       float64  `json:"cost"`
	Best       *float64 `json:"best,omitempty"`
	Gap        *float64 `json:"gap_percent,omitempty"`
	Vehicles   int      `json:"vehicles"`
	Feasible   bool     `json:"feasible"`
	Breach     string   `json:"breach,omitempty"`
	Iterations int64    `json:"iterations"`
	CPU        float64  `json:"cpu_seconds"`
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("vrpbench", flag.ContinueOnError)
	var s settings
	flags.StringVar(&s.format, "format", "solomon", "solomon or hhcrsp")
	flags.Float64Var(&s.seconds, "seconds", 10, "CPU seconds a file (wall seconds with several threads)")
	flags.IntVar(&s.threads, "threads", 1, "independent searches; solomon only")
	flags.Uint64Var(&s.seed, "seed", 1, "seed of the search")
	flags.Int64Var(&s.work, "work", 0, "stop after this many units of work instead of seconds")
	best := flags.String("best", "", "CSV with columns instance and cost or distance; default: the .sol beside a file, or best_known.csv beside it for hhcrsp")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("no files given")
	}
	if s.seconds <= 0 || s.threads < 1 {
		return errors.New("--seconds and --threads must be positive")
	}
	// The CPU clock is the thread's.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	enc := json.NewEncoder(out)
	for _, path := range flags.Args() {
		table := *best
		if table == "" && s.format == "hhcrsp" {
			table = filepath.Join(filepath.Dir(path), "best_known.csv")
			if _, err := os.Stat(table); err != nil {
				table = ""
			}
		}
		if table != "" {
			var err error
			if s.best, err = readBest(table); err != nil {
				return err
			}
		}
		l, err := solve(path, s)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if err := enc.Encode(l); err != nil {
			return fmt.Errorf("write result: %w", err)
		}
	}
	return nil
}

func readBest(path string) (map[string]float64, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open best known values: %w", err)
	}
	defer f.Close()
	best, err := benchfile.ReadBest(f, "cost")
	if err == nil {
		return best, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read %s again: %w", path, err)
	}
	return benchfile.ReadBest(f, "distance")
}

func solve(path string, s settings) (*line, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	defer f.Close()
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	l := &line{File: name, Seed: s.seed}
	switch s.format {
	case "solomon":
		err = l.routes(path, f, s)
	case "hhcrsp":
		err = l.homeCare(f, s)
	default:
		err = fmt.Errorf("format %q: want solomon or hhcrsp", s.format)
	}
	if err != nil {
		return nil, err
	}
	if b, ok := s.best[name]; ok {
		l.Best = &b
	}
	if l.Best != nil {
		gap := 100 * (l.Cost / *l.Best - 1)
		l.Gap = &gap
	}
	return l, nil
}

func (l *line) routes(path string, f io.Reader, s settings) error {
	file, err := benchfile.ReadSolomon(f)
	if err != nil {
		return err
	}
	if s.best == nil {
		if sol, err := os.Open(strings.TrimSuffix(path, filepath.Ext(path)) + ".sol"); err == nil {
			defer sol.Close()
			_, cost, err := benchfile.ReadSolution(sol)
			if err != nil {
				return fmt.Errorf("best known solution: %w", err)
			}
			l.Best = &cost
		}
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
	l.Feasible, l.Cost = breach == nil, cost
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

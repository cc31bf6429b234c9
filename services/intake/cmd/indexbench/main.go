// Command indexbench measures the person index: it generates a population, puts one
// record of each person into a PostgreSQL of its own with the index's keys, and asks
// who the other records are of, in process and by HTTP at a rate that is held.
//
//	go run ./services/intake/cmd/indexbench --persons 100000,1000000 --svg growth.svg
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres/launch"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "indexbench:", err)
		os.Exit(1)
	}
}

// figures are what one size of population gave.
type figures struct {
	Persons     int     `json:"persons"`
	KeysPerson  float64 `json:"keys_a_person"`
	LoadSeconds float64 `json:"load_seconds"`
	TableMB     float64 `json:"persons_mb"`
	IndexMB     float64 `json:"index_mb"`
	// Asked are questions whose person is in the index, and Found those whose person
	// was ranked first; Missed those who were not among the ranked at all.
	Asked  int     `json:"asked"`
	Found  float64 `json:"found_first"`
	Missed float64 `json:"missed"`
	// Unlike are those of the missed whom the model takes for a new person at this size
	// of population, found or not; the others no key found.
	Unlike float64 `json:"missed_unlike"`
	// InProcess is one after the other; HTTP at Rate a second.
	InProcess latency `json:"in_process"`
	HTTP      latency `json:"http"`
	Rate      int     `json:"http_rate"`
	Load      string  `json:"load_average"`
}

// latency of questions, in milliseconds.
type latency struct {
	N         int     `json:"n"`
	P50       float64 `json:"p50_ms"`
	P99       float64 `json:"p99_ms"`
	Max       float64 `json:"max_ms"`
	CPU       float64 `json:"cpu_ms"` // of this process and PostgreSQL, a question
	PerSecond float64 `json:"a_second"`
}

func run(ctx context.Context, args []string, out, errs io.Writer) (err error) {
	fs := flag.NewFlagSet("indexbench", flag.ContinueOnError)
	fs.SetOutput(errs)
	var (
		sizes   = fs.String("persons", "100000", "sizes of the population, with commas, ascending")
		seed    = fs.Uint64("seed", 1, "what the population is generated from")
		rate    = fs.Int("rate", 500, "questions a second by HTTP")
		seconds = fs.Float64("seconds", 20, "how long each is measured")
		dir     = fs.String("dir", "", "a folder for PostgreSQL's files; a temporary one if not given")
		buffers = fs.String("shared-buffers", "1GB", "PostgreSQL's own cache")
		profile = fs.String("cpuprofile", "", "a file for a CPU profile of this process")
		svg     = fs.String("svg", "", "a file for the plot of growth with size")
	)
	if err := fs.Parse(args); err != nil {
		return err
	}
	if *profile != "" {
		f, err := os.Create(*profile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	if *dir == "" {
		if *dir, err = os.MkdirTemp("", "indexbench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(*dir)) }()
	}
	pg, err := launch.Start(ctx, launch.Options{Dir: filepath.Join(*dir, "postgres"), SharedBuffers: *buffers})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pg.Close()) }()
	var all []figures
	for i, text := range strings.Split(*sizes, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 100 {
			return fmt.Errorf("--persons %q: want numbers of at least 100", text)
		}
		f, err := measure(ctx, pg, fmt.Sprintf("indexbench_%d", i), n, *seed, *rate, time.Duration(*seconds*float64(time.Second)), errs)
		if err != nil {
			return fmt.Errorf("%d persons: %w", n, err)
		}
		all = append(all, f)
		enc := json.NewEncoder(out)
		if err := enc.Encode(f); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%d processors, %s/%s, %s\n", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
	if *svg != "" {
		return os.WriteFile(*svg, plot(all), 0o644)
	}
	return nil
}

func measure(ctx context.Context, pg *launch.Server, name string, n int, seed uint64, rate int, span time.Duration, errs io.Writer) (_ figures, err error) {
	f := figures{Persons: n, Rate: rate}
	g, err := newGround(ctx, pg, name, n)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, g.close(ctx)) }()
	fmt.Fprintf(errs, "indexbench: loading %d persons\n", n)
	begin := time.Now()
	if f.KeysPerson, err = g.load(ctx, n, seed); err != nil {
		return f, err
	}
	f.LoadSeconds = round(time.Since(begin).Seconds())
	if f.TableMB, f.IndexMB, err = g.sizes(ctx); err != nil {
		return f, err
	}
	fmt.Fprintf(errs, "indexbench: asking, one after the other\n")
	if err := g.warm(ctx, span/4); err != nil {
		return f, err
	}
	if err := g.inProcess(ctx, span, &f); err != nil {
		return f, err
	}
	fmt.Fprintf(errs, "indexbench: asking by HTTP, %d a second\n", rate)
	f.HTTP, err = g.byHTTP(ctx, rate, span)
	f.Load = loadAverage()
	return f, err
}

func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	return strings.Join(strings.Fields(string(b))[:1], "")
}

func round(v float64) float64 { return float64(int(v*100+0.5)) / 100 }

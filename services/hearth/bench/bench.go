package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
)

// Options say what to measure, and of what.
type Options struct {
	// Services are those of the suite, intake among them.
	Services []app.Service
	// Inbound is the topic that external systems write referrals to.
	Inbound string
	// Agency is one that the shipped rules know.
	Agency string
	// Program is the hearth to start as a child for the figures of a process at rest.
	Program string
	// Only names what to measure; empty is everything. See Names.
	Only []string
	// Span is how long each side of a ratio is measured, over all rounds.
	Span time.Duration
	// Progress is told what goes on.
	Progress io.Writer
}

// Report is what was measured, and on what.
type Report struct {
	Machine Machine  `json:"machine"`
	Figures []Figure `json:"figures"`
}

// Machine is what the figures are of.
type Machine struct {
	CPUs       int    `json:"cpus"`
	System     string `json:"system"`
	Go         string `json:"go"`
	PostgreSQL string `json:"postgresql"`
	// Load is the system's load average of one minute, before and after; -1 where it is not told.
	Load [2]float64 `json:"load"`
	// Seconds is how long the whole run took.
	Seconds float64 `json:"seconds"`
}

// Figure is one thing measured. With a limit, Ratio is what counts: the median
// of the ratios of the rounds, in each of which one was measured after the other.
type Figure struct {
	Name     string  `json:"name"`
	What     string  `json:"what"`
	Unit     string  `json:"unit"`
	Measured float64 `json:"measured"`
	// Limit is what Measured stands beside; 0 is nothing.
	Limit float64 `json:"limit,omitempty"`
	// Ratio is Measured to Limit.
	Ratio float64 `json:"ratio,omitempty"`
	// Aim is what is wanted: at least so much of Ratio, or at most so much of Measured.
	Aim float64 `json:"aim,omitempty"`
	// CPURatio is the limit's processor time to the measured.
	CPURatio float64 `json:"cpu_ratio,omitempty"`
	Met      *bool   `json:"met,omitempty"`
	Note     string  `json:"note,omitempty"`
	Rounds   []Round `json:"rounds,omitempty"`
}

// Round is one measurement of both sides.
type Round struct {
	Measured float64 `json:"measured"`
	Limit    float64 `json:"limit"`
	// MeasuredCPU and LimitCPU are milliseconds of processor time for each
	// referral, of this process and of PostgreSQL. They depend less than rates on
	// what else the machine does.
	MeasuredCPU float64 `json:"measured_cpu_ms,omitempty"`
	LimitCPU    float64 `json:"limit_cpu_ms,omitempty"`
}

// part is a group of figures that are measured together.
type part struct {
	name string
	run  func(ctx context.Context, g *ground) ([]Figure, error)
}

func parts() []part {
	return []part{
		{"http", measureHTTP},
		{"import", measureImport},
		{"kafka", measureKafka},
		{"seen", measureSeen},
		{"relay", measureRelay},
		{"rest", measureRest},
	}
}

// Names are what Options.Only chooses from.
func Names() []string {
	var names []string
	for _, p := range parts() {
		names = append(names, p.name)
	}
	return names
}

// Run measures. Everything it starts has ended when it returns, and nothing of
// it is left on disk.
func Run(ctx context.Context, o Options) (_ Report, err error) {
	for _, name := range o.Only {
		if !slices.Contains(Names(), name) {
			return Report{}, fmt.Errorf("there is no figure %q: choose from %s", name, strings.Join(Names(), ", "))
		}
	}
	dir, err := os.MkdirTemp("", "hearth-bench-")
	if err != nil {
		return Report{}, fmt.Errorf("make a folder to work in: %w", err)
	}
	// A server of another user works in a folder below this one.
	if err := os.Chmod(dir, 0o755); err != nil {
		return Report{}, errors.Join(err, os.RemoveAll(dir))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	began := time.Now()
	g := &ground{Options: o, dir: dir}
	defer func() { err = errors.Join(err, g.close()) }()
	g.say("starting PostgreSQL in %s", dir)
	if err := g.start(ctx); err != nil {
		return Report{}, err
	}
	r := Report{Machine: Machine{CPUs: runtime.NumCPU(), System: runtime.GOOS + "/" + runtime.GOARCH, Go: runtime.Version(), PostgreSQL: g.version, Load: [2]float64{load(), 0}}}
	for _, p := range parts() {
		if len(o.Only) > 0 && !slices.Contains(o.Only, p.name) {
			continue
		}
		figures, err := p.run(ctx, g)
		if err != nil {
			return r, fmt.Errorf("measure %s: %w", p.name, err)
		}
		r.Figures = append(r.Figures, figures...)
	}
	r.Machine.Load[1], r.Machine.Seconds = load(), time.Since(began).Seconds()
	return r, nil
}

// beside makes a figure of rounds; aim 0 is none.
func beside(name, what, unit string, rounds []Round, aim float64) Figure {
	f := Figure{Name: name, What: what, Unit: unit, Rounds: rounds, Aim: aim}
	var measured, limits, ratios, cpu []float64
	for _, r := range rounds {
		measured, limits, ratios = append(measured, r.Measured), append(limits, r.Limit), append(ratios, r.Measured/r.Limit)
		if r.MeasuredCPU > 0 {
			cpu = append(cpu, r.LimitCPU/r.MeasuredCPU)
		}
	}
	f.Measured, f.Limit, f.Ratio, f.CPURatio = median(measured), median(limits), median(ratios), median(cpu)
	if aim > 0 {
		met := f.Ratio >= aim
		f.Met = &met
	}
	return f
}

// atMost makes a figure that is to stay below aim; 0 is none.
func atMost(name, what, unit string, measured, aim float64) Figure {
	f := Figure{Name: name, What: what, Unit: unit, Measured: measured, Aim: aim}
	if aim > 0 {
		met := measured <= aim
		f.Met = &met
	}
	return f
}

// median is the middle of values, or the mean of the two in the middle.
func median(values []float64) float64 {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return 0
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2
}

// quantile is the value that a share q of values do not exceed.
func quantile(values []time.Duration, q float64) time.Duration {
	v := slices.Sorted(slices.Values(values))
	if len(v) == 0 {
		return 0
	}
	return v[min(int(q*float64(len(v))), len(v)-1)]
}

// load is the load average of one minute where the system tells it in /proc.
func load() float64 {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return -1
	}
	var one float64
	if _, err := fmt.Sscan(string(text), &one); err != nil {
		return -1
	}
	return one
}

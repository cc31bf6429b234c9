package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"
)

// Step is one step of the run and how long it took.
type Step struct {
	Name    string  `json:"name"`
	Seconds float64 `json:"seconds"`
	Figures Figures `json:"figures,omitempty"`
	Failure string  `json:"failure,omitempty"`
}

// Figures are what a step found, by name.
type Figures map[string]any

// report collects steps; both halves write to the same file, one after the other.
type report struct {
	file  string
	Steps []Step `json:"steps"`
}

// openReport reads what the other half has written so far.
func openReport(file string) (*report, error) {
	r := &report{file: file}
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, r); err != nil {
		return nil, fmt.Errorf("read the report %s: %w", file, err)
	}
	return r, nil
}

// step does one thing, says how long it took, and keeps both.
func (r *report) step(name string, do func() (Figures, error)) error {
	say("%s", name)
	began := time.Now()
	figures, err := do()
	s := Step{Name: name, Seconds: time.Since(began).Seconds(), Figures: figures}
	if err != nil {
		s.Failure = err.Error()
	}
	r.Steps = append(r.Steps, s)
	say("  %s in %.1f s", ending(err), s.Seconds)
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return errors.Join(err, r.write())
}

func ending(err error) string {
	if err != nil {
		return "FAILED"
	}
	return "done"
}

func (r *report) write() error {
	data, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(r.file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(r.file, append(data, '\n'), 0o644)
}

// print writes the table of steps and their figures.
func (r *report) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nstep\tseconds\tfigures")
	for _, s := range r.Steps {
		what := s.Figures.String()
		if s.Failure != "" {
			what = strings.TrimSpace("FAILED " + what)
		}
		fmt.Fprintf(w, "%s\t%.1f\t%s\n", s.Name, s.Seconds, what)
	}
	_ = w.Flush() // to the terminal
	fmt.Println("\nthe same as JSON:", r.file)
}

// String lists the figures in the order of their names.
func (f Figures) String() string {
	if len(f) == 0 {
		return ""
	}
	data, err := json.Marshal(f) // maps are written in the order of their keys
	if err != nil {
		return err.Error()
	}
	text := strings.NewReplacer(`"`, "", ":", " ", ",", ", ").Replace(string(data))
	return strings.Trim(text, "{}")
}

func say(format string, args ...any) {
	fmt.Printf("%s  %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
)

// best is what is known of a file; value 0 is nothing. With vehicles above 0 the
// value is a distance in full precision found for that many.
type best struct{ value, vehicles float64 }

func nameOf(path string) string { return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)) }

// bestOf looks in the table given, and without one in the solution and then the
// table beside the file.
func bestOf(path string, s settings) (best, error) {
	if s.best != "" {
		return fromTable(s.best, nameOf(path))
	}
	if s.format == "solomon" {
		sol, err := os.Open(strings.TrimSuffix(path, filepath.Ext(path)) + ".sol")
		if err == nil {
			defer sol.Close()
			_, cost, err := benchfile.ReadSolution(sol)
			if err != nil {
				return best{}, fmt.Errorf("best known solution: %w", err)
			}
			return best{value: cost}, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return best{}, fmt.Errorf("open best known solution: %w", err)
		}
	}
	beside := filepath.Join(filepath.Dir(path), "best_known.csv")
	if _, err := os.Stat(beside); errors.Is(err, fs.ErrNotExist) {
		return best{}, nil
	}
	return fromTable(beside, nameOf(path))
}

func fromTable(path, name string) (best, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return best{}, fmt.Errorf("open best known values: %w", err)
	}
	if costs, err := benchfile.ReadBest(bytes.NewReader(text), "cost"); err == nil {
		return best{value: costs[name]}, nil
	}
	lengths, err := benchfile.ReadBest(bytes.NewReader(text), "distance")
	if err != nil {
		return best{}, fmt.Errorf("%s: %w", path, err)
	}
	fleets, err := benchfile.ReadBest(bytes.NewReader(text), "vehicles")
	if err != nil {
		return best{}, fmt.Errorf("%s: %w", path, err)
	}
	return best{lengths[name], fleets[name]}, nil
}

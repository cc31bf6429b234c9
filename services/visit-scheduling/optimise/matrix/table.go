package matrix

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// spot is a place to five decimals, about a metre.
type spot struct{ lat, lon int32 }

func at(p optimise.Place) spot {
	return spot{int32(math.Round(p.Lat * 1e5)), int32(math.Round(p.Lon * 1e5))}
}

// leg is a way by a mode.
type leg struct {
	mode     optimise.Mode
	from, to spot
}

// Table is travel times read from a file. It is safe for concurrent use.
type Table struct {
	minutes  map[leg]uint16
	fallback optimise.ByMode
	missing  atomic.Int64
}

// columns of the file, in any order; mode may be left out and is then by car.
var columns = []string{"from_lat", "from_lon", "to_lat", "to_lon", "minutes"}

// mostLegs a file may have: of four thousand places, each with each.
const mostLegs = 16_000_000

// Read reads a CSV file (RFC 4180) with a header line and the columns from_lat,
// from_lon, to_lat, to_lon (degrees), minutes (whole, the stop included) and
// perhaps mode. Errors name the line and the column. Ways that are not in it are
// asked of fallback.
func Read(r io.Reader, fallback optimise.ByMode) (*Table, error) {
	in := csv.NewReader(r)
	in.ReuseRecord = true
	head, err := in.Read()
	if err != nil {
		return nil, fmt.Errorf("read header: %w", err)
	}
	index := map[string]int{}
	for i, name := range head {
		if !slices.Contains(columns, name) && name != "mode" {
			return nil, fmt.Errorf("header: column %q is not known; there are %v and mode", name, columns)
		}
		index[name] = i
	}
	for _, name := range columns {
		if _, ok := index[name]; !ok {
			return nil, fmt.Errorf("header: column %q is missing", name)
		}
	}
	t := &Table{minutes: map[leg]uint16{}, fallback: fallback}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read: %w", err)
		}
		line, _ := in.FieldPos(0)
		if err := t.add(row, index); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if len(t.minutes) > mostLegs {
			return nil, fmt.Errorf("line %d: more than %d ways", line, mostLegs)
		}
	}
}

func (t *Table) add(row []string, index map[string]int) error {
	degrees := func(name string, most float64) (float64, error) {
		x, err := strconv.ParseFloat(row[index[name]], 64)
		if err != nil || math.IsNaN(x) || math.Abs(x) > most {
			return 0, fmt.Errorf("%s: %q is not a number of degrees up to %v", name, row[index[name]], most)
		}
		return x, nil
	}
	var x [4]float64
	for i, name := range columns[:4] {
		var err error
		if x[i], err = degrees(name, []float64{90, 180}[i%2]); err != nil {
			return err
		}
	}
	minutes, err := strconv.ParseUint(row[index["minutes"]], 10, 16)
	if err != nil {
		return fmt.Errorf("minutes: %q is not a whole number from 0 to 65535", row[index["minutes"]])
	}
	mode := optimise.Car
	if i, ok := index["mode"]; ok {
		mode = optimise.Mode(row[i])
		if !slices.Contains([]optimise.Mode{optimise.Car, optimise.Transit, optimise.Bicycle, optimise.Foot}, mode) {
			return fmt.Errorf("mode: no way of travelling is called %q", row[i])
		}
	}
	key := leg{mode, at(optimise.Place{Lat: x[0], Lon: x[1]}), at(optimise.Place{Lat: x[2], Lon: x[3]})}
	if _, twice := t.minutes[key]; twice {
		return errors.New("the same way is in the file already")
	}
	t.minutes[key] = uint16(minutes)
	return nil
}

// Minutes implements optimise.Travel.
func (t *Table) Minutes(from, to optimise.Place) int { return t.MinutesBy(optimise.Car, from, to) }

// MinutesBy implements optimise.ByMode.
func (t *Table) MinutesBy(mode optimise.Mode, from, to optimise.Place) int {
	if from == to || from.Unknown || to.Unknown {
		return t.fallback.MinutesBy(mode, from, to)
	}
	if m, ok := t.minutes[leg{mode, at(from), at(to)}]; ok {
		return int(m)
	}
	t.missing.Add(1)
	return t.fallback.MinutesBy(mode, from, to)
}

// Missing is how often the fallback was asked.
func (t *Table) Missing() int64 { return t.missing.Load() }

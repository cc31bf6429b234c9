package matrix

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// columns of the file, in any order; mode may be left out and is then by car.
var columns = []string{"from_lat", "from_lon", "to_lat", "to_lon", "minutes"}

// mostLegs a file may have: of four thousand places, each with each.
const mostLegs = 16_000_000

// Read reads the ways of a CSV file (RFC 4180) with a header line and the columns
// from_lat, from_lon, to_lat, to_lon (degrees), minutes (whole, the stop included)
// and perhaps mode: car, transit, bicycle or foot, by car when it is empty. Errors
// name the line and the column.
func Read(r io.Reader) (*Times, error) {
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
	t := &Times{name: "file", digits: fileDigits, stopped: true, of: map[optimise.Mode]map[leg]int16{}}
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
		if t.size++; t.size > mostLegs {
			return nil, fmt.Errorf("line %d: more than %d ways", line, mostLegs)
		}
	}
}

func (t *Times) add(row []string, index map[string]int) error {
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
	minutes, err := strconv.ParseUint(row[index["minutes"]], 10, 15)
	if err != nil {
		return fmt.Errorf("minutes: %q is not a whole number from 0 to 32767", row[index["minutes"]])
	}
	mode := optimise.Car
	if i, ok := index["mode"]; ok {
		if mode = optimise.Mode(row[i]); mode == "car" {
			mode = optimise.Car
		}
		if !slices.Contains([]optimise.Mode{optimise.Car, optimise.Transit, optimise.Bicycle, optimise.Foot}, mode) {
			return fmt.Errorf("mode: no way of travelling is called %q", row[i])
		}
	}
	w := Way{mode, spot(optimise.Place{Lat: x[0], Lon: x[1]}, fileDigits), spot(optimise.Place{Lat: x[2], Lon: x[3]}, fileDigits), int(minutes)}
	if t.Asked(mode, w.From, w.To) {
		return errors.New("the same way is in the file already")
	}
	t.put(w)
	return nil
}

// Package benchfile reads the public routing benchmarks: Solomon's and Gehring
// and Homberger's vehicle routing with time windows, their solution files, and
// the home-care instances of Mankowska, Meisel and Bierwirth.
package benchfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Scale is the number of units in one unit of a Solomon file: distances are
// cut, not rounded, to one decimal, as in the DIMACS implementation challenge.
const Scale = 10

// Solomon is a file of the Solomon format as it stands: unscaled numbers.
type Solomon struct {
	Name     string
	Vehicles int
	Capacity int
	Nodes    []SolomonNode // 0 is the depot
}

// SolomonNode is one line of the customer table.
type SolomonNode struct {
	X, Y                        float64
	Demand, Ready, Due, Service int
}

// ReadSolomon reads one file. Errors name the line.
func ReadSolomon(r io.Reader) (*Solomon, error) {
	sc := bufio.NewScanner(r)
	s := &Solomon{}
	line, section := 0, ""
	for sc.Scan() {
		line++
		f := strings.Fields(sc.Text())
		if line == 1 && len(f) > 0 {
			f[0] = strings.TrimPrefix(f[0], "\ufeff")
		}
		if len(f) == 0 || f[0] == "" {
			continue
		}
		switch {
		case s.Name == "":
			s.Name = f[0]
		case strings.EqualFold(f[0], "VEHICLE"), strings.EqualFold(f[0], "CUSTOMER"):
			section = strings.ToUpper(f[0])
		case strings.EqualFold(f[0], "NUMBER"), strings.EqualFold(f[0], "CUST"):
			// column titles
		case section == "VEHICLE":
			v, err := whole(f, "number", "capacity")
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			s.Vehicles, s.Capacity = v[0], v[1]
		case section == "CUSTOMER":
			if len(f) != 7 {
				return nil, fmt.Errorf("line %d: a customer has 7 columns, not %d", line, len(f))
			}
			id, err := strconv.Atoi(f[0])
			if err != nil || id != len(s.Nodes) {
				return nil, fmt.Errorf("line %d: customer number %q, want %d", line, f[0], len(s.Nodes))
			}
			x, errX := strconv.ParseFloat(f[1], 64)
			y, errY := strconv.ParseFloat(f[2], 64)
			if errX != nil || errY != nil || math.Abs(x) > 1e6 || math.Abs(y) > 1e6 || math.IsNaN(x) || math.IsNaN(y) {
				return nil, fmt.Errorf("line %d: place %q %q is not a pair of numbers within a million", line, f[1], f[2])
			}
			v, err := whole(f[3:], "demand", "ready time", "due date", "service time")
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", line, err)
			}
			s.Nodes = append(s.Nodes, SolomonNode{x, y, v[0], v[1], v[2], v[3]})
		default:
			return nil, fmt.Errorf("line %d: %q outside any section", line, f[0])
		}
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("line %d: %w", line+1, err)
	}
	if len(s.Nodes) == 0 || s.Vehicles < 1 || s.Capacity < 1 {
		return nil, fmt.Errorf("file has %d nodes, %d vehicles, capacity %d; each must be at least 1", len(s.Nodes), s.Vehicles, s.Capacity)
	}
	return s, nil
}

// Distance is the leg between two nodes in units of 1/Scale, cut.
func (s *Solomon) Distance(i, j int) int32 {
	a, b := s.Nodes[i], s.Nodes[j]
	return int32(math.Floor(Scale*math.Hypot(a.X-b.X, a.Y-b.Y) + 1e-9))
}

// Length is the distance of routes in full precision.
func (s *Solomon) Length(routes [][]int32) float64 {
	sum := 0.0
	leg := func(i, j int32) float64 { return math.Hypot(s.Nodes[i].X-s.Nodes[j].X, s.Nodes[i].Y-s.Nodes[j].Y) }
	for _, r := range routes {
		at := int32(0)
		for _, c := range r {
			sum += leg(at, c)
			at = c
		}
		sum += leg(at, 0)
	}
	return sum
}

// whole reads one whole number for each column named.
func whole(f []string, columns ...string) ([]int, error) {
	if len(f) != len(columns) {
		return nil, fmt.Errorf("want %d numbers (%s), have %d", len(columns), strings.Join(columns, ", "), len(f))
	}
	out := make([]int, len(f))
	for i := range out {
		v, err := strconv.ParseFloat(f[i], 64)
		if err != nil || v != math.Trunc(v) || v < 0 || v > 1e7 {
			return nil, fmt.Errorf("%s: %q is not a whole number from 0 to 10 million", columns[i], f[i])
		}
		out[i] = int(v)
	}
	return out, nil
}

// ReadSolution reads a VRPLIB .sol file: "Route #k: c c c" lines and "Cost v".
func ReadSolution(r io.Reader) (routes [][]int32, cost float64, err error) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, 1<<20)
	for line := 1; sc.Scan(); line++ {
		text := strings.TrimSpace(sc.Text())
		lower := strings.ToLower(text)
		switch {
		case strings.HasPrefix(lower, "route"):
			_, list, ok := strings.Cut(text, ":")
			if !ok {
				return nil, 0, fmt.Errorf("line %d: a route without a colon", line)
			}
			var route []int32
			for _, f := range strings.Fields(list) {
				c, err := strconv.ParseInt(f, 10, 32)
				if err != nil {
					return nil, 0, fmt.Errorf("line %d: customer %q: %w", line, f, err)
				}
				route = append(route, int32(c))
			}
			routes = append(routes, route)
		case strings.HasPrefix(lower, "cost"):
			f := strings.Fields(text)
			if len(f) != 2 {
				return nil, 0, fmt.Errorf("line %d: a cost line has one number", line)
			}
			cost, err = strconv.ParseFloat(f[1], 64)
			if err != nil {
				return nil, 0, fmt.Errorf("line %d: cost: %w", line, err)
			}
		}
	}
	if err := sc.Err(); err != nil {
		return nil, 0, fmt.Errorf("read solution: %w", err)
	}
	if cost <= 0 {
		return nil, 0, errors.New("solution has no line \"Cost\" with a number above 0")
	}
	return routes, cost, nil
}

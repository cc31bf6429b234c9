package benchfile

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// HomeCare is an instance of the home health care routing and scheduling
// problem of Mankowska, Meisel and Bierwirth (2014): caregivers leave one
// office at time 0, serve patients with the skills they have and return; some
// patients need two caregivers at once, or one after the other.
type HomeCare struct {
	Patients   []HomeCarePatient   `json:"patients"`
	Services   []HomeCareService   `json:"services"`
	Caregivers []HomeCareCaregiver `json:"caregivers"`
	// Distances is square, row and column 0 the office, then the patients in order.
	Distances [][]float64 `json:"distances"`
}

// HomeCarePatient is one patient.
type HomeCarePatient struct {
	ID         string         `json:"id"`
	TimeWindow [2]float64     `json:"time_window"` // start of service; lateness is allowed and costs
	Required   []HomeCareNeed `json:"required_caregivers"`
	Sync       *HomeCareSync  `json:"synchronization"`
}

// HomeCareNeed is one service a patient needs.
type HomeCareNeed struct {
	Service  string   `json:"service"`
	Duration *float64 `json:"duration"` // the service's default when absent
}

// HomeCareSync links a patient's two services.
type HomeCareSync struct {
	Type     string     `json:"type"` // simultaneous or sequential
	Distance [2]float64 `json:"distance"`
}

// HomeCareService is a kind of service.
type HomeCareService struct {
	ID       string  `json:"id"`
	Duration float64 `json:"default_duration"`
}

// HomeCareCaregiver is one caregiver and the services they may give.
type HomeCareCaregiver struct {
	ID        string   `json:"id"`
	Abilities []string `json:"abilities"`
}

// lineOf is the line a decoding error stands on.
func lineOf(text []byte, err error) int {
	at := int64(len(text))
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		at = syntax.Offset
	case errors.As(err, &kind):
		at = kind.Offset
	}
	return 1 + bytes.Count(text[:min(at, int64(len(text)))], []byte("\n"))
}

// ReadHomeCare reads and checks one instance. Errors name the line where the
// JSON is broken, else the patient or the row of the matrix.
func ReadHomeCare(r io.Reader) (*HomeCare, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read home-care instance: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	var h HomeCare
	if err := json.Unmarshal(text, &h); err != nil {
		return nil, fmt.Errorf("line %d: %w", lineOf(text, err), err)
	}
	n := len(h.Patients) + 1
	if len(h.Distances) != n {
		return nil, fmt.Errorf("distances: %d rows for %d places", len(h.Distances), n)
	}
	for i, row := range h.Distances {
		if len(row) != n {
			return nil, fmt.Errorf("distances row %d: %d columns for %d places", i, len(row), n)
		}
		for j, d := range row {
			if d < 0 || d > 1e5 || math.IsNaN(d) {
				return nil, fmt.Errorf("distance from %d to %d is %v, want 0 to 100000", i, j, d)
			}
		}
	}
	known := map[string]float64{}
	for _, s := range h.Services {
		known[s.ID] = s.Duration
	}
	able := map[string]int{}
	for _, c := range h.Caregivers {
		seen := map[string]bool{}
		for _, a := range c.Abilities {
			if !seen[a] {
				able[a]++
			}
			seen[a] = true
		}
	}
	for _, p := range h.Patients {
		if k := len(p.Required); k < 1 || k > 2 {
			return nil, fmt.Errorf("patient %s: %d services; 1 or 2 are possible", p.ID, k)
		}
		if (len(p.Required) == 2) != (p.Sync != nil) {
			return nil, fmt.Errorf("patient %s: two services and a synchronization go together", p.ID)
		}
		if p.Sync != nil && p.Sync.Type != "simultaneous" && p.Sync.Type != "sequential" {
			return nil, fmt.Errorf("patient %s: synchronization %q is neither simultaneous nor sequential", p.ID, p.Sync.Type)
		}
		if p.Sync != nil && p.Sync.Type == "sequential" && (p.Sync.Distance[0] < 0 || p.Sync.Distance[1] < p.Sync.Distance[0]) {
			return nil, fmt.Errorf("patient %s: gap %v is not an interval", p.ID, p.Sync.Distance)
		}
		if p.TimeWindow[0] < 0 || p.TimeWindow[1] < p.TimeWindow[0] || p.TimeWindow[1] > 1e5 {
			return nil, fmt.Errorf("patient %s: window %v is not an interval", p.ID, p.TimeWindow)
		}
		for _, q := range p.Required {
			d, ok := known[q.Service]
			if q.Duration != nil {
				d = *q.Duration
			}
			if !ok || d < 0 || d > 1e5 {
				return nil, fmt.Errorf("patient %s: service %q unknown or its duration %v out of range", p.ID, q.Service, d)
			}
			if able[q.Service] == 0 {
				return nil, fmt.Errorf("patient %s: no caregiver gives service %q", p.ID, q.Service)
			}
		}
	}
	return &h, nil
}

// Duration is how long the k-th service of patient p takes.
func (h *HomeCare) Duration(p, k int) float64 {
	q := h.Patients[p].Required[k]
	if q.Duration != nil {
		return *q.Duration
	}
	for _, s := range h.Services {
		if s.ID == q.Service {
			return s.Duration
		}
	}
	return 0
}

// ReadBest reads a table of best known values: a header line with the columns
// instance and the one named column.
func ReadBest(r io.Reader, column string) (map[string]float64, error) {
	rows, err := csv.NewReader(r).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("read best known values: %w", err)
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("best known values: the table is empty")
	}
	name, value := -1, -1
	for i, h := range rows[0] {
		switch h {
		case "instance":
			name = i
		case column:
			value = i
		}
	}
	if name < 0 || value < 0 {
		return nil, fmt.Errorf("best known values: columns instance and %s wanted, have %v", column, rows[0])
	}
	best := map[string]float64{}
	for i, row := range rows[1:] {
		v, err := strconv.ParseFloat(row[value], 64)
		if err != nil {
			return nil, fmt.Errorf("best known values line %d: %w", i+2, err)
		}
		best[row[name]] = v
	}
	return best, nil
}

package check

import (
	"fmt"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/benchfile"
)

// Stop is one service given: which patient, which of their services, and when
// it starts, in the file's minutes.
type Stop struct {
	Patient, Service int
	Start            float64
}

// tolerance absorbs the rounding of decimal minutes, not a broken rule.
const tolerance = 1e-6

// HomeCare verifies one route per caregiver and returns the cost: the mean of
// distance, total tardiness and largest tardiness. The error names the first
// breach: a service missing, doubled, given without the skill, started before
// arrival or before its window, by one caregiver alone, or out of step with the
// patient's other service.
func HomeCare(h *benchfile.HomeCare, routes [][]Stop) (float64, error) {
	if len(routes) > len(h.Caregivers) {
		return 0, fmt.Errorf("%d routes for %d caregivers", len(routes), len(h.Caregivers))
	}
	type given struct {
		by    int
		start float64
	}
	done := map[[2]int]given{}
	var distance, total, largest float64
	for w, route := range routes {
		free, at := 0.0, 0
		for _, s := range route {
			if s.Patient < 0 || s.Patient >= len(h.Patients) {
				return 0, fmt.Errorf("caregiver %s: no patient %d", h.Caregivers[w].ID, s.Patient)
			}
			p := h.Patients[s.Patient]
			if s.Service < 0 || s.Service >= len(p.Required) {
				return 0, fmt.Errorf("patient %s: no service %d", p.ID, s.Service)
			}
			key := [2]int{s.Patient, s.Service}
			if _, twice := done[key]; twice {
				return 0, fmt.Errorf("patient %s: service %d given twice", p.ID, s.Service)
			}
			skilled := false
			for _, a := range h.Caregivers[w].Abilities {
				skilled = skilled || a == p.Required[s.Service].Service
			}
			if !skilled {
				return 0, fmt.Errorf("patient %s: caregiver %s does not give %s", p.ID, h.Caregivers[w].ID, p.Required[s.Service].Service)
			}
			distance += h.Distances[at][s.Patient+1]
			arrive := free + h.Distances[at][s.Patient+1]
			if s.Start < arrive-tolerance || s.Start < p.TimeWindow[0]-tolerance {
				return 0, fmt.Errorf("patient %s: service %d starts at %.3f, arrival %.3f, window from %.3f", p.ID, s.Service, s.Start, arrive, p.TimeWindow[0])
			}
			late := max(0, s.Start-p.TimeWindow[1])
			total += late
			largest = max(largest, late)
			done[key] = given{w, s.Start}
			free, at = s.Start+h.Duration(s.Patient, s.Service), s.Patient+1
		}
		distance += h.Distances[at][0]
	}
	for i, p := range h.Patients {
		for k := range p.Required {
			if _, ok := done[[2]int{i, k}]; !ok {
				return 0, fmt.Errorf("patient %s: service %d not given", p.ID, k)
			}
		}
		if p.Sync == nil {
			continue
		}
		a, b := done[[2]int{i, 0}], done[[2]int{i, 1}]
		if a.by == b.by {
			return 0, fmt.Errorf("patient %s: both services by caregiver %s", p.ID, h.Caregivers[a.by].ID)
		}
		least, most := 0.0, 0.0
		if p.Sync.Type == "sequential" {
			least, most = p.Sync.Distance[0], p.Sync.Distance[1]
		}
		if gap := b.start - a.start; gap < least-tolerance || gap > most+tolerance {
			return 0, fmt.Errorf("patient %s: services start %.3f apart, allowed %.3f to %.3f", p.ID, gap, least, most)
		}
	}
	return (distance + total + largest) / 3, nil
}

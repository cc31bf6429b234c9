package match

import "fmt"

// Zone is what should happen with a pair.
type Zone uint8

// Zones.
const (
	New  Zone = iota // treat as different persons
	Ask              // a person decides
	Link             // link without asking
)

func (z Zone) String() string { return [...]string{"new", "ask", "link"}[z] }

// Costs state the thresholds as what a mistake costs. A false link shows one
// family another's allegations and can hide a child behind another's record; a
// missed link hides a pattern until the next referral; asking costs somebody's
// minutes. Only their ratios matter.
type Costs struct {
	FalseLink  float64 `json:"false_link"`
	MissedLink float64 `json:"missed_link"`
	Asking     float64 `json:"asking"`
}

// DefaultCosts hold one false link as bad as a thousand questions and fifty
// missed links: link from p = 0.999, ask from p = 0.05.
func DefaultCosts() Costs { return Costs{FalseLink: 1000, MissedLink: 20, Asking: 1} }

func (c Costs) check() error {
	if !(c.Asking > 0 && c.MissedLink > c.Asking && c.FalseLink > c.MissedLink) {
		return fmt.Errorf("costs: want 0 < asking (%v) < missed link (%v) < false link (%v)", c.Asking, c.MissedLink, c.FalseLink)
	}
	return nil
}

// LinkFrom is the probability from which linking costs less than asking: the
// expected cost of a false link, (1-p)·FalseLink, is below that of asking.
func (c Costs) LinkFrom() float64 { return 1 - c.Asking/c.FalseLink }

// AskFrom is the probability from which asking costs less than doing nothing:
// the expected cost of missing, p·MissedLink, is above that of asking.
func (c Costs) AskFrom() float64 { return c.Asking / c.MissedLink }

func (c Costs) zone(p float64) Zone {
	switch {
	case p >= c.LinkFrom():
		return Link
	case p >= c.AskFrom():
		return Ask
	}
	return New
}

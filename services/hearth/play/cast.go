package play

import (
	"context"
	"fmt"

	"github.com/hearthfps/hearth/pkg/rules"
)

// Cast is the people who play: who they are is data, so that a run with the
// same cast does the same things.
type Cast struct {
	*Suite
	// Workers visit families; each has at most a program's caseload of them.
	Workers []string
	// Supervisors assign and approve; never the author of a plan.
	Supervisors []string
	// IntakeWorkers screen.
	IntakeWorkers []string

	programs *rules.Library[rules.Program]
}

// NewCast names n family workers, and a supervisor for every ten of them.
func NewCast(s *Suite, n int) (*Cast, error) {
	known, err := programs()
	if err != nil {
		return nil, fmt.Errorf("read the programs: %w", err)
	}
	c := &Cast{Suite: s, programs: known, IntakeWorkers: []string{"intake-1", "intake-2"}}
	for i := range n {
		c.Workers = append(c.Workers, fmt.Sprintf("worker-%d", i+1))
	}
	for i := range (n + 9) / 10 {
		c.Supervisors = append(c.Supervisors, fmt.Sprintf("supervisor-%d", i+1))
	}
	return c, nil
}

// pick chooses one of names by what the choice is about, always the same one.
func pick(names []string, about string) string {
	return names[hash(about)%uint64(len(names))]
}

// Enrol tells the suite who the workers are: their hours, skills and languages
// to the scheduler, and where to write to them.
func (c *Cast) Enrol(ctx context.Context) error {
	scheduler := c.As("scheduler", "scheduler-1")
	admin := c.As("admin", "")
	languages := [][]string{{"en", "fi"}, {"en", "fi", "sv"}, {"en", "es"}, {"fi", "sv"}, {"en", "fi", "ar"}, {"en", "so"}}
	for i, w := range c.Workers {
		hours := make([]map[string]any, 0, 6)
		for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
			hours = append(hours, map[string]any{"weekday": day, "from": "08:00", "to": "18:00"})
		}
		if i%3 == 0 {
			hours = append(hours, map[string]any{"weekday": "sat", "from": "10:00", "to": "16:00"})
		}
		err := c.put(ctx, scheduler, "/visits/v1/workers/"+w, map[string]any{
			"skills": []string{"family_work", "family_therapy"}, "languages": languages[i%len(languages)],
			"base":         map[string]any{"lat": 65.01 + float64(i%7)*0.01, "lon": 25.47 + float64(i%5)*0.02},
			"weekly_hours": hours,
		})
		if err != nil {
			return fmt.Errorf("enrol %s with the scheduler: %w", w, err)
		}
	}
	for _, w := range append(append([]string{}, c.Workers...), c.Supervisors...) {
		err := c.put(ctx, admin, "/notifications/v1/workers/"+w+"/contact", map[string]any{
			"email": w + "@agency.example", "language": "en",
		})
		if err != nil {
			return fmt.Errorf("enrol %s for messages: %w", w, err)
		}
	}
	return nil
}

// put creates what stands at path, or leaves it when it is there already.
func (c *Cast) put(ctx context.Context, p *Person, path string, body any) error {
	_, err := p.Get(ctx, path, nil)
	if err == nil {
		return nil
	}
	if !Refused(err, 404) {
		return err
	}
	_, err = p.Put(ctx, path, body, nil)
	return err
}

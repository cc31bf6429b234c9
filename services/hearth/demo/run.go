package demo

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/hearthfps/hearth/services/hearth/play"
)

// Options say what to play and where.
type Options struct {
	// URL is the scheme and host of a suite that runs with --dev.
	URL string
	// Token returns a bearer token for a role.
	Token func(ctx context.Context, role, worker string) (string, error)
	// HTTP sends the requests; http.DefaultClient when nil.
	HTTP *http.Client
	// Events is the file to send, NDJSON; the demo's own when nil.
	Events []byte
	// Weeks is how long each plan runs.
	Weeks int
	// Progress is where it says how far it is; nothing is said when nil.
	Progress io.Writer
}

// Result is what a run came to.
type Result struct {
	Ledger   Ledger  `json:"ledger"`
	Timeline []Entry `json:"timeline"` // of the family whose way was longest
	CaseID   string  `json:"timeline_case_id"`
}

// Entry is one line of a family's timeline.
type Entry struct {
	At      time.Time      `json:"at"`
	Service string         `json:"service"`
	Type    string         `json:"type"`
	Data    map[string]any `json:"data"`
}

// ErrDoesNotAddUp is returned, with the result, when the ledger has faults.
var ErrDoesNotAddUp = errors.New("the ledger does not add up")

// Run plays the whole of it.
func Run(ctx context.Context, o Options) (Result, error) {
	if o.Weeks == 0 {
		o.Weeks = 4
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	suite := play.At(o.URL, o.Token)
	suite.HTTP = o.HTTP
	r := &run{Options: o, suite: suite, clock: devClock{suite.As("admin", "")}}
	return r.play(ctx)
}

type run struct {
	Options
	suite *play.Suite
	cast  *play.Cast
	clock devClock
}

func (r *run) say(format string, args ...any) { fmt.Fprintf(r.Progress, format+"\n", args...) }

func (r *run) play(ctx context.Context) (Result, error) {
	now, err := r.clock.now(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("the demo moves the clock and needs a suite that runs with --dev: %w", err)
	}
	if r.Events == nil {
		if r.Events, err = Rebase(Events, now); err != nil {
			return Result{}, fmt.Errorf("the demo's own events: %w", err)
		}
	}
	var result Result
	result.Ledger.Lines = bytes.Count(bytes.TrimSpace(r.Events), []byte("\n")) + 1
	r.say("sending %d events", result.Ledger.Lines)
	verdicts, err := r.send(ctx)
	if err != nil {
		return result, err
	}
	open, err := r.open(ctx, verdicts)
	if err != nil {
		return result, err
	}
	if r.cast, err = play.NewCast(r.suite, 8+len(open)/3); err != nil {
		return result, err
	}
	r.say("enrolling %d workers and a directory of services", len(r.cast.Workers))
	if err := r.cast.Enrol(ctx); err != nil {
		return result, err
	}
	if err := r.loadDirectory(ctx); err != nil {
		return result, err
	}
	families, err := r.families(ctx, open, now)
	if err != nil {
		return result, err
	}
	if err := r.schedule(ctx, families, &result.Ledger.Scheduling); err != nil {
		return result, err
	}
	slices.SortFunc(families, func(a, b *family) int { return a.visit.StartsAt.Compare(b.visit.StartsAt) })
	if err := r.visit(ctx, families, result.Ledger.Scheduling.urgent); err != nil {
		return result, err
	}
	if err := r.finish(ctx, families); err != nil {
		return result, err
	}
	r.say("adding up")
	if _, err := result.Ledger.read(ctx, r.cast, verdicts); err != nil {
		return result, err
	}
	if result.CaseID, result.Timeline, err = r.timeline(ctx, families); err != nil {
		return result, err
	}
	if len(result.Ledger.Faults) > 0 {
		return result, ErrDoesNotAddUp
	}
	return result, nil
}

// send imports the events and returns a verdict for each line.
func (r *run) send(ctx context.Context) ([]verdict, error) {
	body, err := r.suite.As("referrer", "").Stream(ctx, "/intake/v1/events:import", "application/x-ndjson", bytes.NewReader(r.Events))
	if err != nil {
		return nil, fmt.Errorf("send the events: %w", err)
	}
	defer body.Close()
	var verdicts []verdict
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			return nil, fmt.Errorf("the import's answer, line %d: %w", len(verdicts)+1, err)
		}
		verdicts = append(verdicts, v)
	}
	return verdicts, lines.Err()
}

// open returns the run's referrals that wait for a decision, but for one that is
// left lying, so that its clocks run out.
func (r *run) open(ctx context.Context, verdicts []verdict) ([]play.Referral, error) {
	ours := map[string]bool{}
	for _, v := range verdicts {
		ours[v.ReferralID] = true
	}
	var open []play.Referral
	lying := false
	err := play.Each(ctx, r.suite.As("intake_worker", "intake-1"), "/intake/v1/referrals?limit=200", func(ref play.Referral) error {
		if !ours[ref.ReferralID] {
			return nil
		}
		if ref.Status == "received" && !lying && !ref.Urgent {
			lying = true
			return nil
		}
		if ref.Status == "received" || ref.Status == "screened_in" {
			open = append(open, ref)
		}
		return nil
	})
	slices.SortFunc(open, func(a, b play.Referral) int { return a.ReceivedAt.Compare(b.ReceivedAt) })
	return open, err
}

func (r *run) loadDirectory(ctx context.Context) error {
	body, err := r.suite.As("admin", "").Stream(ctx, "/directory/v1/imports?entity=service&mode=replace", "application/x-ndjson", bytes.NewReader(Directory))
	if err != nil {
		return fmt.Errorf("load the directory: %w", err)
	}
	defer body.Close()
	_, err = io.Copy(io.Discard, body)
	return err
}

// screening is what the demo's intake workers decide: most are taken in.
func screening(i int, ref play.Referral) play.Screening {
	switch {
	case !ref.Urgent && i%9 == 7:
		return play.Screening{Decision: "screened_out", ReasonCode: "no_concern_found"}
	case !ref.Urgent && i%13 == 11:
		return play.Screening{Decision: "redirected", ReasonCode: "other_service_fits", RedirectedTo: "health_service"}
	}
	s := play.Screening{Decision: "screened_in", ReasonCode: "family_needs_support"}
	if ref.RequestedProgram == "" {
		s.Program = "in_home_services"
	}
	return s
}

// family is one case on its way.
type family struct {
	file     play.Case
	plan     play.Plan
	visit    play.Visit
	visited  bool
	resource bool
	closed   bool
}

// families takes each referral from screening to an approved plan and placed visits, eight at a time.
func (r *run) families(ctx context.Context, open []play.Referral, now time.Time) ([]*family, error) {
	var (
		mu       sync.Mutex
		families []*family
		done     int
	)
	err := each(ctx, open, 8, func(ctx context.Context, i int, ref play.Referral) error {
		f, err := r.prepare(ctx, i, ref, now)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		done++
		if f != nil {
			families = append(families, f)
		}
		if done%max(1, len(open)/10) == 0 || done == len(open) {
			r.say("screened, assessed and planned: %d of %d referrals, %d cases", done, len(open), len(families))
		}
		return nil
	})
	slices.SortFunc(families, func(a, b *family) int { return a.visit.StartsAt.Compare(b.visit.StartsAt) })
	return families, err
}

func (r *run) prepare(ctx context.Context, i int, ref play.Referral, now time.Time) (*family, error) {
	caseID := ref.CaseID
	if ref.Status == "received" {
		var err error
		if caseID, err = r.cast.Screen(ctx, ref.ReferralID, screening(i, ref)); err != nil {
			return nil, err
		}
	}
	if caseID == "" {
		return nil, nil
	}
	file, err := r.cast.Assign(ctx, caseID)
	if err != nil {
		return nil, err
	}
	f := &family{file: file}
	if file.Status == "closed" {
		f.closed = true
		return f, nil
	}
	if err := r.cast.Assess(ctx, file); err != nil {
		return nil, err
	}
	if f.file, err = r.cast.MakeSafe(ctx, file, now); err != nil {
		return nil, err
	}
	if f.plan, err = r.cast.Plan(ctx, f.file, now, r.Weeks); err != nil {
		return nil, err
	}
	if _, err := r.cast.Series(ctx, caseID); err != nil {
		return nil, err
	}
	f.visit, _, err = r.cast.NextVisit(ctx, caseID)
	return f, err
}

// each calls do for every item, n at a time, and returns the first error.
func each[T any](ctx context.Context, items []T, n int, do func(context.Context, int, T) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				if err := do(ctx, i, items[i]); err != nil {
					cancel(err)
				}
			}
		}()
	}
feed:
	for i := range items {
		select {
		case next <- i:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// devClock reads and moves the clock of a suite that runs with --dev.
type devClock struct{ as *play.Person }

func (d devClock) now(ctx context.Context) (time.Time, error) {
	var at struct {
		Now time.Time `json:"now"`
	}
	_, err := d.as.Get(ctx, "/dev/clock", &at)
	return at.Now, err
}

// moveTo moves the clock forward to t; a time that is past is left past.
func (d devClock) moveTo(ctx context.Context, t time.Time) error {
	_, err := d.as.Post(ctx, "/dev/clock", map[string]any{"to": t.UTC().Format(time.RFC3339Nano)}, nil)
	if play.Refused(err, http.StatusUnprocessableEntity) {
		return nil
	}
	return err
}

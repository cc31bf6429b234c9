package visitscheduling_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/hearthfps/hearth/pkg/app/apptest"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/telemetry"
	visitscheduling "github.com/hearthfps/hearth/services/visit-scheduling"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A Monday morning, in winter time: 08:00 in Helsinki.
var monday = time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)

const (
	scheduled = "org.hearth.visit-scheduling.visit.scheduled.v1"
	story     = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
)

// start runs the service beside an intake that knows one point.
func start(t *testing.T, with ...apptest.Option) *apptest.Harness {
	t.Helper()
	intake := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			t.Error("intake was asked without a token")
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"known": true, "lat": 60.98765, "lon": 25.65432, "precision_m": 3000, "source": "postal_area"}`))
	})
	return apptest.Start(t, visitscheduling.Service(), append([]apptest.Option{apptest.At(monday), apptest.Peer("intake", intake)}, with...)...)
}

func hire(h *apptest.Harness, workers ...string) {
	h.T.Helper()
	var hours []map[string]any
	for _, day := range []string{"mon", "tue", "wed", "thu", "fri"} {
		hours = append(hours, map[string]any{"weekday": day, "from": "08:00", "to": "17:00"})
	}
	for _, w := range workers {
		h.As(auth.RoleScheduler, "scheduler-1").Put("/visits/v1/workers/"+w, map[string]any{
			"skills": []string{"family_work"}, "languages": []string{"fi"}, "weekly_hours": hours, "base": map[string]any{"lat": 60.97, "lon": 25.64},
		}).Want(201)
	}
}

// approved is the event of a plan of three weeks with one visit each.
func approved(h *apptest.Harness, caseID string, version int64, change ...func(map[string]any)) events.Event {
	data := map[string]any{
		"plan_id": "plan-of-" + caseID, "version": version, "case_id": caseID, "household_id": "house-of-" + caseID, "program": "perhetyo",
		"approved_by": "supervisor-1", "starts_on": "2026-03-02", "ends_on": "2026-03-22",
		"visit_pattern": map[string]any{
			"times_a_week": 1, "minutes": 60, "workers": 1, "place": "home", "skills": []string{"family_work"}, "language": "fi",
			"earliest": "10:00", "latest": "16:00", "weekdays": []string{"mon", "tue", "wed", "thu", "fri"},
		},
		"resource_needs": []string{}, "workers": []string{"worker-1"}, "recipients": []string{"person-1"},
	}
	for _, f := range change {
		f(data)
	}
	e := h.Happened("org.hearth.planning.plan.approved.v1", "plan-of-"+caseID, caseID, data)
	e.TraceParent = story
	return e
}

func visits(h *apptest.Harness, query string) []api.Visit {
	h.T.Helper()
	return apitest.Read[api.VisitPage](h.As(auth.RoleScheduler, "scheduler-1").Get("/visits/v1/visits?" + query).Want(200)).Items
}

// planned waits until the planner has come to every visit of a case.
func planned(h *apptest.Harness, caseID string, n int) []api.Visit {
	h.T.Helper()
	var all []api.Visit
	h.Wait("the visits of "+caseID+" to be planned", func() bool {
		all = visits(h, "case_id="+caseID)
		for _, v := range all {
			for _, r := range v.Reasons {
				if r == "not_yet_planned" || r == "taken_from_worker" {
					return false
				}
			}
		}
		return len(all) >= n
	})
	return all
}

func TestService_APlanTwiceIsOneScheduleInTheFamilysTrace(t *testing.T) {
	h := start(t)
	hire(h, "worker-1", "worker-2")
	e := approved(h, "case-1", 1)
	h.Publish(e, e)
	h.Publish(e)
	h.WaitEvents(scheduled, 3)
	h.Settle()
	told := map[string]int{}
	for _, e := range h.Events() {
		told[e.Type]++
		if !strings.Contains(e.TraceParent, story[3:35]) {
			t.Errorf("%s is in trace %s, not in the family's", e.Type, e.TraceParent)
		}
		for _, secret := range []string{"60.98", "25.65", "60.97", "house-of"} {
			if strings.Contains(string(e.Data), secret) {
				t.Errorf("%s tells %s", e.Type, secret)
			}
		}
	}
	want := map[string]int{"org.hearth.visit-scheduling.series.created.v1": 1, scheduled: 3}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for _, v := range planned(h, "case-1", 3) {
		if v.Status != "scheduled" || v.Workers[0] != "worker-1" || *v.TravelMinutes == 20 {
			t.Errorf("visit %s with %v, %d min away", v.Status, v.Workers, *v.TravelMinutes)
		}
	}
	month := apitest.Read[struct{ Items []api.CaseCoverage }](h.As(auth.RoleScheduler, "scheduler-1").Get("/visits/v1/coverage?month=2026-03").Want(200)).Items
	if len(month) != 1 || month[0].Program == nil || *month[0].Program != "perhetyo" || month[0].Rule.Name != "visits" {
		t.Errorf("covered as %+v", month)
	}
	for _, secret := range []string{"60.98", "house-of"} {
		if strings.Contains(h.Logs(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
}

func TestService_AMissedCheckoutAlarmsAfterARestart(t *testing.T) {
	h := start(t)
	hire(h, "worker-1")
	h.Publish(approved(h, "case-1", 1))
	v := planned(h, "case-1", 3)[0]
	h.Advance(v.StartsAt.Sub(h.Clock.Now()))
	worker := h.As(auth.RoleFamilyWorker, "worker-1")
	worker.Post("/visits/v1/visits/"+v.VisitId+":check-in", nil).Want(200)
	h.Restart()
	h.Advance(89 * time.Minute)
	h.Settle()
	if got := visits(h, "status=in_progress"); len(got) != 1 || got[0].CheckoutMissedAt != nil {
		t.Fatalf("before its time: %+v", got)
	}
	h.Advance(2 * time.Minute)
	h.WaitEvent("org.hearth.visit-scheduling.visit.checkout_missed.v1", v.VisitId)
	done := apitest.Read[api.Visit](worker.Post("/visits/v1/visits/"+v.VisitId+":check-out", nil).Want(200))
	if done.Status != "completed" || done.CheckoutMissedAt == nil {
		t.Errorf("late check-out: %+v", done)
	}
	h.WaitEvent("org.hearth.visit-scheduling.visit.completed.v1", v.VisitId)
}

func TestService_FollowsAssignmentsExclusionsAndTheCasesEnd(t *testing.T) {
	h := start(t)
	hire(h, "worker-1", "worker-2")
	h.Publish(approved(h, "case-1", 1))
	planned(h, "case-1", 3)
	worker := h.As(auth.RoleFamilyWorker, "worker-2")
	if got := apitest.Read[api.VisitPage](worker.Get("/visits/v1/visits?case_id=case-1").Want(200)).Items; len(got) != 0 {
		t.Fatalf("worker-2 sees %d visits before they are assigned", len(got))
	}
	h.Tell("org.hearth.planning.case.assigned.v1", "case-1", "case-1", map[string]any{
		"case_id": "case-1", "worker_id": "worker-2", "supervisor_id": "supervisor-1", "role": "co_worker", "assigned_by": "supervisor-1", "assigned_at": h.Clock.Now(),
	})
	h.Tell("org.hearth.planning.case.excluded.v1", "case-1", "case-1", map[string]any{"case_id": "case-1", "worker_id": "worker-1"})
	h.WaitEvents("org.hearth.visit-scheduling.visit.rescheduled.v1", 3)
	for _, v := range planned(h, "case-1", 3) {
		if v.Workers[0] != "worker-2" {
			t.Errorf("an excluded worker keeps a visit: %v", v.Workers)
		}
	}
	if got := apitest.Read[api.VisitPage](worker.Get("/visits/v1/visits?case_id=case-1").Want(200)).Items; len(got) != 3 {
		t.Errorf("worker-2 sees %d visits, want 3", len(got))
	}
	h.Tell("org.hearth.planning.case.closed.v1", "case-1", "case-1", map[string]any{
		"case_id": "case-1", "reason_code": "goals_met", "closed_by": "supervisor-1", "closed_at": h.Clock.Now(),
	})
	h.WaitEvents("org.hearth.visit-scheduling.visit.cancelled.v1", 3)
	for _, v := range visits(h, "case_id=case-1") {
		if v.Status != "cancelled" {
			t.Errorf("a closed case has a visit %s", v.Status)
		}
	}
}

// What the family asked for comes with the plan, and the planner keeps it.
func TestService_APlansAsksReachThePlanner(t *testing.T) {
	h := start(t)
	hire(h, "worker-1", "worker-2")
	scheduler := h.As(auth.RoleScheduler, "scheduler-1")
	const path = "/visits/v1/workers/worker-2"
	had := scheduler.Get(path).Want(200)
	scheduler.Put(path, map[string]any{
		"skills": []string{"family_work"}, "languages": []string{"fi"}, "weekly_hours": []map[string]any{{"weekday": "thu", "from": "08:00", "to": "17:00"}},
		"skill_levels": []map[string]any{{"skill": "family_work", "level": 3}}, "attributes": []string{"woman"},
		"breaks": []map[string]any{{"from": "10:00", "to": "14:00", "minutes": 45}},
	}, apitest.IfMatch(had.ETag())).Want(200)
	h.Publish(approved(h, "case-1", 1, func(d map[string]any) {
		pattern := d["visit_pattern"].(map[string]any)
		pattern["skill_levels"] = []map[string]any{{"skill": "family_work", "level": 2}}
		pattern["wishes"] = []map[string]any{{"attribute": "woman", "must": true}}
		pattern["people"] = map[string]any{"most": 2, "days": 90}
		pattern["substitutes"] = map[string]any{"most": 2, "never_running": false}
		pattern["known_first"], pattern["daylight"] = false, true
	}))
	placed := 0
	for _, v := range planned(h, "case-1", 3) {
		if v.Status != "scheduled" {
			if v.Reasons[0] != "family_rules" {
				t.Errorf("a visit has no place for %v", v.Reasons)
			}
			continue
		}
		placed++
		if v.Workers[0] != "worker-2" || v.StartsAt.Weekday() != time.Thursday {
			t.Errorf("%v come on %s; only worker-2 is as the family asked", v.Workers, v.StartsAt.Weekday())
		}
	}
	if placed != 2 {
		t.Errorf("%d visits by a substitute, want the two that are allowed", placed)
	}
	series := apitest.Read[api.SeriesPage](scheduler.Get("/visits/v1/series?case_id=case-1").Want(200)).Items
	if p := series[0].Pattern; p.Substitutes == nil || p.Substitutes.Most != 2 || p.Wishes == nil || (*p.Wishes)[0].Attribute != "woman" || p.Daylight == nil || p.People.Days != 90 {
		t.Errorf("the series shows %+v", p)
	}
}

func TestService_APlanThatCannotBecomeVisitsIsParked(t *testing.T) {
	h := start(t)
	h.Publish(approved(h, "case-1", 1, func(d map[string]any) { d["ends_on"] = "2026-03-01" }), approved(h, "case-2", 1))
	planned(h, "case-2", 3) // another family goes on
	var page struct{ Items []struct{ Key string } }
	h.Wait("the event to be parked", func() bool {
		h.As(auth.RoleOperator, "").Get("/visits/v1/parked-events").Want(200).Into(&page)
		return len(page.Items) == 1
	})
	if page.Items[0].Key != "case-1" {
		t.Errorf("parked %+v", page.Items)
	}
}

func TestService_RefusesSettingsThatMakeNoSense(t *testing.T) {
	if err := visitscheduling.Defaults().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	for name, spoil := range map[string]func(*visitscheduling.Settings){
		"no horizon":  func(s *visitscheduling.Settings) { s.HorizonWeeks = 0 },
		"no timeout":  func(s *visitscheduling.Settings) { s.IntakeTimeout = 0 },
		"backwards":   func(s *visitscheduling.Settings) { s.CheckoutGrace = -1 },
		"far travel":  func(s *visitscheduling.Settings) { s.UnknownTravelMinutes = 1000 },
		"no effort":   func(s *visitscheduling.Settings) { s.PlannerEffort = 0 },
		"who is that": func(s *visitscheduling.Settings) { s.Planner = "oracle" },

		"a provider nobody knows": func(s *visitscheduling.Settings) { s.TravelProvider, s.TravelURL = "ors", "http://roads" },
		"a provider nowhere":      func(s *visitscheduling.Settings) { s.TravelProvider = "osrm" },
		"an address of nobody":    func(s *visitscheduling.Settings) { s.TravelURL = "http://roads" },
		"a file for nothing":      func(s *visitscheduling.Settings) { s.TravelFile = "/roads.csv" },
		"csv without its file":    func(s *visitscheduling.Settings) { s.TravelProvider = "csv" },
		"a provider without modes": func(s *visitscheduling.Settings) {
			s.TravelProvider, s.TravelURL, s.TravelModes = "osrm", "http://roads", nil
		},
		"a provider without patience": func(s *visitscheduling.Settings) {
			s.TravelProvider, s.TravelURL, s.TravelTimeout = "osrm", "http://roads", 0
		},
	} {
		s := visitscheduling.Defaults()
		spoil(&s)
		if s.Validate() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// The secret of a calendar's address is in no log, no metric and no span.
func TestService_TheSecretOfACalendarIsWrittenNowhere(t *testing.T) {
	spans := telemetry.Record()
	h := start(t)
	hire(h, "worker-1")
	var made struct {
		Path string `json:"path"`
	}
	h.As(auth.RoleFamilyWorker, "worker-1").Post("/visits/v1/workers/worker-1/calendar-feeds", map[string]any{}).Want(201).Into(&made)
	secret := strings.TrimSuffix(made.Path[strings.LastIndex(made.Path, "/")+1:], ".ics")
	if len(secret) != 43 {
		t.Fatalf("the address is %s", made.Path)
	}
	h.Anyone().Get(made.Path).Want(200)
	h.Anyone().Get(strings.Replace(made.Path, "lakeland", "rivertown", 1)).Want(404)
	h.Anyone().Get(made.Path + "/more").Want(404)
	for range 30 { // until it is too much
		h.Anyone().Get(made.Path)
	}
	h.Anyone().Get(made.Path).Want(429)
	metrics, err := h.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{"log": h.Logs(), "metrics": fmt.Sprint(metrics), "spans": spanText(t, spans)}
	for where, text := range told {
		if !strings.Contains(text, "readCalendarFeed") && !strings.Contains(text, "calendar-feeds/{agency}") {
			t.Errorf("the %s know nothing of the reading: the test shows nothing", where)
		}
		if strings.Contains(text, secret) {
			t.Errorf("the %s hold the secret", where)
		}
	}
}

// spanText is everything spans say.
func spanText(t *testing.T, spans *telemetry.Recorder) string {
	t.Helper()
	var all strings.Builder
	for _, s := range spans.All() {
		for _, part := range []any{s.Name, s.Attributes, s.Events, s.Status} {
			data, err := json.Marshal(part)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(data)
		}
	}
	return all.String()
}

package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

func TestWorkers_AreMadeReplacedAndLeftAlone(t *testing.T) {
	a := start(t)
	scheduler := a.as("scheduler", "s-1")
	const path = "/visits/v1/workers/w-1"
	first := scheduler.Put(path, body()).Want(201)
	if first.ETag() != `"1"` {
		t.Errorf("ETag %s", first.ETag())
	}
	scheduler.Put(path, body()).Want(200) // the same again: no change, no If-Match
	trauma := func(b map[string]any) { b["skills"] = []string{"trauma", "parenting"} }
	scheduler.Put(path, body(trauma)).WantProblem(428, "if_match_missing")
	scheduler.Put(path, body(trauma), apitest.IfMatch(`"7"`)).WantProblem(412, "version_changed")
	changed := apitest.Read[api.Worker](scheduler.Put(path, body(trauma), apitest.IfMatch(first.ETag())).Want(200))
	if diff := cmp.Diff([]api.Code{"parenting", "trauma"}, changed.Skills); diff != "" || changed.Version != 2 {
		t.Errorf("version %d, skills %s", changed.Version, diff)
	}
	if got := apitest.Read[api.Worker](scheduler.Get(path).Want(200)); got.Base == nil || got.Base.Lat != 61.1 {
		t.Errorf("the scheduler sees base %v", got.Base)
	}
	if got := apitest.Read[api.Worker](a.as("family_worker", "w-2").Get(path).Want(200)); got.Base != nil {
		t.Errorf("a colleague sees base %v", got.Base)
	}
	a.as("family_worker", "w-2").Put(path, body()).WantProblem(403, "not_allowed")
	scheduler.Get("/visits/v1/workers/nobody").WantProblem(404, "worker_not_found")
}

func TestWorkers_TermsAreKeptByWhoLeavesThemOut(t *testing.T) {
	a := start(t)
	scheduler := a.as("scheduler", "s-1")
	const path = "/visits/v1/workers/w-1"
	first := scheduler.Put(path, body(func(b map[string]any) {
		b["skills"] = []string{"trauma"}
		b["skill_levels"] = []map[string]any{{"skill": "trauma", "level": 3}}
		b["attributes"], b["travel_mode"] = []string{"woman"}, "bicycle"
		b["breaks"] = []map[string]any{{"from": "11:00", "to": "14:00", "minutes": 30}}
		b["limits"] = map[string]any{"day_visits": 5, "week_minutes": 1800, "overtime_minutes": 20, "families": 9}
	})).Want(201)
	keep := func(b map[string]any) { b["skills"] = []string{"trauma"}; b["team"] = "north" }
	second := scheduler.Put(path, body(keep), apitest.IfMatch(first.ETag())).Want(200)
	got := apitest.Read[api.Worker](scheduler.Get(path).Want(200))
	if got.SkillLevels == nil || (*got.SkillLevels)[0].Level != 3 || got.Attributes == nil || (*got.Attributes)[0] != "woman" ||
		*got.TravelMode != api.TravelModeBicycle || got.Breaks == nil || (*got.Breaks)[0].Minutes != 30 || got.Limits == nil || *got.Limits.WeekMinutes != 1800 {
		t.Errorf("%+v", got)
	}
	third := scheduler.Put(path, body(keep, func(b map[string]any) {
		b["limits"], b["breaks"], b["travel_mode"] = map[string]any{}, []any{}, "car"
	}), apitest.IfMatch(second.ETag())).Want(200)
	if got := apitest.Read[api.Worker](third); got.Breaks != nil || got.Limits != nil && got.Limits.DayVisits != nil || *got.TravelMode != api.TravelModeCar || got.SkillLevels == nil {
		t.Errorf("%+v", got)
	}
	if got := a.as("family_worker", "w-2").Get(path).Want(200); strings.Contains(string(got.Body), "woman") || strings.Contains(string(got.Body), "limits") {
		t.Errorf("a colleague sees %s", got.Body)
	}
	bad := scheduler.Put("/visits/v1/workers/w-2", body(func(b map[string]any) {
		b["skills"] = []string{"trauma"}
		b["skill_levels"] = []map[string]any{{"skill": "music", "level": 2}}
		b["breaks"] = []map[string]any{{"from": "11:00", "to": "11:20", "minutes": 30}, {"from": "11:10", "to": "12:00", "minutes": 10}}
	})).WantProblem(422, "worker_invalid")
	var pointers []string
	for _, f := range bad.Errors {
		pointers = append(pointers, f.Pointer)
	}
	if diff := cmp.Diff([]string{"/skill_levels/0/skill", "/breaks/0/to", "/breaks/1"}, pointers); diff != "" {
		t.Errorf("pointers (-want +got):\n%s", diff)
	}
}

func TestWorkers_ABadOneIsRefusedWithEveryFault(t *testing.T) {
	a := start(t)
	p := a.as("scheduler", "s-1").Put("/visits/v1/workers/w-1", body(func(b map[string]any) {
		b["weekly_hours"] = []map[string]any{
			{"weekday": "mon", "from": "12:00", "to": "08:00"}, {"weekday": "tue", "from": "08:00", "to": "12:00"}, {"weekday": "tue", "from": "11:00", "to": "16:00"},
		}
		b["absences"] = []map[string]any{{"from": "2026-03-05T00:00:00Z", "to": "2026-03-05T00:00:00Z", "reason_code": "sick"}}
	})).WantProblem(422, "worker_invalid")
	var pointers []string
	for _, f := range p.Errors {
		pointers = append(pointers, f.Pointer)
	}
	if diff := cmp.Diff([]string{"/weekly_hours/0/to", "/weekly_hours/2", "/absences/0/to"}, pointers); diff != "" {
		t.Errorf("pointers (-want +got):\n%s", diff)
	}
	a.as("scheduler", "s-1").Put("/visits/v1/workers/w-1", body(func(b map[string]any) { b["name"] = "x" })).Want(400)
}

func TestVisits_AreListedByWorkerAndDayCaseAndSeriesWithoutAddresses(t *testing.T) {
	a := start(t)
	a.hire("w-1", "w-2")
	a.approve("case-1", 2, 1, "w-1")
	a.approve("case-2", 1, 2, "w-2")
	scheduler := a.as("scheduler", "s-1")
	list := func(c *apitest.Client, path string) (items []api.Visit) {
		t.Helper()
		answer := c.Get(path).Want(200)
		for _, secret := range []string{"61.1", "25.5", "house-of", "person-1", `"lat"`, "address"} {
			if strings.Contains(string(answer.Body), secret) {
				t.Errorf("%s shows %s", path, secret)
			}
		}
		return apitest.Read[api.VisitPage](answer).Items
	}
	all := list(scheduler, "/visits/v1/visits")
	if len(all) != 6 || !slices.IsSortedFunc(all, func(x, y api.Visit) int { return x.StartsAt.Compare(*y.StartsAt) }) {
		t.Fatalf("%d visits, or out of order", len(all))
	}
	one := list(scheduler, "/visits/v1/visits?case_id=case-1")
	if len(one) != 4 {
		t.Fatalf("%d visits of case-1, want 4", len(one))
	}
	if got := list(scheduler, "/visits/v1/visits?series_id="+one[0].SeriesId); len(got) != 4 {
		t.Errorf("%d visits of the series, want 4", len(got))
	}
	day := one[0].StartsAt.Format(time.DateOnly)
	for _, v := range list(scheduler, "/visits/v1/visits?worker_id=w-1&day="+day) {
		if !slices.Contains(v.Workers, "w-1") || v.StartsAt.Format(time.DateOnly) != day {
			t.Errorf("%v with %v is not w-1's of %s", v.StartsAt, v.Workers, day)
		}
	}
	list(scheduler, "/visits/v1/visits/"+one[0].VisitId+"?")
	series := apitest.Read[api.SeriesPage](scheduler.Get("/visits/v1/series?case_id=case-1").Want(200)).Items
	if len(series) != 1 || series[0].Ledger != (api.Ledger{Planned: 4, Scheduled: 4}) {
		t.Errorf("series %+v", series)
	}
	// Need to know: a worker lists their own families, and the visits they are sent to.
	for _, v := range list(a.as("family_worker", "w-1"), "/visits/v1/visits") {
		if v.CaseId != "case-1" && !slices.Contains(v.Workers, "w-1") {
			t.Errorf("w-1 sees a visit of %s", v.CaseId)
		}
	}
	if got := list(a.as("family_worker", "w-9"), "/visits/v1/visits"); len(got) != 0 {
		t.Errorf("a stranger sees %d visits", len(got))
	}
	a.as("family_worker", "w-9").Get("/visits/v1/visits/"+one[0].VisitId).WantProblem(404, "visit_not_found")
	a.tx(func(ctx context.Context, tx *kit.Tx) error { return policy.ExcludeWorker(ctx, tx, "case-1", "s-1") })
	if got := list(scheduler, "/visits/v1/visits?case_id=case-1"); len(got) != 0 {
		t.Errorf("an excluded scheduler sees %d visits", len(got))
	}
	scheduler.Get("/visits/v1/series/"+one[0].SeriesId).WantProblem(404, "series_not_found")
}

func TestLists_GoThroughEveryItemOnce(t *testing.T) {
	a := start(t)
	a.hire("w-1", "w-2", "w-3")
	for i := range 3 {
		a.approve(fmt.Sprint("case-", i), 2, 1, "w-1")
	}
	// Some without a time, to cross from one order to the other.
	a.as("scheduler", "s-1").Post("/visits/v1/workers/w-1/absences",
		map[string]any{"from": "2026-03-09T00:00:00Z", "to": "2026-03-15T00:00:00Z", "reason_code": "leave"}).Want(201)
	scheduler := a.as("scheduler", "s-1")
	for path, want := range map[string]int{"/visits/v1/visits": 12, "/visits/v1/series": 3, "/visits/v1/workers": 3, "/visits/v1/unplaced?include_pending=true": -1} {
		seen, cursor := map[string]bool{}, ""
		for pages := 0; ; pages++ {
			if pages > 20 {
				t.Fatalf("%s does not end", path)
			}
			options := []apitest.Option{apitest.Query("limit", "1")}
			if cursor != "" {
				options = append(options, apitest.Query("cursor", cursor))
			}
			page := apitest.Read[struct {
				Items []struct {
					Visit  string `json:"visit_id"`
					Series string `json:"series_id"`
					Worker string `json:"worker_id"`
				}
				Next string `json:"next_cursor"`
			}](scheduler.Get(path, options...).Want(200))
			for _, item := range page.Items {
				id := item.Visit + "/" + item.Series + "/" + item.Worker
				if seen[id] {
					t.Fatalf("%s gave %s twice", path, id)
				}
				seen[id] = true
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		if want >= 0 && len(seen) != want || want < 0 && len(seen) == 0 {
			t.Errorf("%s: %d items, want %d", path, len(seen), want)
		}
	}
	scheduler.Get("/visits/v1/visits?cursor=bad").WantProblem(400, "cursor_malformed")
	scheduler.Get("/visits/v1/unplaced?week_of=2026-03-03").WantProblem(400, "not_a_monday")
}

func TestLists_AnotherAgencySeesNothing(t *testing.T) {
	a := start(t)
	a.hire("w-1")
	a.approve("case-1", 2, 1, "w-1")
	v := apitest.Read[api.VisitPage](a.as("scheduler", "s-1").Get("/visits/v1/visits").Want(200)).Items[0]
	other := a.in("elsewhere", "supervisor", "s-1")
	for _, path := range []string{"/visits/v1/visits", "/visits/v1/series", "/visits/v1/workers", "/visits/v1/unplaced?include_pending=true", "/visits/v1/visits?case_id=case-1"} {
		got := apitest.Read[struct{ Items []any }](other.Get(path).Want(200))
		if len(got.Items) != 0 {
			t.Errorf("%s shows another agency %d items", path, len(got.Items))
		}
	}
	other.Get("/visits/v1/visits/"+v.VisitId).WantProblem(404, "visit_not_found")
	other.Get("/visits/v1/series/"+v.SeriesId).WantProblem(404, "series_not_found")
	other.Get("/visits/v1/workers/w-1").WantProblem(404, "worker_not_found")
	other.Post("/visits/v1/visits/"+v.VisitId+":check-in", nil).WantProblem(404, "visit_not_found")
	other.Post("/visits/v1/visits/"+v.VisitId+":cancel", map[string]any{"side": "agency", "reason_code": "x"}, apitest.IfMatch(`"2"`)).WantProblem(404, "visit_not_found")
}

func TestVisit_FromCheckInToCheckOutByItsPair(t *testing.T) {
	a := start(t)
	a.hire("w-1", "w-2", "w-3")
	a.approve("case-1", 1, 2, "w-1")
	v := apitest.Read[api.VisitPage](a.as("scheduler", "s-1").Get("/visits/v1/visits").Want(200)).Items[0]
	path := "/visits/v1/visits/" + v.VisitId
	mine, theirs := a.as("family_worker", v.Workers[0]), a.as("family_worker", v.Workers[1])
	a.clock.Set(v.StartsAt.Add(-61 * time.Minute))
	mine.Post(path+":check-in", nil).WantProblem(409, "too_early")
	a.clock.Set(*v.StartsAt)
	a.as("scheduler").Post(path+":check-in", nil).WantProblem(403, "not_a_worker")
	a.as("family_worker", "w-9").Post(path+":check-in", nil).WantProblem(404, "visit_not_found")
	first := mine.Post(path+":check-in", nil, apitest.Key("in-1")).Want(200)
	again := mine.Post(path+":check-in", nil, apitest.Key("in-1")).Want(200)
	if string(first.Body) != string(again.Body) {
		t.Errorf("the same request again: another answer\n%s\n%s", first.Body, again.Body)
	}
	a.as("scheduler", "s-1").Post(path+":cancel", map[string]any{"side": "agency", "reason_code": "x"}, apitest.IfMatch(first.ETag())).WantProblem(409, "visit_not_open")
	theirs.Post(path+":check-in", nil).Want(200)
	a.clock.Advance(time.Hour)
	if got := apitest.Read[api.Visit](mine.Post(path+":check-out", nil).Want(200)); got.Status != "in_progress" {
		t.Errorf("after one of two left: %s", got.Status)
	}
	done := apitest.Read[api.Visit](theirs.Post(path+":check-out", nil).Want(200))
	if done.Status != "completed" || len(done.CheckIns) != 2 {
		t.Errorf("after both left: %s, %d check-ins", done.Status, len(done.CheckIns))
	}
}

func TestVisit_IsMovedAndCancelledByVersion(t *testing.T) {
	a := start(t)
	a.hire("w-1", "w-2")
	a.approve("case-1", 1, 1, "w-1")
	scheduler := a.as("scheduler", "s-1")
	v := apitest.Read[api.VisitPage](scheduler.Get("/visits/v1/visits").Want(200)).Items[0]
	path := "/visits/v1/visits/" + v.VisitId
	tag := scheduler.Get(path).Want(200).ETag()
	move := map[string]any{"starts_at": "2026-03-04T10:00:00Z", "workers": []string{"w-2"}, "side": "family", "reason_code": "school"}
	scheduler.Post(path+":reschedule", move).WantProblem(428, "if_match_missing")
	a.as("family_worker", "w-1").Post(path+":reschedule", move, apitest.IfMatch(tag)).WantProblem(403, "not_allowed")
	night := map[string]any{"starts_at": "2026-03-04T22:00:00Z", "side": "family", "reason_code": "school"}
	p := scheduler.Post(path+":reschedule", night, apitest.IfMatch(tag)).WantProblem(422, "not_feasible")
	if len(p.Errors) != 1 || p.Errors[0].Code != "outside_hours" || p.Errors[0].Detail == "" {
		t.Errorf("errors %+v", p.Errors)
	}
	answer := scheduler.Post(path+":reschedule", move, apitest.IfMatch(tag), apitest.Key("move")).Want(200)
	scheduler.Post(path+":reschedule", move, apitest.IfMatch(tag), apitest.Key("move")).Want(200) // the same request: the first answer
	scheduler.Post(path+":reschedule", move, apitest.IfMatch(tag)).WantProblem(412, "version_changed")
	moved := apitest.Read[api.Visit](answer)
	if moved.Workers[0] != "w-2" || moved.Moves == nil || (*moved.Moves)[0].Side != "family" || *(*moved.Moves)[0].PreviousStartsAt != *v.StartsAt {
		t.Errorf("moved %+v", moved)
	}
	cancelled := apitest.Read[api.Visit](scheduler.Post(path+":cancel", map[string]any{"side": "family", "reason_code": "family_ill", "replace": true},
		apitest.IfMatch(answer.ETag())).Want(200))
	if cancelled.Status != "cancelled" || cancelled.ReplacedBy == nil || cancelled.Closed == nil || *cancelled.Closed.Side != "family" {
		t.Errorf("cancelled %+v", cancelled)
	}
	got := apitest.Read[api.Series](scheduler.Get("/visits/v1/series/" + v.SeriesId).Want(200))
	if got.Ledger != (api.Ledger{Planned: 3, Scheduled: 1, Unplaced: 1, Cancelled: 1}) {
		t.Errorf("ledger %+v", got.Ledger)
	}
}

func TestVisit_ExplainsWhatItCostsAndWhyItStandsThere(t *testing.T) {
	a := start(t)
	a.hire("w-1", "w-2")
	a.approve("case-1", 1, 1, "w-1")
	a.tx(func(ctx context.Context, tx *kit.Tx) error { return policy.ExcludeWorker(ctx, tx, "case-1", "s-2") })
	scheduler := a.as("scheduler", "s-1")
	visits := apitest.Read[api.VisitPage](scheduler.Get("/visits/v1/visits?case_id=case-1").Want(200)).Items
	path := "/visits/v1/visits/" + visits[1].VisitId
	got := apitest.Read[api.VisitExplanation](scheduler.Get(path + "/explanation").Want(200))
	sum := 0
	for _, x := range got.Terms {
		sum += x.Points
	}
	if got.Fixed || got.Points != sum || got.Points <= 0 || got.Terms[0].Term != "travel" || !got.Place.StartsAt.Equal(*visits[1].StartsAt) {
		t.Errorf("explained %+v", got)
	}
	// The family knows w-1: the next best is w-1 on another day, or w-2 at the price of a stranger.
	if got.Next == nil || got.Next.Points < 0 || !strings.Contains(got.Words, "The next best is ") {
		t.Errorf("next %+v, %q", got.Next, got.Words)
	}
	a.as("scheduler", "s-2").Get(path+"/explanation").WantProblem(404, "visit_not_found")
	a.clock.Advance(visits[1].StartsAt.Add(-30 * time.Minute).Sub(a.clock.Now()))
	if soon := apitest.Read[api.VisitExplanation](scheduler.Get(path + "/explanation").Want(200)); !soon.Fixed || soon.Next != nil {
		t.Errorf("half an hour before it is %+v", soon)
	}
	visit := scheduler.Get(path).Want(200)
	scheduler.Post(path+":cancel", map[string]any{"side": "agency", "reason_code": "x"}, apitest.IfMatch(visit.ETag())).Want(200)
	scheduler.Get(path+"/explanation").WantProblem(409, "visit_not_scheduled")
}

func TestUnplaced_SaysWhy(t *testing.T) {
	a := start(t)
	a.hire("w-1")
	a.approve("case-1", 1, 2, "w-1")
	page := apitest.Read[api.VisitPage](a.as("scheduler", "s-1").Get("/visits/v1/unplaced?week_of=2026-03-02").Want(200))
	if len(page.Items) != 1 || !slices.Equal(page.Items[0].Reasons, []api.UnplacedReason{"too_few_workers"}) {
		t.Errorf("unplaced %+v", page.Items)
	}
	visit := apitest.Read[api.Visit](a.as("scheduler", "s-1").Get("/visits/v1/visits/" + page.Items[0].VisitId).Want(200))
	if diff := cmp.Diff(page.Items[0].Remedies, visit.Remedies); diff != "" || visit.Remedies == nil {
		t.Fatalf("the list and the visit say other things, or nothing: %s", diff)
	}
	got := (*visit.Remedies)[0]
	if want := "with one more worker who has parenting and speaks fi, Mon 2 Mar 09:00–10:00: Mon 2 Mar 09:00 with w-1"; got.Words != want {
		t.Errorf("got  %s\nwant %s", got.Words, want)
	}
	if s := got.Steps[0]; s.Rule != "workers_needed" || s.More == nil || *s.More != 1 || len(got.Place.Workers) != 1 || got.Place.Workers[0] != "w-1" {
		t.Errorf("step %+v, place %+v", s, got.Place)
	}
	// The second worker is found.
	a.hire("w-2")
	a.approve("case-2", 1, 1, "w-1")
	visit = apitest.Read[api.Visit](a.as("scheduler", "s-1").Get("/visits/v1/visits/" + page.Items[0].VisitId).Want(200))
	if visit.Status != "scheduled" || visit.Remedies != nil {
		t.Errorf("with a second worker it is %s, with remedies %v", visit.Status, visit.Remedies)
	}
}

func TestCalendar_TellsTimesAndNothingElse(t *testing.T) {
	a := start(t)
	a.hire("w-1", "w-2")
	a.approve("case-1", 2, 1, "w-1")
	const path = "/visits/v1/workers/w-1/calendar.ics"
	feed := string(a.as("family_worker", "w-1").Get(path).Want(200).Body)
	first := apitest.Read[api.VisitPage](a.as("scheduler", "s-1").Get("/visits/v1/visits").Want(200)).Items[0]
	event := "BEGIN:VEVENT\r\nUID:" + first.VisitId + "\r\nDTSTAMP:20260302T060000Z\r\nDTSTART:" + first.StartsAt.Format("20060102T150405Z") +
		"\r\nDTEND:" + first.EndsAt.Format("20060102T150405Z") + "\r\nSEQUENCE:2\r\nSTATUS:CONFIRMED\r\nSUMMARY:Appointment\r\nCLASS:PRIVATE\r\nEND:VEVENT\r\n"
	if strings.Count(feed, "BEGIN:VEVENT") != 4 || !strings.Contains(feed, event) {
		t.Errorf("feed:\n%s\nwant in it:\n%s", feed, event)
	}
	for _, secret := range []string{"case-1", "house-of", "person-1", "61.1"} {
		if strings.Contains(feed, secret) {
			t.Errorf("the feed tells %s", secret)
		}
	}
	a.as("family_worker", "w-2").Get(path).WantProblem(403, "not_allowed")
	a.as("scheduler", "s-1").Get("/visits/v1/workers/nobody/calendar.ics").WantProblem(404, "worker_not_found")
}

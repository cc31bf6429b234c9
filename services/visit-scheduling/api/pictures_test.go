package api_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/policy"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
)

// north puts workers into a team.
func (a *agency) north(workers ...string) {
	a.t.Helper()
	for _, w := range workers {
		a.as("scheduler", "s-1").Put("/visits/v1/workers/"+w, body(func(b map[string]any) { b["team"] = "north" })).Want(201)
	}
}

func TestTeamGantt_ShowsTheDayToWhoMayKnow(t *testing.T) {
	a := start(t)
	a.north("w1", "w2")
	a.approve("case-1", 5, 2, "w1")
	a.approve("case-2", 5, 1, "w1")
	a.tx(func(ctx context.Context, tx *kit.Tx) error { return policy.ExcludeWorker(ctx, tx, "case-2", "s-2") })
	const path = "/visits/v1/teams/north/days/2026-03-03/gantt.svg"
	picture := a.as("scheduler", "s-1").Get(path).Want(200)
	if got := picture.Header.Get("Content-Type"); got != "image/svg+xml" {
		t.Errorf("Content-Type %s", got)
	}
	text := string(picture.Body)
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("no XML: %v", err)
		}
	}
	for _, want := range []string{"<title id=\"title\">Team north on 2026-03-03</title>", `role="img"`, "a pair", "w1: visit", "at work 08:00–17:00"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the picture", want)
		}
	}
	if n := strings.Count(text, "<title>visit"); n != 3 { // a pair's bar for each of the two
		t.Errorf("%d bars of visits, want 3", n)
	}
	hidden := string(a.as("scheduler", "s-2").Get(path).Want(200).Body)
	if n := strings.Count(hidden, "<title>visit"); n != 2 {
		t.Errorf("who is excluded from a case sees %d bars, want 2", n)
	}
	for _, secret := range []string{"case-1", "house-of", "61.1"} {
		if strings.Contains(text, secret) {
			t.Errorf("the picture tells %s", secret)
		}
	}
	a.as("scheduler", "s-1").Get("/visits/v1/teams/south/days/2026-03-03/gantt.svg").WantProblem(404, "team_not_found")
}

func TestTeamCalendar_NamesWorkersAndNoFamily(t *testing.T) {
	a := start(t)
	a.north("w1")
	a.hire("w2")
	a.approve("case-1", 1, 2, "w1")
	text := string(a.as("scheduler", "s-1").Get("/visits/v1/teams/north/calendar.ics").Want(200).Body)
	if strings.Count(text, "BEGIN:VEVENT") != 2 || !strings.Contains(text, "SUMMARY:Appointment: w1\r\n") {
		t.Errorf("calendar:\n%s", text)
	}
	for _, secret := range []string{"case-1", "house-of", "person-1"} {
		if strings.Contains(text, secret) {
			t.Errorf("the calendar tells %s", secret)
		}
	}
	a.as("scheduler", "s-1").Get("/visits/v1/teams/none/calendar.ics").WantProblem(404, "team_not_found")
}

// sealed keeps every place to itself from a moment on.
type sealed struct{ away bool }

func (s sealed) TravelPoint(context.Context, string) (postgres.TravelPoint, error) {
	if s.away {
		return postgres.TravelPoint{}, fault.New(fault.Unavailable, "intake_unavailable", "Away.")
	}
	return postgres.TravelPoint{Source: "withheld"}, nil
}

func TestWorkerRoute_ShowsPlacesOnlyWhileTheyMayBeShown(t *testing.T) {
	a := start(t)
	a.hire("w1")
	a.approve("case-1", 5, 1, "w1")
	const path = "/visits/v1/workers/w1/days/2026-03-03/route.geojson"
	type collection struct {
		Type     string
		Features []struct {
			Geometry   *struct{ Type string }
			Properties map[string]any
		}
	}
	read := func(role, worker string) (c collection, body string) {
		answer := a.as(role, worker).Get(path).Want(200)
		if got := answer.Header.Get("Content-Type"); got != "application/geo+json" {
			t.Errorf("Content-Type %s", got)
		}
		if err := json.Unmarshal(answer.Body, &c); err != nil {
			t.Fatal(err)
		}
		return c, string(answer.Body)
	}
	c, _ := read("scheduler", "s-1")
	kinds := map[any]int{}
	for _, f := range c.Features {
		if f.Geometry != nil {
			kinds[f.Properties["kind"]]++
		}
	}
	if c.Type != "FeatureCollection" || kinds["base"] != 1 || kinds["visit"] != 1 || kinds["leg"] != 2 {
		t.Errorf("%s with %v", c.Type, kinds)
	}
	if c, _ := read("family_worker", "w2"); len(c.Features) != 0 {
		t.Errorf("a colleague sees %+v", c.Features)
	}
	// What was asked before is not shown when it may not be any more, or nobody knows.
	for _, s := range []sealed{{}, {away: true}} {
		a.desk.Points = s
		c, body := read("scheduler", "s-1")
		if strings.Contains(body, "61.12345") || len(c.Features) != 2 || c.Features[1].Geometry != nil {
			t.Errorf("a place that may not be shown: %s", body)
		}
	}
}

func TestImportBusy_BlocksTimesAndMovesVisits(t *testing.T) {
	a := start(t)
	a.hire("w1", "w2")
	a.approve("case-1", 5, 1, "w1")
	scheduler := a.as("scheduler", "s-1")
	calendar := func(lines ...string) io.Reader {
		return strings.NewReader("BEGIN:VCALENDAR\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n")
	}
	ics := apitest.Header("Content-Type", "text/calendar")
	const path = "/visits/v1/workers/w1:import-busy"
	got := apitest.Read[struct{ Busy int }](scheduler.Post(path, calendar("BEGIN:VEVENT", "DTSTART;VALUE=DATE:20260303", "SUMMARY:Dentist of Aino", "RRULE:FREQ=WEEKLY;COUNT=2", "END:VEVENT"), ics).Want(200))
	if got.Busy != 2 {
		t.Errorf("%d busy times, want 2", got.Busy)
	}
	visits := apitest.Read[api.VisitPage](scheduler.Get("/visits/v1/visits?case_id=case-1&worker_id=w1").Want(200)).Items
	for _, v := range visits {
		if day := v.StartsAt.Day(); day == 3 || day == 10 {
			t.Errorf("a visit stays with a worker who is busy: %v", v.StartsAt)
		}
	}
	w := apitest.Read[api.Worker](scheduler.Get("/visits/v1/workers/w1").Want(200))
	if len(w.Absences) != 2 || w.Absences[0].ReasonCode != "busy" {
		t.Errorf("absences %+v", w.Absences)
	}
	// Again with less: what came from a calendar before is replaced, other absences stay.
	scheduler.Post("/visits/v1/workers/w1/absences", map[string]any{"from": "2026-03-20T00:00:00Z", "to": "2026-03-21T00:00:00Z", "reason_code": "leave"}).Want(201)
	scheduler.Post(path, calendar("BEGIN:VFREEBUSY", "FREEBUSY:20260312T080000Z/PT1H", "END:VFREEBUSY"), ics).Want(200)
	if w := apitest.Read[api.Worker](scheduler.Get("/visits/v1/workers/w1").Want(200)); len(w.Absences) != 2 {
		t.Errorf("absences %+v", w.Absences)
	}
	scheduler.Post(path, calendar("BEGIN:VEVENT", "DTSTART:soon", "END:VEVENT"), ics).WantProblem(422, "calendar_unreadable")
	a.as("family_worker", "w2").Post(path, calendar(), ics).WantProblem(403, "not_allowed")
}

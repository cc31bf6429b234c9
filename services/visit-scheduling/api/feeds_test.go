package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

type madeFeed struct {
	Feed api.CalendarFeed `json:"feed"`
	Path string           `json:"path"`
}

func TestCalendarFeed_IsReadWithoutATokenAndTellsTimesAlone(t *testing.T) {
	a := start(t)
	a.as("scheduler", "s-1").Put("/visits/v1/workers/w1", body(func(b map[string]any) { b["team"] = "north" })).Want(201)
	a.hire("w2")
	a.approve("case-1", 2, 2, "w1")
	worker, anyone := a.as("family_worker", "w1"), a.client.As("")
	const feeds = "/visits/v1/workers/w1/calendar-feeds"
	first := worker.Post(feeds, map[string]any{"days": 30}, apitest.Key("k")).Want(201)
	made := apitest.Read[madeFeed](first)
	again := worker.Post(feeds, map[string]any{"days": 30}, apitest.Key("k")).Want(201)
	if repeat := apitest.Read[madeFeed](again); repeat.Feed.FeedId != made.Feed.FeedId || repeat.Path != "" {
		t.Errorf("a repeat is answered %+v", repeat)
	}
	visits := apitest.Read[api.VisitPage](worker.Get("/visits/v1/visits").Want(200)).Items
	answer := anyone.Get(made.Path).Want(200)
	text := string(answer.Body)
	if n := strings.Count(text, "BEGIN:VEVENT"); n != len(visits) || n == 0 {
		t.Errorf("%d entries for %d visits", n, len(visits))
	}
	for _, v := range visits {
		if !strings.Contains(text, "DTSTART:"+v.StartsAt.UTC().Format("20060102T150405Z")) {
			t.Errorf("%s is not in it", v.StartsAt)
		}
		for _, secret := range []string{v.VisitId, v.SeriesId, v.CaseId, "house-of", "person-1", "parenting", "w1", "w2"} {
			if strings.Contains(text, secret) {
				t.Errorf("the calendar tells %s", secret)
			}
		}
	}
	for name, want := range map[string]string{"Cache-Control": "private, no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	listed := worker.Get(feeds).Want(200)
	if items := apitest.Read[page[api.CalendarFeed]](listed).Items; len(items) != 1 || items[0].ReadAt == nil || items[0].MadeBy != "w1" {
		t.Errorf("listed %+v", items)
	}
	// What is stored does not open it.
	secret := strings.TrimSuffix(made.Path[strings.LastIndex(made.Path, "/")+1:], ".ics")
	a.tx(func(ctx context.Context, tx *kit.Tx) error {
		var rows []string
		err := tx.SelectContext(ctx, &rows, `SELECT row_to_json(f)::text FROM calendar_feed f
			UNION ALL SELECT convert_from(response, 'UTF8') FROM idempotency WHERE response IS NOT NULL UNION ALL SELECT row_to_json(l)::text FROM audit l`)
		for _, row := range rows {
			if strings.Contains(row, secret) {
				t.Errorf("the secret is stored: %s", row)
			}
		}
		if len(rows) < 2 {
			t.Errorf("looked at %d rows only", len(rows))
		}
		return err
	})

	team := apitest.Read[madeFeed](a.as("scheduler", "s-1").Post("/visits/v1/teams/north/calendar-feeds", map[string]any{}).Want(201))
	if text := string(anyone.Get(team.Path).Want(200).Body); strings.Count(text, "SUMMARY:Appointment: w1\r\n") != len(visits) {
		t.Errorf("the team's calendar is\n%s", text)
	}
}

// Wrong, revoked, expired, of another agency and never made are one answer.
func TestCalendarFeed_WhatDoesNotOpenIsAnsweredTheSame(t *testing.T) {
	a := start(t)
	a.hire("w1")
	worker, anyone := a.as("family_worker", "w1"), a.client.As("")
	const feeds = "/visits/v1/workers/w1/calendar-feeds"
	make := func(days int) madeFeed {
		return apitest.Read[madeFeed](worker.Post(feeds, map[string]any{"days": days}).Want(201))
	}
	short, long, revoked := make(1), make(30), make(30)
	worker.Delete(feeds + "/" + revoked.Feed.FeedId).Want(204)
	worker.Delete(feeds + "/" + revoked.Feed.FeedId).Want(404)
	a.clock.Advance(25 * time.Hour)
	anyone.Get(long.Path).Want(200)
	secret := long.Path[strings.LastIndex(long.Path, "/"):]
	same := func(path string) httpapi.Problem {
		p := anyone.Get(path).WantProblem(http.StatusNotFound, "calendar_feed_not_found")
		p.Instance, p.TraceID = "", ""
		return p
	}
	want := same("/visits/v1/calendar-feeds/lakeland/nobody/x.ics")
	for name, path := range map[string]string{
		"expired":            short.Path,
		"revoked":            revoked.Path,
		"wrong":              strings.TrimSuffix(long.Path, secret) + short.Path[strings.LastIndex(short.Path, "/"):],
		"cut off":            strings.TrimSuffix(long.Path, "A.ics")[:len(long.Path)-8] + ".ics",
		"of another":         strings.Replace(long.Path, string(long.Feed.FeedId), string(short.Feed.FeedId), 1),
		"in another agency":  strings.Replace(long.Path, "lakeland", "rivertown", 1),
		"no agency's name":   strings.Replace(long.Path, "lakeland", "LAKE%20LAND", 1),
		"an empty secret":    strings.TrimSuffix(long.Path, secret) + "/%20.ics",
		"a secret too long":  strings.TrimSuffix(long.Path, ".ics") + strings.Repeat("A", 3000) + ".ics",
		"an injected secret": strings.TrimSuffix(long.Path, secret) + "/'%20OR%20true--.ics",
	} {
		if diff := cmp.Diff(want, same(path)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// The feeds of others are theirs.
	a.hire("w2")
	other := a.as("family_worker", "w2")
	other.Get(feeds).WantProblem(403, "not_allowed")
	other.Post(feeds, map[string]any{}).WantProblem(403, "not_allowed")
	other.Delete(feeds+"/"+long.Feed.FeedId).WantProblem(403, "not_allowed")
	other.Delete("/visits/v1/workers/w2/calendar-feeds/"+long.Feed.FeedId).WantProblem(404, "calendar_feed_not_found")
	other.Post("/visits/v1/teams/north/calendar-feeds", map[string]any{}).WantProblem(403, "not_allowed")
	a.as("scheduler", "s-1").Post("/visits/v1/teams/nobody/calendar-feeds", map[string]any{}).WantProblem(404, "team_not_found")
	for range 9 {
		make(30)
	}
	worker.Post(feeds, map[string]any{}).WantProblem(409, "too_many_feeds")
}

func TestCalendarFeed_IsReadSoOften(t *testing.T) {
	a := start(t)
	a.hire("w1")
	anyone := a.client.As("")
	made := apitest.Read[madeFeed](a.as("family_worker", "w1").Post("/visits/v1/workers/w1/calendar-feeds", map[string]any{}).Want(201))
	wrong := made.Path[:strings.LastIndex(made.Path, "/")] + "/x.ics"
	for i := range 30 {
		if i%2 == 0 {
			anyone.Get(wrong).Want(404)
		} else {
			anyone.Get(made.Path).Want(200)
		}
	}
	for _, path := range []string{made.Path, wrong} { // which of them it is makes no difference
		if after := anyone.Get(path).Want(429).Header.Get("Retry-After"); after != "10" {
			t.Errorf("to be asked again after %q seconds", after)
		}
	}
	anyone.Get("/visits/v1/calendar-feeds/lakeland/another/x.ics").Want(404)
	a.clock.Advance(10 * time.Second)
	anyone.Get(made.Path).Want(200)
	anyone.Get(made.Path).Want(429)
}

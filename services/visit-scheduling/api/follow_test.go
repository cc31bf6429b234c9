package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/services/visit-scheduling/api"
)

// told is one server-sent event.
type told struct {
	id         int64
	name, data string
}

// follow reads a job's events from a real server as they come; the channel is closed
// when the answer ends. Comments are events without a name.
func follow(t *testing.T, ctx context.Context, a *agency, token, path string, known string) (status int, events <-chan told) {
	t.Helper()
	server := httptest.NewServer(a.http)
	t.Cleanup(server.Close)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if known != "" {
		r.Header.Set("Last-Event-ID", known)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	all := make(chan told, 1000)
	go func() {
		defer close(all)
		defer func() { _ = answer.Body.Close() }()
		lines := bufio.NewScanner(answer.Body)
		var e told
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ": ")
			switch name {
			case "id":
				e.id, _ = strconv.ParseInt(value, 10, 64)
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e != (told{}) || value != "" {
					all <- e
				}
				e = told{}
			}
		}
	}()
	return answer.StatusCode, all
}

func TestPlanningJob_IsFollowedToItsEnd(t *testing.T) {
	a := start(t)
	a.pace.Look, a.pace.Beat = 5*time.Millisecond, 20*time.Millisecond
	a.hire("w1", "w2")
	a.approve("case-1", 2, 1, "w1")
	scheduler := a.as("scheduler", "s-1")
	job := apitest.Read[api.PlanningJob](scheduler.Post("/visits/v1/planning-jobs", map[string]any{"first_week": "2026-03-09", "weeks": 1, "budget_seconds": 1}).Want(202))
	path := "/visits/v1/planning-jobs/" + job.JobId + "/events"
	a.as("family_worker", "w1").Get(path).WantProblem(403, "not_allowed")

	status, events := follow(t, t.Context(), a, "lakeland/scheduler/s-1", path, "")
	if status != 200 {
		t.Fatalf("status %d", status)
	}
	first := <-events
	if first.name != "progress" || first.id != job.Version {
		t.Fatalf("the first event is %+v", first)
	}
	if beat := <-events; beat.name != "" {
		t.Errorf("while nothing happens comes %+v", beat)
	}
	a.work()
	last, known := first, 0
	for e := range events {
		if e.name == "" {
			continue
		}
		if e.id <= last.id || last.name == "ended" {
			t.Errorf("%+v comes after %+v", e, last)
		}
		last = e
		known++
	}
	var shown api.PlanningJob
	if err := json.Unmarshal([]byte(last.data), &shown); err != nil || last.name != "ended" || shown.Version != last.id || known < 1 {
		t.Fatalf("%d more events, the last %+v (%v)", known, last, err)
	}
	if now := apitest.Read[api.PlanningJob](scheduler.Get("/visits/v1/planning-jobs/" + job.JobId).Want(200)); now.Version != shown.Version || now.Status != shown.Status {
		t.Errorf("told %s, and is %s", shown.Status, now.Status)
	}
	// Who comes back is told what they do not know, and is sent away when they know all.
	scheduler.Get(path, apitest.Header("Last-Event-ID", strconv.FormatInt(last.id, 10))).Want(http.StatusNoContent)
	if again := string(scheduler.Get(path, apitest.Header("Last-Event-ID", strconv.FormatInt(first.id, 10))).Want(200).Body); strings.Count(again, "event:") != 1 || !strings.Contains(again, "event: ended") {
		t.Errorf("who missed the end is told %q", again)
	}
	scheduler.Get("/visits/v1/planning-jobs/0192f4c0-1d00-5a10-8b2c-1f2e3d4c5b01/events").WantProblem(404, "planning_job_not_found")
}

// Each way to end is awaited: the answer's channel is closed.
func TestPlanningJob_FollowingEndsWithTheReaderTheServerAndItsTime(t *testing.T) {
	for name, end := range map[string]func(a *agency, cancel func(), leave chan struct{}){
		"the reader goes":  func(_ *agency, cancel func(), _ chan struct{}) { cancel() },
		"the server goes":  func(_ *agency, _ func(), leave chan struct{}) { close(leave) },
		"its time is over": func(*agency, func(), chan struct{}) {},
	} {
		a := start(t)
		a.pace.Look = 5 * time.Millisecond
		if name == "its time is over" {
			a.pace.Most = 50 * time.Millisecond
		}
		job := apitest.Read[api.PlanningJob](a.as("scheduler", "s-1").Post("/visits/v1/planning-jobs", map[string]any{"first_week": "2026-03-09", "weeks": 1}).Want(202))
		leave := make(chan struct{})
		inner := a.http
		a.http = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(w, r.WithContext(httpapi.WithLeaving(r.Context(), leave)))
		})
		ctx, cancel := context.WithCancel(t.Context())
		_, events := follow(t, ctx, a, "lakeland/scheduler/s-1", "/visits/v1/planning-jobs/"+job.JobId+"/events", "")
		if first := <-events; first.name != "progress" {
			t.Errorf("%s: the first event is %+v", name, first)
		}
		end(a, cancel, leave)
		for e := range events {
			if e.name == "ended" {
				t.Errorf("%s: a job that waits is told to have ended", name)
			}
		}
		cancel()
	}
}

// An answer that goes on holds its place until it ends, and no longer.
func TestPlanningJob_SoManyFollowAtOnce(t *testing.T) {
	a := start(t) // two for a person, three in all
	a.pace.Look = 5 * time.Millisecond
	job := apitest.Read[api.PlanningJob](a.as("scheduler", "s-1").Post("/visits/v1/planning-jobs", map[string]any{"first_week": "2026-03-09", "weeks": 1}).Want(202))
	path := "/visits/v1/planning-jobs/" + job.JobId + "/events"
	open := func(worker string) (end func()) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		status, events := follow(t, ctx, a, "lakeland/scheduler/"+worker, path, "")
		if first := <-events; status != 200 || first.name != "progress" {
			t.Fatalf("%s: %d %+v", worker, status, first)
		}
		return cancel
	}
	sentAway := func(worker string, status int, code string) {
		t.Helper()
		answer := a.as("scheduler", worker).Get(path)
		answer.WantProblem(status, code)
		if after := answer.Header.Get("Retry-After"); after != "15" {
			t.Errorf("%s comes back after %q", worker, after)
		}
	}
	end := open("s-1")
	open("s-1")
	sentAway("s-1", 429, "too_many_followed")
	open("s-2")
	sentAway("s-2", 503, "too_many_followers")
	sentAway("s-1", 429, "too_many_followed") // their own bound first: it is theirs to mend
	a.as("scheduler", "s-1").Get("/visits/v1/planning-jobs/" + job.JobId).Want(200)
	end()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) { // until the server has seen it
		ctx, cancel := context.WithCancel(t.Context())
		status, events := follow(t, ctx, a, "lakeland/scheduler/s-2", path, "")
		if status == 200 {
			if first := <-events; first.name != "progress" {
				t.Errorf("in its place: %+v", first)
			}
			sentAway("s-2", 429, "too_many_followed")
			cancel()
			return
		}
		cancel()
		if time.Now().After(deadline) {
			t.Fatal("a place is not free again")
		}
	}
}

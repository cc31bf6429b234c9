package roads_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
	"github.com/hearthfps/hearth/services/visit-scheduling/roads"
)

const key = "k3y-canary"

// client asks s as a kind of server; what is left out of config has a usual value.
func client(t *testing.T, s *server, kind string, change func(*roads.Config)) (*roads.Client, *clock.Manual) {
	t.Helper()
	c := roads.Config{Kind: kind, URL: s.URL, Key: key, Timeout: time.Minute, Parallel: 2, Failures: 2, Pause: time.Minute}
	if kind == "graphhopper" {
		c.URL += "/api/1/"
	}
	if change != nil {
		change(&c)
	}
	now := clock.NewManual(time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC))
	made, err := roads.New(c, now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made, now
}

var (
	south, north, pole = optimise.Place{Lat: 61.005, Lon: 25.123}, optimise.Place{Lat: 61.105, Lon: 25.456}, optimise.Place{Lat: 71, Lon: 25}
	modes              = []optimise.Mode{optimise.Car, optimise.Bicycle, optimise.Foot}
)

func TestClient_AsksAsEachServerWantsIt(t *testing.T) {
	for kind, profiles := range map[string][]string{
		"osrm": {"/car/", "/bike/", "/foot/"}, "valhalla": {`"auto"`, `"bicycle"`, `"pedestrian"`}, "graphhopper": {`"car"`, `"bike"`, `"foot"`},
	} {
		t.Run(kind, func(t *testing.T) {
			s := serve(t)
			c, _ := client(t, s, kind, nil)
			for i, mode := range modes {
				got, err := c.Block(t.Context(), mode, []optimise.Place{south, north}, []optimise.Place{north, south, pole})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff([][]int{{15, 0, matrix.None}, {0, 5, matrix.None}}, got); diff != "" {
					t.Errorf("minutes (-want +got):\n%s", diff)
				}
				if asked := s.asked()[i]; !strings.Contains(asked, profiles[i]) {
					t.Errorf("asked %s, want the profile %s", asked, profiles[i])
				}
			}
			if _, err := c.Block(t.Context(), optimise.Transit, []optimise.Place{south}, []optimise.Place{north}); !errors.Is(err, roads.ErrMode) || c.Knows(optimise.Transit) {
				t.Errorf("by bus: %v", err)
			}
			inURL := strings.Contains(s.asked()[0], "key="+key)
			if bearer := s.headers[0].Get("Authorization") == "Bearer "+key; inURL != (kind == "graphhopper") || bearer != (kind != "graphhopper") {
				t.Errorf("the key: in the URL %v, as a bearer token %v", inURL, bearer)
			}
		})
	}
}

// Whatever goes wrong, the error says what and tells no place and no key.
func TestClient_FailsWithoutSayingWhereOrWhoAsks(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a redirection was followed") }))
	defer elsewhere.Close()
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte(body)) // a client that has gone is its own business
		}
	}
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		want   string
	}{
		{"a server that fails", say(500, "61.005"), "status 500"},
		{"a request it does not like", say(400, `{"code":"InvalidQuery","message":"61.005"}`), "status 400"},
		{"somewhere else", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, "status 302"},
		{"no JSON", say(200, "<html>61.005"), "no JSON"},
		{"half of it", say(200, `{"code":"Ok","durations":[[0,`), "no JSON"},
		{"something else", say(200, `{"code":"Ok","durations":"61.005","sources_to_targets":"61.005","times":"61.005"}`), "something else"},
		{"nothing", say(200, `{"code":"Ok"}`), ""},
		{"too few", say(200, `{"code":"Ok","durations":[[1]],"sources_to_targets":[[{"time":1}]],"times":[[1]]}`), "not 1 by 2"},
		{"less than nothing", say(200, `{"code":"Ok","durations":[[1,-1]],"sources_to_targets":[[{"time":1},{"time":-1}]],"times":[[1,-1]]}`), "less than nothing"},
		{"a way of a year", say(200, `{"code":"Ok","durations":[[1,3e7]],"sources_to_targets":[[{"time":1},{"time":3e7}]],"times":[[1,3e7]]}`), "more than a day"},
		{"a broken connection", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
		{"too much", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 9<<20)) }, "longer than"},
	} {
		for _, kind := range roads.Kinds() {
			s := serve(t)
			s.answer = test.answer
			c, _ := client(t, s, kind, nil)
			_, err := c.Block(t.Context(), optimise.Car, []optimise.Place{south}, []optimise.Place{south, north})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, %s: got %v, want %q", test.name, kind, err, test.want)
				continue
			}
			for _, canary := range []string{"61.0", "25.1", "25.4", key, s.URL} {
				if strings.Contains(err.Error(), canary) {
					t.Errorf("%s, %s: the error tells %q: %v", test.name, kind, canary, err)
				}
			}
		}
	}
	s := serve(t)
	c, _ := client(t, s, "osrm", func(c *roads.Config) { c.URL = "http://127.0.0.1:1" })
	if _, err := c.Block(t.Context(), optimise.Car, []optimise.Place{south}, []optimise.Place{north}); err == nil || strings.Contains(err.Error(), "61.0") {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestClient_AnAnswerOfAnotherWayIsRefused(t *testing.T) {
	s := serve(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"sources_to_targets":[[{"time":60,"from_index":0,"to_index":1},{"time":60,"from_index":0,"to_index":0}]]}`))
	}
	c, _ := client(t, s, "valhalla", nil)
	if _, err := c.Block(t.Context(), optimise.Car, []optimise.Place{south}, []optimise.Place{south, north}); err == nil || !strings.Contains(err.Error(), "another way") {
		t.Errorf("got %v", err)
	}
	s.answer = func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"sources_to_targets":{"durations":[[0,61]],"distances":[[0,1]]}}`))
	}
	got, err := c.Block(t.Context(), optimise.Car, []optimise.Place{south}, []optimise.Place{south, north})
	if diff := cmp.Diff([][]int{{0, 2}}, got); err != nil || diff != "" {
		t.Errorf("bare tables: %v, %s", err, diff)
	}
}

func TestClient_StopsAskingWhoFailsAndTriesAgain(t *testing.T) {
	s := serve(t)
	s.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
	c, now := client(t, s, "osrm", nil)
	ask := func() error {
		_, err := c.Block(t.Context(), optimise.Car, []optimise.Place{south}, []optimise.Place{north})
		return err
	}
	for i := range 2 {
		if err := ask(); err == nil || errors.Is(err, roads.ErrOpen) {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	for range 3 {
		if err := ask(); !errors.Is(err, roads.ErrOpen) {
			t.Fatalf("after two failures: %v", err)
		}
	}
	now.Advance(time.Minute)
	if err := ask(); err == nil || errors.Is(err, roads.ErrOpen) {
		t.Fatalf("after the pause: %v", err)
	}
	if err := ask(); !errors.Is(err, roads.ErrOpen) {
		t.Fatalf("after it failed again: %v", err)
	}
	if got := len(s.asked()); got != 3 {
		t.Errorf("the server was asked %d times, want 3", got)
	}
	s.mu.Lock()
	s.answer = nil
	s.mu.Unlock()
	now.Advance(time.Minute)
	for range 3 {
		if err := ask(); err != nil {
			t.Fatalf("it answers again: %v", err)
		}
	}
}

func TestClient_AnAskerWhoLeavesIsNoFailureOfTheServers(t *testing.T) {
	s := serve(t)
	c, _ := client(t, s, "osrm", nil)
	gone, leave := context.WithCancel(t.Context())
	s.answer = func(_ http.ResponseWriter, r *http.Request) {
		leave()
		<-r.Context().Done()
	}
	for range 3 {
		if _, err := c.Block(gone, optimise.Car, []optimise.Place{south}, []optimise.Place{north}); err == nil {
			t.Fatal("answered")
		}
	}
	s.mu.Lock()
	s.answer = nil
	s.mu.Unlock()
	if _, err := c.Block(t.Context(), optimise.Car, []optimise.Place{south}, []optimise.Place{north}); err != nil {
		t.Error(err)
	}
}

func TestClient_GivesUpInTimeAndAsksFewAtOnce(t *testing.T) {
	s := serve(t)
	var under, most atomic.Int64
	s.answer = func(w http.ResponseWriter, r *http.Request) {
		n := under.Add(1)
		defer under.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-r.Context().Done() // until the client has given up
	}
	c, _ := client(t, s, "valhalla", func(c *roads.Config) { c.Timeout, c.Failures = 200*time.Millisecond, 100 })
	var wait sync.WaitGroup
	for range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if _, err := c.Block(t.Context(), optimise.Car, []optimise.Place{south}, []optimise.Place{north}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		}()
	}
	wait.Wait()
	if got := most.Load(); got > 2 {
		t.Errorf("%d requests at once, want 2 at most", got)
	}
}

func TestNew_RefusesWhatMakesNoSense(t *testing.T) {
	good := roads.Config{Kind: "osrm", URL: "http://osrm:5000", Timeout: time.Second, Parallel: 1, Failures: 1, Pause: time.Second}
	for name, change := range map[string]func(*roads.Config){
		"an unknown server": func(c *roads.Config) { c.Kind = "ors" },
		"no URL":            func(c *roads.Config) { c.URL = "" },
		"another scheme":    func(c *roads.Config) { c.URL = "file:///etc/passwd" },
		"a login":           func(c *roads.Config) { c.URL = "https://a:b@osrm" },
		"a query":           func(c *roads.Config) { c.URL = "https://osrm?x=1" },
		"no timeout":        func(c *roads.Config) { c.Timeout = 0 },
		"nobody at once":    func(c *roads.Config) { c.Parallel = 0 },
	} {
		c := good
		change(&c)
		if _, err := roads.New(c, clock.System()); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if _, err := roads.New(good, clock.System()); err != nil {
		t.Error(err)
	}
}

package observability

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthfps/hearth/scripts/observability/watch"
)

// built is the hearth of this tree, built once.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hearth-observability-")
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "hearth")
	build := exec.Command("go", "build", "-o", binary, "./cmd/hearth")
	build.Dir = "../../services/hearth"
	build.Env = append(os.Environ(), "GOWORK=") // this module is built without the workspace, the suite with it
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build hearth: %w\n%s", err, out)
	}
	return binary, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if binary, err := built(); err == nil {
		_ = os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// suite is a running `hearth serve --dev`, seen from outside.
type suite struct {
	t          *testing.T
	api, admin string
	process    *exec.Cmd
	ended      chan error
	log        *bytes.Buffer
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// start runs the suite for the length of the test.
func start(t *testing.T, args ...string) *suite {
	t.Helper()
	binary, err := built()
	if err != nil {
		t.Fatal(err)
	}
	s := &suite{t: t, api: freeAddress(t), admin: freeAddress(t), ended: make(chan error, 1), log: &bytes.Buffer{}}
	s.process = exec.Command(binary, append([]string{"serve", "--dev", "--data", t.TempDir(), "--listen", s.api, "--admin", s.admin}, args...)...)
	s.process.Stdout, s.process.Stderr = s.log, s.log
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.process.Wait() }()
	t.Cleanup(s.stop)
	s.await("the suite is ready", 3*time.Minute, func() bool {
		select {
		case err := <-s.ended:
			t.Fatalf("the suite ended: %v\n%s", err, s.log)
		default:
		}
		res, err := http.Get("http://" + s.admin + "/readyz")
		if err != nil {
			return false
		}
		defer res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return s
}

// stop ends the suite as an orchestrator does.
func (s *suite) stop() {
	if s.process.ProcessState != nil {
		return
	}
	if err := s.process.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
	select {
	case <-s.ended:
	case <-time.After(2 * time.Minute):
		s.t.Error("the suite does not end; it is killed")
		if err := s.process.Process.Kill(); err != nil {
			s.t.Error(err)
		}
		<-s.ended
	}
}

func (s *suite) await(what string, within time.Duration, is func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(within); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within %v", what, within)
		}
	}
}

// metrics asks the admin port; an error is a scrape that failed.
func (s *suite) metrics() ([]byte, error) {
	res, err := http.Get("http://" + s.admin + "/metrics")
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("/metrics answers %s", res.Status)
	}
	return io.ReadAll(res.Body)
}

// clock tells the suite's time, or with a body moves it.
func (s *suite) clock(body any) time.Time {
	s.t.Helper()
	method, sent := http.MethodGet, io.Reader(nil)
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			s.t.Fatal(err)
		}
		method, sent = http.MethodPost, bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+s.api+"/dev/clock", sent)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var at struct{ Now time.Time }
	if err := json.NewDecoder(res.Body).Decode(&at); err != nil || res.StatusCode != http.StatusOK {
		s.t.Fatalf("the clock answers %s, %v", res.Status, err)
	}
	return at.Now
}

// value reads one number from metrics: the extreme of the series that hold all the
// texts, by choose (math.Max, math.Min); NaN when there is none.
func value(metrics []byte, choose func(a, b float64) float64, name string, holding ...string) float64 {
	found := math.NaN()
	for line := range strings.SplitSeq(string(metrics), "\n") {
		if !strings.HasPrefix(line, name+"{") && !strings.HasPrefix(line, name+" ") {
			continue
		}
		ok := true
		for _, h := range holding {
			ok = ok && strings.Contains(line, h)
		}
		var v float64
		if _, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &v); err != nil || !ok {
			continue
		}
		if math.IsNaN(found) {
			found = v
		} else {
			found = choose(found, v)
		}
	}
	return found
}

// watched is a suite with a Prometheus that scrapes it at the suite's own time.
type watched struct {
	*suite
	*watch.Prometheus

	mu     sync.Mutex // the clock is moved by the demo's requests
	last   time.Time
	times  []time.Time
	firing map[string]watch.Alert
}

func observe(t *testing.T, s *suite) *watched {
	return &watched{suite: s, Prometheus: prometheus(t), firing: map[string]watch.Alert{}}
}

// scrape takes a sample of everything and evaluates every rule, at the given time.
func (w *watched) scrape(at time.Time) []watch.Alert {
	w.t.Helper()
	text, err := w.metrics()
	if err != nil {
		text = nil // a target that is away: its series end
	}
	if err := w.Scrape(text, at); err != nil {
		w.t.Fatal(err)
	}
	firing, err := w.Evaluate(context.Background(), at)
	if err != nil {
		w.t.Fatal(err)
	}
	w.last = at
	w.times = append(w.times, at)
	for _, a := range firing {
		if _, ok := w.firing[a.Name]; !ok {
			w.t.Logf("%s fires at %s: %v", a.Name, at.Format(time.DateTime), a.Labels)
		}
		w.firing[a.Name] = a
	}
	return firing
}

// settled waits until the suite has seen the time: all that is due by then is done.
// A part that answers late on a busy machine is waited for too: a second of it would
// count as minutes of the suite's time.
func (w *watched) settled(at time.Time) {
	w.t.Helper()
	w.await("what is due is done", 3*time.Minute, func() bool {
		text, err := w.metrics()
		if err != nil {
			return false
		}
		return value(text, math.Min, "hearth_census_timestamp_seconds") >= float64(at.Unix()) &&
			value(text, math.Min, "hearth_dependency_up") == 1 && value(text, math.Min, "hearth_events_partitions") > 0 &&
			value(text, math.Max, "hearth_timers_late_seconds") == 0 &&
			value(text, math.Max, "hearth_events_lag") == 0 && value(text, math.Max, "hearth_outbox_oldest_age_seconds") == 0 &&
			value(text, math.Max, "hearth_messages_oldest_overdue_seconds") == 0
	})
}

// walk moves the suite's clock: in one leap to shortly before the time, and then
// minute by minute, with a scrape of each.
func (w *watched) walk(to time.Time) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	const steps = 4 * time.Minute
	now := w.clock(nil)
	if near := to.Add(-steps); near.After(now) {
		now = w.clock(map[string]any{"to": near})
		w.settled(near)
		w.scrape(now)
	}
	for now.Before(to) {
		next := now.Add(time.Minute)
		if next.After(to) {
			next = to
		}
		now = w.clock(map[string]any{"to": next})
		w.settled(next)
		w.scrape(now)
	}
}

// proxy is the suite's API with a clock that walks.
func (w *watched) proxy() string {
	target := &url.URL{Scheme: "http", Host: w.api}
	pass := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/dev/clock" || r.Method != http.MethodPost {
			pass.ServeHTTP(rw, r)
			return
		}
		var asked struct{ To time.Time }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			http.Error(rw, err.Error(), http.StatusBadRequest)
			return
		}
		w.walk(asked.To)
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(map[string]any{"now": asked.To})
	}))
	w.t.Cleanup(server.Close)
	return server.URL
}

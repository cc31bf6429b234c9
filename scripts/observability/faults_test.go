package observability

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/hearthfps/hearth/scripts/observability/watch"
)

// topics are what a deployment makes before services start.
var topics = []string{
	"referrals.inbound.v1", "intake.events.v1", "assessment.events.v1", "planning.events.v1",
	"visit-scheduling.events.v1", "resource-directory.events.v1", "notification.events.v1",
}

// The parts of a running suite are broken one after the other. What its metrics
// say then is watched, a scrape counting as half a minute, until the alert fires.
func TestFaults(t *testing.T) {
	t.Parallel()
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(12, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	cache := redis(t)
	nobody := freeAddress(t) // no mail server listens there
	s := start(t, "--kafka", broker.ListenAddrs()[0], "--redis-url", "redis://"+cache.addr, "--smtp", nobody, "--smtp-from", "hearth@agency.example")
	f := &faults{observe(t, s)}
	f.last = f.clock(nil)
	f.forward(20 * time.Minute)
	if len(f.firing) > 0 {
		t.Fatalf("before any fault there fire %v", f.firing)
	}

	t.Run("a poisoned event parks its key", func(t *testing.T) {
		f.poison(t, broker.ListenAddrs()[0])
		f.fires(t, "HearthKeysParked", map[string]string{"service": "planning"}, 30*time.Minute)
	})
	t.Run("nobody screens: clocks run out, and a referral of immediate priority waits", func(t *testing.T) {
		f.refer(t)
		f.fires(t, "HearthImmediateReferralWaits", map[string]string{"agency": "lakeland"}, 3*time.Hour)
		f.clock(map[string]any{"advance": "480h"})
		f.fires(t, "HearthClockExpired", map[string]string{"agency": "lakeland"}, 30*time.Minute)
		f.fires(t, "HearthScreeningLateFast", map[string]string{"agency": "lakeland"}, 30*time.Minute)
	})
	t.Run("the mail server is away: messages fail", func(t *testing.T) {
		f.fires(t, "HearthMessagesFailFast", map[string]string{"agency": "lakeland"}, time.Hour)
	})
	t.Run("the cache is away", func(t *testing.T) {
		cache.stop(t)
		f.fires(t, "HearthCacheDown", map[string]string{"service": "intake"}, time.Hour)
	})
	t.Run("the broker is away", func(t *testing.T) {
		broker.Close()
		f.fires(t, "HearthDependencyDown", map[string]string{"dependency": "broker"}, time.Hour)
		f.refer(t) // accepted all the same; its events wait in the outbox
		// These grow second by second: that they grow is seen, when they would alert is
		// left to the scenarios.
		f.grows(t, "hearth_outbox_oldest_age_seconds", `service="intake"`)
		f.grows(t, "hearth_events_fetch_age_seconds", `service="planning"`)
	})
	t.Run("the database hangs", func(t *testing.T) {
		resume := f.freezeDatabase(t)
		f.fires(t, "HearthDependencyDown", map[string]string{"dependency": "database"}, time.Hour)
		f.grows(t, "hearth_outbox_look_age_seconds", `service="intake"`)
		resume()
	})
	t.Run("the suite ends", func(t *testing.T) {
		s.stop()
		f.fires(t, "HearthServiceGone", map[string]string{"service": "intake"}, time.Hour)
	})
}

type faults struct{ *watched }

// forward watches for a time, a scrape each half minute of it.
func (f *faults) forward(d time.Duration) {
	f.t.Helper()
	for end := f.last.Add(d); f.last.Before(end); {
		f.scrape(f.last.Add(30 * time.Second))
	}
}

// fires watches until an alert with these labels fires. Counts are made and
// dependencies asked every second or two, so that a scrape waits a little.
func (f *faults) fires(t *testing.T, alert string, labels map[string]string, within time.Duration) {
	t.Helper()
	from := f.last
	is := func(a watch.Alert) bool {
		for k, v := range labels {
			if a.Labels[k] != v {
				return false
			}
		}
		return a.Name == alert
	}
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if slices.ContainsFunc(f.scrape(f.last.Add(30*time.Second)), is) {
			t.Logf("%s fires %v after the fault, as scrapes count", alert, f.last.Sub(from))
			return
		}
		// Its condition takes real time to be seen; from then on it is held to its time.
		if f.last.Sub(from) > within && time.Since(began) > time.Minute {
			t.Fatalf("%s %v does not fire in %v", alert, labels, f.last.Sub(from))
		}
	}
}

func (f *faults) grows(t *testing.T, metric, label string) {
	t.Helper()
	f.await(metric+" grows", 3*time.Minute, func() bool {
		text, err := f.metrics()
		return err == nil && value(text, math.Max, metric, label) > 4
	})
}

// refer sends the demo's families.
func (f *faults) refer(t *testing.T) {
	t.Helper()
	events, err := os.ReadFile("../../services/hearth/demo/events.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	// Of today: a referral is received when it is sent.
	now := f.clock(nil)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	for line := range bytes.Lines(events) {
		var e map[string]any
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		e["id"], e["time"] = fmt.Sprintf("%v-%d", e["id"], now.UnixNano()), now.Format(time.RFC3339)
		if data, ok := e["data"].(map[string]any); ok && data["received_at"] != nil {
			data["received_at"] = now.Format(time.RFC3339)
			data["external_id"] = fmt.Sprintf("%v-%d", data["external_id"], now.UnixNano())
		}
		if err := enc.Encode(e); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.api+"/intake/v1/events:import", &out)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Authorization", "Bearer "+f.token(t, "referrer"))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("the referrals are answered with %s, %v: %s", res.Status, err, body)
	}
}

func (f *faults) token(t *testing.T, role string) string {
	t.Helper()
	res, err := http.PostForm("http://"+f.api+"/dev/oidc/token", url.Values{"grant_type": {"client_credentials"}, "agency": {"lakeland"}, "role": {role}})
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("the issuer answers %s, %v", res.Status, err)
	}
	return answer.Token
}

// poison writes what no consumer can read.
func (f *faults) poison(t *testing.T, broker string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	err = client.ProduceSync(t.Context(), &kgo.Record{Topic: "intake.events.v1", Key: []byte("nobody"), Value: []byte("no event")}).FirstErr()
	if err != nil {
		t.Fatal(err)
	}
}

// freezeDatabase stops PostgreSQL without ending it: connections stay, and nothing
// answers. The server beside the suite is found by its data folder.
func (f *faults) freezeDatabase(t *testing.T) (resume func()) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "ps", "-eo", "pid,ppid,args").Output()
	if err != nil {
		t.Fatal(err)
	}
	data := f.process.Args[slices.Index(f.process.Args, "--data")+1]
	var main int
	children := map[int][]int{}
	for line := range strings.Lines(string(out)) {
		var pid, parent int
		if n, _ := fmt.Sscan(line, &pid, &parent); n < 2 {
			continue
		}
		children[parent] = append(children[parent], pid)
		if strings.Contains(line, data) && strings.Contains(line, "postgres") && !strings.Contains(line, "hearth serve") {
			main = pid
		}
	}
	if main == 0 {
		t.Fatalf("no PostgreSQL runs in %s", data)
	}
	all := append([]int{main}, children[main]...)
	signal := func(s syscall.Signal) {
		for _, pid := range all {
			if err := syscall.Kill(pid, s); err != nil && err != syscall.ESRCH {
				t.Error(err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	t.Cleanup(func() { signal(syscall.SIGCONT) })
	return func() { signal(syscall.SIGCONT) }
}

// server is a Redis of the test's own.
type server struct {
	addr    string
	process *exec.Cmd
	stopped bool
}

func redis(t *testing.T) *server {
	t.Helper()
	binary, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("redis-server is not installed: scripts/setup test brings it")
	}
	s := &server{addr: freeAddress(t)}
	s.process = exec.Command(binary, "--bind", "127.0.0.1", "--port", s.addr[strings.LastIndexByte(s.addr, ':')+1:], "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := s.process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
	return s
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	if s.stopped {
		return
	}
	s.stopped = true
	if err := s.process.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = s.process.Wait() // it was killed
}

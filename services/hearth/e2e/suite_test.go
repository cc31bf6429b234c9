package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	specs "github.com/hearthfps/hearth/api-specs"
	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/telemetry"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/hearth"
	"github.com/hearthfps/hearth/services/hearth/play"
)

// suite is a running suite that a test watches: its log, its spans, its answers.
type suite struct {
	*hearth.Suite
	log    *syncBuffer
	spans  *telemetry.Recorder
	tel    *telemetry.Telemetry
	checks *checking
}

// start runs the suite for the length of the test.
func start(t *testing.T, change func(*hearth.Options)) *suite {
	t.Helper()
	s := &suite{log: &syncBuffer{}, spans: telemetry.Record()}
	s.tel = &telemetry.Telemetry{Log: telemetry.NewLog(s.log, "hearth", nil), Registry: telemetry.NewRegistry()}
	o := hearth.Options{
		Dev: true, Data: t.TempDir(), Listen: "127.0.0.1:0", Admin: "off", Log: s.log,
		Telemetry: s.tel, CheckEvent: testkit.CheckEvent,
	}
	if change != nil {
		change(&o)
	}
	running, err := hearth.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	s.Suite = running
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	ready := make(chan struct{})
	go func() { ended <- running.Serve(ctx, func(string) { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the suite did not end well: %v", err)
		}
	})
	<-ready
	s.checks = newChecking(t)
	return s
}

// play is the suite as people use it, every answer held against its OpenAPI file.
func (s *suite) play(agency string) *play.Suite {
	return &play.Suite{
		URL:  func(string) string { return s.URL() },
		HTTP: &http.Client{Transport: s.checks},
		Token: func(_ context.Context, role, worker string) (string, error) {
			id, err := tenant.Parse(agency)
			if err != nil {
				return "", err
			}
			subject := worker
			if subject == "" {
				subject = "test:" + role
			}
			return s.Issuer.Mint(auth.Principal{Subject: subject, Agency: id, Roles: []string{role}, WorkerID: worker}, time.Hour)
		},
	}
}

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// checking holds every answer against the OpenAPI file it belongs to.
type checking struct {
	contracts map[string]*httpapi.Contract // by base path

	mu      sync.Mutex
	checked int
	seen    map[string]bool // operation ids that were answered with success
	faults  []string
}

func newChecking(t *testing.T) *checking {
	t.Helper()
	c := &checking{contracts: map[string]*httpapi.Contract{}, seen: map[string]bool{}}
	for _, svc := range hearth.Services() {
		contract, err := httpapi.LoadContract(svc.Spec)
		if err != nil {
			t.Fatal(err)
		}
		c.contracts["/"+strings.SplitN(svc.BasePath(), "/", 3)[1]] = contract
	}
	return c
}

func (c *checking) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return res, err
	}
	body, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	contract := c.contracts["/"+strings.SplitN(r.URL.Path, "/", 3)[1]]
	if contract == nil {
		return res, nil // /dev
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked++
	if res.StatusCode >= 400 && res.Header.Get("Content-Type") != "application/problem+json" {
		c.faults = append(c.faults, fmt.Sprintf("%s %s: %d is %q, want application/problem+json", r.Method, r.URL.Path, res.StatusCode, res.Header.Get("Content-Type")))
	}
	if err := contract.CheckAnswer(r.Method, r.URL.Path, res.StatusCode, res.Header, body); err != nil {
		c.faults = append(c.faults, fmt.Sprintf("%s %s: %d: %v", r.Method, r.URL.Path, res.StatusCode, err))
	}
	if op := contract.OperationOf(r.Method, r.URL.Path); op != nil && res.StatusCode < 300 {
		c.seen[op.ID] = true
	}
	return res, nil
}

// eventTypes are all the types there are, by their schema files.
func eventTypes(t *testing.T) []string {
	t.Helper()
	files, err := fs.Glob(specs.Events, "events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	types := make([]string, len(files))
	for i, f := range files {
		types[i] = strings.TrimSuffix(path.Base(f), ".json")
	}
	return types
}

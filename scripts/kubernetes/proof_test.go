package main

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/scripts/chaos/check"
)

func TestAsOf_SaysWhatABackupMustHold(t *testing.T) {
	at := func(seconds int) time.Time { return time.Unix(int64(seconds), 0) }
	began, ended := at(100), at(101)
	sent := []check.Sent{
		{Source: "/s", ID: "before", Began: at(10), Answered: at(11)},
		{Source: "/s", ID: "before and lost", Began: at(20), Answered: at(21)},
		{Source: "/s", ID: "under way and there", Began: at(99), Answered: at(102)},
		{Source: "/s", ID: "under way and not there", Began: at(99), Answered: at(103)},
		{Source: "/s", ID: "after", Began: at(102), Answered: at(103)},
		{Source: "/s", ID: "after and there", Began: at(104), Answered: at(105)},
	}
	var receipts []check.Receipt
	for _, id := range []string{"before", "under way and there", "after and there"} {
		receipts = append(receipts, check.Receipt{Source: "/s", ID: id})
	}
	kept, missing, early := asOf(sent, receipts, began, ended)
	var ids []string
	for _, s := range kept {
		ids = append(ids, s.ID)
	}
	if diff := cmp.Diff([]string{"before", "before and lost", "under way and there"}, ids); diff != "" {
		t.Errorf("what it is judged by (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"before and lost"}, missing); diff != "" {
		t.Errorf("missing (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"after and there"}, early); diff != "" {
		t.Errorf("early (-want +got):\n%s", diff)
	}
}

func TestAutoscaler_IsWhatKEDAMakesOfAScaledObject(t *testing.T) {
	got, err := autoscaler([]byte(`
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: planning}
spec:
  scaleTargetRef: {name: planning}
  minReplicaCount: 2
  maxReplicaCount: 5
  advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 10}}}}
  triggers:
  - {type: cpu, metricType: Utilization, metadata: {value: "70"}}
  - {type: kafka, metadata: {consumerGroup: planning, topic: intake.events.v1, lagThreshold: "50"}}
`), "here")
	if err != nil {
		t.Fatal(err)
	}
	spec := got["spec"].(map[string]any)
	want := []any{map[string]any{"type": "External", "external": map[string]any{
		"metric": map[string]any{"name": "kafka-lag", "selector": map[string]any{"matchLabels": map[string]any{"group": "planning", "topic": "intake.events.v1"}}},
		"target": map[string]any{"type": "AverageValue", "averageValue": "50"},
	}}}
	if diff := cmp.Diff(want, spec["metrics"]); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
	if spec["minReplicas"] != 2 || spec["maxReplicas"] != 5 {
		t.Errorf("it keeps between %v and %v pods, want 2 and 5", spec["minReplicas"], spec["maxReplicas"])
	}
	for what, manifest := range map[string]string{"another kind": "kind: HorizontalPodAutoscaler", "no trigger by lag": "kind: ScaledObject", "no YAML": "\t"} {
		if _, err := autoscaler([]byte(manifest), "here"); err == nil {
			t.Errorf("%s makes an autoscaler", what)
		}
	}
}

func TestCounter_TellsAnswersFromFailures(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/later":
			w.Header().Set("Retry-After", "2")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/never":
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "/refused":
			w.WriteHeader(http.StatusConflict)
		case "/cut":
			w.Header().Set("Content-Length", "10")
			_, _ = w.Write([]byte("half"))
		}
	}))
	defer server.Close()
	for _, c := range []struct {
		path          string
		failed, later int
	}{{"/well", 0, 0}, {"/refused", 0, 0}, {"/later", 0, 1}, {"/never", 1, 0}, {"/broken", 1, 0}, {"/cut", 1, 0}} {
		count := newCounter()
		before := count.now()
		res, err := (&http.Client{Transport: count}).Get(server.URL + c.path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, res.Body)
		if err = errors.Join(err, res.Body.Close()); err != nil && c.path != "/cut" {
			t.Error(err)
		}
		f, err := count.since(before)
		if f["failed"] != c.failed || f["retried_503"] != c.later || f["requests"] != 1 || (err != nil) != (c.failed > 0) {
			t.Errorf("%s is counted as %v (%v), want %d failed and %d to be sent again", c.path, f, err, c.failed, c.later)
		}
	}
	away := newCounter()
	if _, err := (&http.Client{Transport: away}).Get("http://127.0.0.1:1/"); err == nil {
		t.Fatal("there is an answer where nobody listens")
	}
	if f, err := away.since(counted{}); f["failed"] != 1 || err == nil {
		t.Errorf("a refused connection is counted as %v", f)
	}
}

func TestReport_BothHalvesWriteOne(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	for _, name := range []string{"outer", "inner"} {
		r, err := openReport(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.step(name, func() (Figures, error) { return Figures{"n": 1}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	r, err := openReport(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.step("broken", func() (Figures, error) { return nil, errors.New("as expected") }); err == nil || !strings.Contains(err.Error(), "broken: as expected") {
		t.Errorf("a step that fails says %v", err)
	}
	if r, err = openReport(file); err != nil || len(r.Steps) != 3 || r.Steps[2].Failure != "as expected" {
		t.Errorf("the report is %+v, %v: want three steps, the last one failed", r, err)
	}
}

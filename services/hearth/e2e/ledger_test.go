package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/postgres/launch"
	"github.com/hearthfps/hearth/pkg/testkit/parts"
	"github.com/hearthfps/hearth/services/hearth"
)

// week returns a file of the week's stream, which is kept beside a checkout and
// never in it.
func week(t *testing.T, name string) []byte {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for up := dir; up != filepath.Dir(up); up = filepath.Dir(up) {
		data, err := os.ReadFile(filepath.Join(up, "..", "shared", "data", "referrals", "week", name))
		if err == nil {
			return data
		}
	}
	t.Skipf("skipped: the week's stream (shared/data/referrals/week/%s beside the checkout) is not here", name)
	return nil
}

type verdict struct {
	Line       int       `json:"line"`
	Status     string    `json:"status"`
	ReceiptID  string    `json:"receipt_id"`
	ReferralID string    `json:"referral_id"`
	Problems   []problem `json:"problems"`
}

type problem struct {
	Pointer string `json:"pointer"`
	Detail  string `json:"detail"`
	Code    string `json:"code"`
}

// importAll sends lines by HTTP import and returns their verdicts.
func (s *suite) importAll(t *testing.T, events []byte) []verdict {
	t.Helper()
	body, err := s.play("lakeland").As("referrer", "").Stream(t.Context(), "/intake/v1/events:import", "application/x-ndjson", bytes.NewReader(events))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	var verdicts []verdict
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var v verdict
		if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
			t.Fatalf("line %d of the answer: %v: %s", len(verdicts)+1, err, lines.Bytes())
		}
		verdicts = append(verdicts, v)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return verdicts
}

// standing is what intake holds, counted in its database.
type standing struct {
	Referrals, Withdrawn, Receipts, Waiting, Refused, Quarantined int
	// Urgencies and narratives tell whether corrections were applied.
	Corrected int
}

func (s *suite) standing(t *testing.T) (st standing) {
	t.Helper()
	db, err := pgx.Connect(t.Context(), s.Databases["intake"])
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	err = db.QueryRow(t.Context(), `SELECT
		(SELECT count(*) FROM referral),
		(SELECT count(*) FROM referral WHERE status = 'withdrawn'),
		(SELECT count(*) FROM inbound_event),
		(SELECT count(*) FROM inbound_event WHERE status = 'waiting'),
		(SELECT count(*) FROM inbound_event WHERE status = 'refused'),
		(SELECT count(*) FROM quarantined_event),
		(SELECT count(DISTINCT target_id) FROM inbound_event WHERE kind = 'correction' AND status = 'applied')`).Scan(
		&st.Referrals, &st.Withdrawn, &st.Receipts, &st.Waiting, &st.Refused, &st.Quarantined, &st.Corrected)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func statuses(verdicts []verdict) map[string]int {
	counts := map[string]int{}
	for _, v := range verdicts {
		counts[v.Status]++
	}
	return counts
}

func TestLedger_TheWeekByImportAndAllOfItAgain(t *testing.T) {
	events := week(t, "events.ndjson")
	lines := bytes.Count(events, []byte("\n"))
	s := start(t, nil)

	first := s.importAll(t, events)
	if got := statuses(first); got["accepted"]+got["duplicate"]+got["conflict"]+got["waiting"] != lines || got["refused"] != 0 {
		t.Errorf("the verdicts of %d lines are %v: every line is to be accounted for and none refused", lines, got)
	}
	after := s.standing(t)
	if after.Referrals != 600 || after.Waiting != 0 || after.Corrected == 0 || after.Withdrawn == 0 {
		t.Errorf("after the week intake holds %+v, want 600 referrals, none waiting, corrections and withdrawals applied", after)
	}
	again := s.importAll(t, events)
	if got := statuses(again); got["duplicate"]+got["conflict"] != lines {
		t.Errorf("sent again, the verdicts are %v, want only duplicates and conflicts", got)
	}
	if diff := cmp.Diff(after, s.standing(t)); diff != "" {
		t.Errorf("sending the whole week again changed what intake holds (-before +after):\n%s", diff)
	}
	for i, v := range again {
		if v.Status == "duplicate" && first[i].ReceiptID != "" && v.ReceiptID != first[i].ReceiptID {
			t.Errorf("line %d was answered with another receipt the second time", i+1)
		}
	}
}

func TestLedger_BadEventsAreRefusedForTheRightReason(t *testing.T) {
	bad, expect := week(t, "bad.ndjson"), week(t, "bad_expect.csv")
	rows, err := csv.NewReader(bytes.NewReader(expect)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows = rows[1:]
	s := start(t, nil)
	verdicts := s.importAll(t, bad)
	if len(verdicts) != len(rows) {
		t.Fatalf("%d verdicts for %d lines", len(verdicts), len(rows))
	}
	for i, v := range verdicts {
		if v.Status != "refused" || len(v.Problems) == 0 {
			t.Errorf("line %d (%s): %s with %d problems, want refused and why", i+1, rows[i][1], v.Status, len(v.Problems))
			continue
		}
		if !slices.ContainsFunc(v.Problems, func(p problem) bool { return strings.Contains(p.Detail, rows[i][1]) }) {
			t.Errorf("line %d is refused for %+v, want %q among it", i+1, v.Problems, rows[i][1])
		}
	}
	if got := s.standing(t); got.Referrals != 0 {
		t.Errorf("bad events made %d referrals", got.Referrals)
	}
}

func TestLedger_TheWeekThroughRealPartsInAnotherOrder(t *testing.T) {
	events := week(t, "events.ndjson")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	broker, err := parts.NewKafka(parts.KafkaLibs(), t.TempDir())
	if errors.Is(err, parts.ErrMissing) {
		t.Skipf("skipped: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Kill)
	if err := broker.CreateTopics(ctx, 12, hearth.Topics()...); err != nil {
		t.Fatal(err)
	}
	cache, err := parts.NewRedis(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := cache.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cache.Kill)
	database, err := launch.Start(ctx, launch.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := database.Close(); err != nil {
			t.Error(err)
		}
	})
	s := start(t, func(o *hearth.Options) {
		o.Kafka, o.RedisURL, o.DatabaseURL = []string{broker.Addr}, "redis://"+cache.Addr, database.AdminURL("postgres")
		o.RateLimit = httpapi.Rate{PerSecond: 1e6, Burst: 1e6}
	})

	lines := bytes.Split(bytes.TrimSpace(events), []byte("\n"))
	ids := map[string]bool{}
	for _, l := range lines {
		var e struct{ Source, ID string }
		if err := json.Unmarshal(l, &e); err != nil {
			t.Fatal(err)
		}
		ids[e.Source+" "+e.ID] = true
	}
	r := rand.New(rand.NewPCG(7, 7))
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	w := &kafka.Writer{
		Addr: kafka.TCP(broker.Addr), Topic: hearth.InboundTopic, RequiredAcks: kafka.RequireAll,
		Balancer: kafka.Murmur2Balancer{Consistent: true}, BatchTimeout: 5 * time.Millisecond,
	}
	defer w.Close()
	send := func(lines [][]byte) {
		t.Helper()
		messages := make([]kafka.Message, len(lines))
		for i, l := range lines {
			messages[i] = message(t, l, i%2 == 0)
		}
		if err := w.WriteMessages(ctx, messages...); err != nil {
			t.Fatal(err)
		}
	}
	send(lines)
	s.await(t, "the week's receipts", func() bool {
		st := s.standing(t)
		return st.Receipts == len(ids) && st.Waiting == 0
	})
	after := s.standing(t)
	if after.Referrals != 600 || after.Corrected == 0 || after.Withdrawn == 0 {
		t.Errorf("after the week intake holds %+v, want 600 referrals, corrections and withdrawals applied", after)
	}
	send(lines)
	// A referral that is new marks the end of what was sent again: each partition holds one behind it.
	var marks [][]byte
	for i := range 48 {
		marks = append(marks, []byte(strings.Replace(mark, "N", string(rune('A'+i%26))+string(rune('a'+i/26)), 1)))
	}
	send(marks)
	s.await(t, "the end of what was sent again", func() bool { return s.standing(t).Referrals == after.Referrals+len(marks) })
	again := s.standing(t)
	again.Referrals -= len(marks)
	again.Receipts -= len(marks)
	if diff := cmp.Diff(after, again); diff != "" {
		t.Errorf("sending the whole week again changed what intake holds (-before +after):\n%s", diff)
	}
}

const mark = `{"specversion":"1.0","id":"mark-N","source":"/systems/hotline/test","type":"org.hearth.referral.submitted.v1","time":"2026-11-09T08:00:00Z","datacontenttype":"application/json","data":{"external_id":"M","received_at":"2026-11-09T08:00:00Z","channel":"hotline","kind":"notification","narrative":"A mark.","concerns":[{"code":"financial","subjects":["p1"]}],"requested_program":null,"urgency":"low","safety_flags":[],"reporter":{"anonymous":true},"persons":[{"ref":"p1","role":"child","name":{"given":["Mark"],"family":"Mark"}}],"relationships":[],"household":{"members":["p1"]}}}`

// message puts an event into a Kafka message, in structured or in binary mode
// (CloudEvents Kafka protocol binding, 3.2 and 3.3).
func message(t *testing.T, event []byte, structured bool) kafka.Message {
	t.Helper()
	var e map[string]json.RawMessage
	if err := json.Unmarshal(event, &e); err != nil {
		t.Fatal(err)
	}
	var id string
	if err := json.Unmarshal(e["id"], &id); err != nil {
		t.Fatal(err)
	}
	if structured {
		return kafka.Message{Key: []byte(id), Value: event, Headers: []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}}}
	}
	m := kafka.Message{Key: []byte(id), Value: e["data"]}
	for name, raw := range e {
		if name == "data" {
			continue
		}
		var value string
		if err := json.Unmarshal(raw, &value); err != nil {
			t.Fatal(err)
		}
		header := "ce_" + name
		if name == "datacontenttype" {
			header = "content-type"
		}
		m.Headers = append(m.Headers, kafka.Header{Key: header, Value: []byte(value)})
	}
	return m
}

// await polls until ok, and fails with what was awaited.
func (s *suite) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come; intake holds %+v", what, s.standing(t))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

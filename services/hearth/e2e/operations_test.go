package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/hearth"
	"github.com/hearthfps/hearth/services/hearth/ops"
)

// operator runs a subcommand of hearth as somebody at a terminal does.
func operator(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	status = hearth.Main(t.Context(), args, &o, &e)
	return status, o.String(), e.String()
}

// What operators do to a deployment, to one suite.
func TestSuite_Operators(t *testing.T) {
	data := t.TempDir()
	s := start(t, func(o *hearth.Options) { o.Data = data })

	t.Run("the doctor finds a healthy suite well", func(t *testing.T) {
		for _, f := range examine(t, "--data", data) {
			if f.State == ops.Fault {
				t.Errorf("%s %s: %s", f.Service, f.Check, f.Says)
			}
		}
	})
	t.Run("the doctor says what is wrong", func(t *testing.T) { s.sick(t, data) })
	t.Run("a parked event is listed, retried and given up", func(t *testing.T) { s.parked(t, data) })
	t.Run("a running service is not replayed", func(t *testing.T) {
		status, _, errs := operator(t, "replay", "--config", "planning="+filepath.Join(data, "services/planning.yaml"), "--topic", "intake.events.v1")
		if status != 1 || !strings.Contains(errs, "planning runs: 1 members") {
			t.Errorf("status %d: %s; want it refused while planning runs", status, errs)
		}
	})
}

// examine runs the doctor and reads its findings.
func examine(t *testing.T, args ...string) []ops.Finding {
	t.Helper()
	status, out, errs := operator(t, append([]string{"doctor", "--json"}, args...)...)
	var findings []ops.Finding
	if err := json.Unmarshal([]byte(out), &findings); err != nil {
		t.Fatalf("the findings cannot be read: %v\n%s\n%s", err, out, errs)
	}
	if want := map[bool]int{true: 1, false: 0}[ops.Worst(findings) == ops.Fault]; status != want {
		t.Errorf("the doctor ends with %d, want %d: %s", status, want, errs)
	}
	return findings
}

// sick changes one thing of a configuration, or of what it leads to, at a time.
func (s *suite) sick(t *testing.T, data string) {
	kept, err := os.ReadFile(filepath.Join(data, "services/notification.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	line := func(name string) string {
		for l := range strings.Lines(string(kept)) {
			if strings.HasPrefix(l, name) {
				return strings.TrimSuffix(l, "\n")
			}
		}
		t.Fatalf("the configuration has no %s", name)
		return ""
	}
	for _, tt := range []struct {
		name, old, new, check, says string
	}{
		{"an issuer that may give no role", "roles:\n  - \"*\"", "roles: []", "configuration", "roles is missing"},
		{"an issuer by another name", "/dev/oidc\n", "/dev/oidc/\n", "issuer", "it calls itself"},
		{"a superuser", line("database_url"), "database_url: " + s.Databases["notification"], "role", "a superuser or has BYPASSRLS"},
		{"another service's database", line("database_url"), "database_url: " + strings.ReplaceAll(s.Databases["planning"], "hearth_notification", "hearth_planning"), "role", "superuser"},
		{"no database", line("database_url"), "database_url: postgres://hearth@127.0.0.1:1/hearth", "database", "reach database"},
		{"no broker", "- " + s.Brokers[0], "- 127.0.0.1:1", "broker", "none of 127.0.0.1:1 answers"},
		{"no cache", line("redis_url"), "redis_url: redis://127.0.0.1:1", "cache", "Redis does not answer"},
		{"no peer", "intake: http", "intake: http://127.0.0.1:1 #", "peer intake", "it does not answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			changed := strings.ReplaceAll(string(kept), tt.old, tt.new)
			if changed == string(kept) {
				t.Fatalf("the configuration holds no %q", tt.old)
			}
			file := filepath.Join(t.TempDir(), "notification.yaml")
			if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			findings := examine(t, "--config", "notification="+file)
			if !slices.ContainsFunc(findings, func(f ops.Finding) bool {
				return f.State == ops.Fault && strings.HasPrefix(f.Check, tt.check) && strings.Contains(f.Says, tt.says) && f.Do != ""
			}) {
				t.Errorf("no fault of %q says %q and what to do: %+v", tt.check, tt.says, findings)
			}
		})
	}
	t.Run("an event that waits, a table without protection, a late migration", func(t *testing.T) {
		ctx := t.Context()
		db, err := pgx.Connect(ctx, s.Databases["notification"])
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close(ctx)
		exec := func(statement string) {
			t.Helper()
			if _, err := db.Exec(ctx, statement); err != nil {
				t.Fatal(err)
			}
		}
		// Of a shard that no relay has: it stays.
		exec(`INSERT INTO outbox (agency_id, shard, event_id, topic, type, subject, key, version, time, correlation, data, created_at)
			VALUES ('lakeland', 9999, 'e', 'notification.events.v1', 't', 's', 'k', 1, now(), 'c', '{}', now() - interval '1 hour')`)
		exec(`CREATE TABLE by_hand (agency_id text)`)
		exec(`UPDATE hearth_service_version SET version_id = 0 WHERE version_id > 0`)
		findings := examine(t, "--config", "notification="+filepath.Join(data, "services/notification.yaml"))
		for check, says := range map[string]string{"row-level security": "by_hand", "migrations": "needs"} {
			if !slices.ContainsFunc(findings, func(f ops.Finding) bool {
				return f.State == ops.Fault && f.Check == check && strings.Contains(f.Says, says)
			}) {
				t.Errorf("no fault of %q says %q: %+v", check, says, findings)
			}
		}
		exec(`UPDATE hearth_service_version SET version_id = 1 WHERE version_id = 0 AND id > 1`)
		findings = examine(t, "--config", "notification="+filepath.Join(data, "services/notification.yaml"))
		if !slices.ContainsFunc(findings, func(f ops.Finding) bool {
			return f.State == ops.Fault && f.Check == "outbox" && strings.Contains(f.Says, "1 event waits")
		}) {
			t.Errorf("no fault says that an event waits: %+v", findings)
		}
		exec(`DELETE FROM outbox WHERE shard = 9999`)
		exec(`DROP TABLE by_hand`)
	})
}

// parked writes an event that no service knows how to take, and sees to it.
func (s *suite) parked(t *testing.T, data string) {
	writer := &kafka.Writer{
		Addr: kafka.TCP(s.Brokers...), Topic: "intake.events.v1", Balancer: kafka.Murmur2Balancer{Consistent: true},
		RequiredAcks: kafka.RequireAll, BatchTimeout: 5 * time.Millisecond,
	}
	event := func(id string) kafka.Message {
		headers := map[string]string{
			"ce_specversion": "1.0", "ce_id": id, "ce_source": "/hearth/intake", "ce_type": "org.hearth.intake.case.opened.v1", "ce_subject": "c",
			"ce_time": "2026-03-02T08:00:00Z", "ce_agencyid": "lakeland", "ce_correlationid": id, "ce_aggregateversion": "1", "ce_partitionkey": "c", "content-type": "application/json",
		}
		m := kafka.Message{Key: []byte("c"), Value: []byte(`{"case_id": 7}`)}
		for k, v := range headers {
			m.Headers = append(m.Headers, kafka.Header{Key: k, Value: []byte(v)})
		}
		return m
	}
	if err := writer.WriteMessages(t.Context(), event("e-1"), event("e-2")); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	list := func() []ops.Parked {
		status, out, errs := operator(t, "parked", "list", "--url", s.URL(), "--service", "planning", "--json")
		if status != 0 {
			t.Fatalf("status %d: %s", status, errs)
		}
		var all []ops.Parked
		if err := json.Unmarshal([]byte(out), &all); err != nil {
			t.Fatal(err)
		}
		return all
	}
	var all []ops.Parked
	s.await(t, "both events are parked", func() bool { all = list(); return len(all) == 2 })
	if !all[0].HoldsKey || all[1].HoldsKey || all[0].EventID != "e-1" || all[0].State != "poison" || all[1].State != "waiting" {
		t.Fatalf("parked are %+v, want the first to hold the second", all)
	}
	findings := examine(t, "--config", "planning="+filepath.Join(data, "services/planning.yaml"))
	if !slices.ContainsFunc(findings, func(f ops.Finding) bool { return f.State == ops.Fault && f.Check == "parked events" }) {
		t.Errorf("the doctor does not see it: %+v", findings)
	}
	if status, _, errs := operator(t, "parked", "skip", "--url", s.URL(), "--yes", all[1].ID); status != 1 || !strings.Contains(errs, "deal with that one first") {
		t.Errorf("the second is skipped before the first: status %d: %s", status, errs)
	}
	if status, _, errs := operator(t, "parked", "skip", "--url", s.URL(), all[0].ID); status != 2 || !strings.Contains(errs, "--yes") {
		t.Errorf("skipped without --yes: status %d: %s", status, errs)
	}
	if status, out, errs := operator(t, "parked", "retry", "--url", s.URL(), "--service", "planning", "--all-first"); status != 0 || !strings.Contains(out, all[0].ID) {
		t.Errorf("retry: status %d: %s%s", status, out, errs)
	}
	s.await(t, "it has failed once more", func() bool {
		now := list()
		return len(now) == 2 && now[0].Attempts > all[0].Attempts && now[0].State == "poison"
	})
	for _, e := range all {
		if status, out, errs := operator(t, "parked", "skip", "--url", s.URL(), "--yes", e.ID); status != 0 {
			t.Fatalf("skip: status %d: %s%s", status, out, errs)
		}
		s.await(t, "the next one has been tried", func() bool {
			now := list()
			return len(now) == 0 || now[0].HoldsKey && now[0].State == "poison" && now[0].ID != e.ID
		})
	}
	if left := list(); len(left) > 0 {
		t.Errorf("still parked: %+v", left)
	}
}

// A stopped consumer is moved back to a time, or to the beginning, never forward.
func TestReplay_MovesAStoppedGroupBack(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	client, middle := replayed(ctx, t)
	r := ops.Replay{Kafka: client, Group: "planning", Topic: "intake.events.v1"}
	again := func(from time.Time) (total int64, moves []ops.Move) {
		t.Helper()
		r.From = from
		moves, err := r.Plan(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range moves {
			total += m.Again
		}
		return total, moves
	}
	if n, _ := again(time.Now().Add(time.Hour)); n != 0 {
		t.Errorf("from a later time %d messages would be taken again, want 0", n)
	}
	if n, _ := again(time.Time{}); n != 60 {
		t.Errorf("from the beginning %d messages would be taken again, want 60", n)
	}
	n, moves := again(middle)
	if n != 30 {
		t.Errorf("from the middle %d messages would be taken again, want 30", n)
	}
	if err := r.Apply(ctx, moves); err != nil {
		t.Fatal(err)
	}
	if left, _ := again(middle); left != 0 {
		t.Errorf("after that %d would be, want 0", left)
	}
	if left, _ := again(time.Time{}); left != 30 {
		t.Errorf("from the beginning %d more would be, want the other 30", left)
	}
}

// replayed is a broker where planning has taken in 60 messages of a topic, five of
// each partition; half of them are dated before the time returned.
func replayed(ctx context.Context, t *testing.T) (client *kafka.Client, middle time.Time) {
	t.Helper()
	const topic = "intake.events.v1"
	client = &kafka.Client{Addr: kafka.TCP(testkit.Broker(t)...)}
	middle = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	commits := map[string][]kafka.OffsetCommit{}
	for p := range testkit.Partitions {
		for i := range 5 {
			// Of even partitions two of five are early, of odd ones three.
			at := middle.Add(time.Hour)
			if i < 2+p%2 {
				at = middle.Add(-time.Hour)
			}
			answer, err := client.Produce(ctx, &kafka.ProduceRequest{
				Topic: topic, Partition: p, RequiredAcks: kafka.RequireAll,
				Records: kafka.NewRecordReader(kafka.Record{Time: at, Value: kafka.NewBytes([]byte("{}"))}),
			})
			if err == nil {
				err = answer.Error
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		commits[topic] = append(commits[topic], kafka.OffsetCommit{Partition: p, Offset: 5})
	}
	if _, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: "planning", GenerationID: -1, Topics: commits}); err != nil {
		t.Fatal(err)
	}
	return client, middle
}

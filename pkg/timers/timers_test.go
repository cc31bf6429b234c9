package timers_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/pkg/timers"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var schema = fstest.MapFS{"00001_effect.sql": {Data: []byte(`-- +goose Up
CREATE TABLE effect (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    seq       bigint GENERATED ALWAYS AS IDENTITY,
    what      text NOT NULL,
    PRIMARY KEY (agency_id, seq)
);
SELECT hearth_protect('effect');
`)}}

var monday = time.Date(2026, 3, 30, 6, 0, 0, 0, time.UTC)

func agency(t testing.TB, slug string) context.Context {
	t.Helper()
	a, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), a)
}

func open(t *testing.T) (*postgres.DB, *clock.Manual) {
	t.Helper()
	now := clock.NewManual(monday)
	db, _ := testkit.Database(t, schema, testkit.WithClock(now))
	return db, now
}

func start(t *testing.T, db *postgres.DB, handlers map[string]timers.Handler) (stop func()) {
	t.Helper()
	engine, err := timers.New(timers.Config{Service: "test", DB: db, Handlers: handlers, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- engine.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(stop)
	return stop
}

func in(t testing.TB, ctx context.Context, db *postgres.DB, fn func(ctx context.Context, tx *postgres.Tx) error) {
	t.Helper()
	if err := db.InTenant(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func set(t testing.TB, ctx context.Context, db *postgres.DB, drafts ...timers.Draft) {
	t.Helper()
	in(t, ctx, db, func(ctx context.Context, tx *postgres.Tx) error {
		for _, d := range drafts {
			if err := timers.Set(ctx, tx, d); err != nil {
				return err
			}
		}
		return nil
	})
}

func record(ctx context.Context, tx *postgres.Tx, t timers.Timer) error {
	_, err := tx.ExecContext(ctx, "INSERT INTO effect (what) VALUES ($1)", t.ID+" "+string(t.Data))
	return err
}

func seen(t testing.TB, ctx context.Context, db *postgres.DB) (got []string) {
	t.Helper()
	in(t, ctx, db, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &got, "SELECT what FROM effect ORDER BY seq")
	})
	return got
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited too long: %s", what)
		}
	}
}

func TestGuarantee1and2_ATimerSurvivesAndFiresWhenTheClockIsMoved(t *testing.T) {
	db, now := open(t)
	lake := agency(t, "lakeland")
	handlers := map[string]timers.Handler{"remind": record}
	stop := start(t, db, handlers)
	set(t, lake, db,
		timers.Draft{Kind: "remind", ID: "week", DueAt: monday.AddDate(0, 0, 7), Data: 1},
		timers.Draft{Kind: "remind", ID: "day", DueAt: monday.AddDate(0, 0, 1), Data: 2},
		timers.Draft{Kind: "remind", ID: "now", DueAt: monday, Data: 3})
	eventually(t, "the one that is due", func() bool { return len(seen(t, lake, db)) == 1 })

	now.Advance(24*time.Hour - time.Microsecond)
	stop()
	start(t, db, handlers)
	set(t, lake, db, timers.Draft{Kind: "remind", ID: "probe", DueAt: monday})
	eventually(t, "the probe", func() bool { return len(seen(t, lake, db)) == 2 })
	if diff := cmp.Diff([]string{"now 3", "probe null"}, seen(t, lake, db)); diff != "" {
		t.Fatalf("a timer fired before its time: %s", diff)
	}
	now.Advance(time.Microsecond)
	eventually(t, "the day's", func() bool { return len(seen(t, lake, db)) == 3 })
	now.Advance(10 * 24 * time.Hour)
	eventually(t, "the week's", func() bool { return len(seen(t, lake, db)) == 4 })
	if diff := cmp.Diff([]string{"now 3", "probe null", "day 2", "week 1"}, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee1_RolledBackReplacedAndCancelled(t *testing.T) {
	db, now := open(t)
	lake, shore := agency(t, "lakeland"), agency(t, "shore")
	due := monday.Add(time.Hour)
	set(t, lake, db, timers.Draft{Kind: "remind", ID: "replaced", DueAt: due, Data: "old"}, timers.Draft{Kind: "remind", ID: "cancelled", DueAt: due})
	set(t, shore, db, timers.Draft{Kind: "remind", ID: "cancelled", DueAt: due, Data: "of another agency"})
	set(t, lake, db, timers.Draft{Kind: "remind", ID: "replaced", DueAt: due.Add(time.Hour), Data: "new"})
	in(t, lake, db, func(ctx context.Context, tx *postgres.Tx) error { return timers.Cancel(ctx, tx, "remind", "cancelled") })
	_ = db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		if err := timers.Set(ctx, tx, timers.Draft{Kind: "remind", ID: "rolled-back", DueAt: due}); err != nil {
			return err
		}
		return fmt.Errorf("no commit")
	})
	start(t, db, map[string]timers.Handler{"remind": record})
	now.Set(due)
	eventually(t, "the other agency's", func() bool { return len(seen(t, shore, db)) == 1 })
	if got := seen(t, lake, db); len(got) != 0 {
		t.Errorf("got %q at the old time", got)
	}
	now.Set(due.Add(time.Hour))
	eventually(t, "the replacement", func() bool { return len(seen(t, lake, db)) == 1 })
	if diff := cmp.Diff([]string{`replaced "new"`}, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee3_ManyProcessesFireOnceEach(t *testing.T) {
	db, now := open(t)
	lake := agency(t, "lakeland")
	const n = 500
	for i := range n {
		set(t, lake, db, timers.Draft{Kind: "remind", ID: fmt.Sprint(i), Subject: fmt.Sprint(i % 7), DueAt: monday.Add(time.Hour)})
	}
	for range 3 {
		start(t, db, map[string]timers.Handler{"remind": record})
	}
	now.Advance(time.Hour)
	eventually(t, "all", func() bool { return len(seen(t, lake, db)) >= n })
	once := map[string]bool{}
	for _, what := range seen(t, lake, db) {
		if once[what] {
			t.Errorf("%s fired twice", what)
		}
		once[what] = true
	}
	if len(once) != n {
		t.Errorf("got %d of %d", len(once), n)
	}
}

func TestGuarantee3_AHandlerMaySetItsTimerAgain(t *testing.T) {
	db, now := open(t)
	lake := agency(t, "lakeland")
	start(t, db, map[string]timers.Handler{"tick": func(ctx context.Context, tx *postgres.Tx, timer timers.Timer) error {
		if err := record(ctx, tx, timer); err != nil {
			return err
		}
		return timers.Set(ctx, tx, timers.Draft{Kind: "tick", ID: timer.ID, DueAt: timer.DueAt.Add(time.Hour)})
	}})
	set(t, lake, db, timers.Draft{Kind: "tick", ID: "t", DueAt: monday})
	for want := 1; want <= 3; want++ {
		eventually(t, "a tick", func() bool { return len(seen(t, lake, db)) == want })
		now.Advance(time.Hour)
	}
}

func TestGuarantee4_PassingFailuresAreRetriedAndOthersParked(t *testing.T) {
	db, _ := open(t)
	lake := agency(t, "lakeland")
	var mu sync.Mutex
	tries := map[string]int{}
	start(t, db, map[string]timers.Handler{"remind": func(ctx context.Context, tx *postgres.Tx, timer timers.Timer) error {
		mu.Lock()
		tries[timer.ID]++
		try := tries[timer.ID]
		mu.Unlock()
		if err := record(ctx, tx, timer); err != nil {
			return err
		}
		switch {
		case timer.ID == "passing" && try == 1:
			return fault.New(fault.Unavailable, "peer_away", "The other service does not answer.")
		case timer.ID == "permanent" && try == 1:
			panic("a defect")
		}
		return nil
	}})
	set(t, lake, db, timers.Draft{Kind: "remind", ID: "passing", DueAt: monday}, timers.Draft{Kind: "remind", ID: "permanent", DueAt: monday})
	eventually(t, "the retry", func() bool { return len(seen(t, lake, db)) == 1 })
	var parked []timers.Parked
	eventually(t, "the parking", func() bool {
		in(t, lake, db, func(ctx context.Context, tx *postgres.Tx) (err error) {
			parked, err = timers.ListParked(ctx, tx, 10)
			return err
		})
		return len(parked) == 1
	})
	if parked[0].ID != "permanent" || parked[0].ReasonCode != "handler_panic" || parked[0].Attempts != 1 {
		t.Errorf("got %+v", parked[0])
	}
	in(t, lake, db, func(ctx context.Context, tx *postgres.Tx) error { return timers.Retry(ctx, tx, "remind", "permanent") })
	eventually(t, "the parked one", func() bool { return len(seen(t, lake, db)) == 2 })
	if diff := cmp.Diff(map[string]int{"passing": 2, "permanent": 2}, tries); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee5_OneSubjectsTimersFireInOrder(t *testing.T) {
	db, now := open(t)
	lake := agency(t, "lakeland")
	var want []string
	for i := range 40 {
		set(t, lake, db, timers.Draft{Kind: "remind", ID: fmt.Sprintf("%02d", 39-i), Subject: "case-1", DueAt: monday.Add(time.Duration(40-i) * time.Minute)})
		want = append(want, fmt.Sprintf("%02d null", i))
	}
	start(t, db, map[string]timers.Handler{"remind": record})
	now.Advance(24 * time.Hour)
	eventually(t, "all", func() bool { return len(seen(t, lake, db)) == 40 })
	if diff := cmp.Diff(want, seen(t, lake, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee6_TheTraceAndTheCauseGoOn(t *testing.T) {
	before := otel.GetTracerProvider()
	provider := sdktrace.NewTracerProvider()
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })
	db, _ := open(t)
	lake := agency(t, "lakeland")
	type got struct{ trace, cause, correlation string }
	fired := make(chan got, 2)
	start(t, db, map[string]timers.Handler{"remind": func(ctx context.Context, tx *postgres.Tx, timer timers.Timer) error {
		cause, correlation := events.Cause(ctx)
		fired <- got{trace.SpanContextFromContext(ctx).TraceID().String(), cause, correlation}
		return nil
	}})
	ctx, span := provider.Tracer("test").Start(events.WithCause(lake, "event-2", "event-1"), "work")
	set(t, ctx, db, timers.Draft{Kind: "remind", ID: "current", DueAt: monday})
	span.End()
	if g, want := <-fired, (got{span.SpanContext().TraceID().String(), "event-2", "event-1"}); g != want {
		t.Errorf("got %v, want %v", g, want)
	}
	const story = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	set(t, lake, db, timers.Draft{Kind: "remind", ID: "story", DueAt: monday, Trace: story})
	if g, want := <-fired, (got{"0af7651916cd43dd8448eb211c80319c", "", ""}); g != want {
		t.Errorf("got %v, want %v", g, want)
	}
}

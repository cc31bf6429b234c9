package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
)

var schema = fstest.MapFS{"postgres/migrations/00001_note.sql": {Data: []byte(`-- +goose Up
CREATE TABLE note (
    agency_id text NOT NULL DEFAULT current_setting('hearth.agency'),
    note_id   text NOT NULL,
    body      text NOT NULL,
    PRIMARY KEY (agency_id, note_id)
);
SELECT hearth_protect('note');
`)}}

func agency(t testing.TB, slug string) context.Context {
	t.Helper()
	a, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), a)
}

func addNote(ctx context.Context, db *postgres.DB, id, body string) error {
	return db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO note (note_id, body) VALUES ($1, $2)", id, body)
		return err
	})
}

func notes(t *testing.T, ctx context.Context, db *postgres.DB) []string {
	t.Helper()
	var got []string
	if err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &got, "SELECT body FROM note ORDER BY body")
	}); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestGuarantee1_ATransactionSeesItsAgencyAlone(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	lake, shore := agency(t, "lakeland"), agency(t, "shore")
	for _, add := range []error{addNote(lake, db, "1", "of lakeland"), addNote(shore, db, "1", "of shore")} {
		if add != nil {
			t.Fatal(add)
		}
	}
	if diff := cmp.Diff([]string{"of lakeland"}, notes(t, lake, db)); diff != "" {
		t.Error(diff)
	}

	for what, statement := range map[string]string{
		"write into another agency": "INSERT INTO note (agency_id, note_id, body) VALUES ('shore', '2', 'smuggled')",
		"move into another agency":  "UPDATE note SET agency_id = 'shore'",
		"turn security off":         "ALTER TABLE note DISABLE ROW LEVEL SECURITY",
		"truncate past security":    "TRUNCATE note",
	} {
		err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
			_, err := tx.ExecContext(ctx, statement)
			return err
		})
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "42501" {
			t.Errorf("%s: got %v, want it refused for lack of privilege", what, err)
		}
	}
	if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM note")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"of shore"}, notes(t, shore, db)); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee1_NoAgencyNoTransaction(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	err := db.InTenant(t.Context(), func(context.Context, *postgres.Tx) error {
		t.Error("the function ran")
		return nil
	})
	if !fault.Is(err, "agency_missing") {
		t.Errorf("got %v", err)
	}
}

func TestGuarantee1_NestedTransactionsAreRefused(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	err := db.InTenant(agency(t, "lakeland"), func(ctx context.Context, tx *postgres.Tx) error {
		return db.InTenant(ctx, func(context.Context, *postgres.Tx) error { return nil })
	})
	if !fault.Is(err, "transaction_nested") {
		t.Errorf("got %v", err)
	}
}

func TestGuarantee2_APooledConnectionBelongsToNoAgency(t *testing.T) {
	db, url := testkit.Database(t, schema, testkit.WithConns(1))
	lake := agency(t, "lakeland")
	if err := addNote(lake, db, "1", "of lakeland"); err != nil {
		t.Fatal(err)
	}
	// The same connection, in the backbone's scope: the tenant is gone.
	if err := db.InBackbone(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		var seen int
		if err := tx.GetContext(ctx, &seen, "SELECT count(*) FROM note"); err != nil {
			return err
		}
		if seen != 0 {
			t.Errorf("%d rows seen without a tenant", seen)
		}
		_, err := tx.ExecContext(ctx, "INSERT INTO note (note_id, body) VALUES ('x', 'y')")
		return err
	}); err == nil {
		t.Error("a row was written without a tenant")
	}

	// A connection that never had one: the setting does not exist there.
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var seen int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM note").Scan(&seen); err != nil || seen != 0 {
		t.Errorf("got %d rows, %v", seen, err)
	}
}

func TestGuarantee2_TheTenantComesWithBegin(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	if err := db.InTenant(agency(t, "lakeland"), func(ctx context.Context, tx *postgres.Tx) error {
		var got string
		if err := tx.GetContext(ctx, &got, "SELECT current_setting('hearth.agency') || '|' || current_setting('hearth.backbone')"); err != nil {
			return err
		}
		if got != "lakeland|" {
			t.Errorf("got %q", got)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestGuarantee3_AConflictRunsTheFunctionAgain(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	lake := agency(t, "lakeland")
	for id := range 2 {
		if err := addNote(lake, db, fmt.Sprint(id), "0"); err != nil {
			t.Fatal(err)
		}
	}
	// Two transactions take two rows in opposite order: a deadlock, until one is
	// run again.
	first := make(chan struct{})
	var bothHold, done sync.WaitGroup
	bothHold.Add(2)
	var mu sync.Mutex
	runs := 0
	work := func(order []string) {
		defer done.Done()
		held := false
		if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
			mu.Lock()
			runs++
			mu.Unlock()
			for i, id := range order {
				if _, err := tx.ExecContext(ctx, "UPDATE note SET body = (body::int + 1)::text WHERE note_id = $1", id); err != nil {
					return err
				}
				if i == 0 && !held {
					held = true
					bothHold.Done()
					bothHold.Wait()
				}
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
	}
	done.Add(2)
	go work([]string{"0", "1"})
	go work([]string{"1", "0"})
	close(first)
	done.Wait()
	if diff := cmp.Diff([]string{"2", "2"}, notes(t, lake, db)); diff != "" {
		t.Error(diff)
	}
	if runs < 3 {
		t.Errorf("got %d runs, want at least 3: one of the two again", runs)
	}
}

func TestGuarantee3_OtherFailuresAndPanicsRollBack(t *testing.T) {
	db, _ := testkit.Database(t, schema, testkit.WithConns(1))
	lake := agency(t, "lakeland")
	boom := errors.New("boom")
	runs := 0
	err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		runs++
		if _, err := tx.ExecContext(ctx, "INSERT INTO note (note_id, body) VALUES ('1', 'lost')"); err != nil {
			return err
		}
		return boom
	})
	if !errors.Is(err, boom) || runs != 1 {
		t.Errorf("got %v after %d runs", err, runs)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
			if _, err := tx.ExecContext(ctx, "INSERT INTO note (note_id, body) VALUES ('2', 'lost')"); err != nil {
				return err
			}
			panic("boom")
		})
	}()
	if got := notes(t, lake, db); len(got) != 0 {
		t.Errorf("got %q", got)
	}
}

func TestGuarantee3_AFailedStatementCannotBeCommitted(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	err := db.InTenant(agency(t, "lakeland"), func(ctx context.Context, tx *postgres.Tx) error {
		_, _ = tx.ExecContext(ctx, "SELECT nonsense") // the error is ignored on purpose
		return nil
	})
	if err == nil {
		t.Error("a transaction that had failed was reported as committed")
	}
}

func TestGuarantee3_ConnectionsThatBrokeAreReplaced(t *testing.T) {
	db, url := testkit.Database(t, schema, testkit.WithConns(6))
	lake := agency(t, "lakeland")
	// Fill the pool, then end all its sessions at the server.
	var wg sync.WaitGroup
	var all sync.WaitGroup
	all.Add(6)
	for range 6 {
		wg.Go(func() {
			if err := db.InTenant(lake, func(context.Context, *postgres.Tx) error {
				all.Done()
				all.Wait()
				return nil
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var ended int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
		WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()`).Scan(&ended); err != nil {
		t.Fatal(err)
	}
	if ended != 6 {
		t.Errorf("%d sessions ended, want 6", ended)
	}
	if err := addNote(lake, db, "1", "after"); err != nil {
		t.Errorf("with a pool of broken connections: %v", err)
	}
}

func TestGuarantee4_AfterCommitFollowsACommitAlone(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	lake := agency(t, "lakeland")
	var got []int
	if err := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		for i := range 3 {
			tx.AfterCommit(func() { got = append(got, i) })
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	_ = db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		tx.AfterCommit(func() { got = append(got, 99) })
		return errors.New("no commit")
	})
	if diff := cmp.Diff([]int{0, 1, 2}, got); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee5_TheBackboneReachesTheKitsTablesOfEveryAgency(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	for _, slug := range []string{"lakeland", "shore"} {
		if err := db.InTenant(agency(t, slug), func(ctx context.Context, tx *postgres.Tx) error {
			_, err := tx.ExecContext(ctx, "INSERT INTO inbox (event_id) VALUES ('1')")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	if err := db.InBackbone(t.Context(), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.SelectContext(ctx, &got, "SELECT agency_id FROM inbox ORDER BY agency_id")
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"lakeland", "shore"}, got); diff != "" {
		t.Error(diff)
	}
	got = nil
	if err := db.AskBackbone(t.Context(), "SELECT agency_id FROM inbox WHERE event_id = $1 ORDER BY agency_id", []any{"1"}, func(rows pgx.Rows) (err error) {
		got, err = pgx.AppendRows(got, rows, pgx.RowTo[string])
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"lakeland", "shore"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestGuarantee6_SpansHoldNoValue(t *testing.T) {
	exporter := tracetest.NewInMemoryExporter()
	before := otel.GetTracerProvider()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	otel.SetTracerProvider(provider)
	t.Cleanup(func() { otel.SetTracerProvider(before) })

	db, _ := testkit.Database(t, schema)
	ctx, span := provider.Tracer("test").Start(agency(t, "lakeland"), "request")
	if err := addNote(ctx, db, "canary-id", "canary-body"); err != nil {
		t.Fatal(err)
	}
	if err := addNote(ctx, db, "canary-id", "canary-body"); err == nil {
		t.Fatal("a duplicate was taken")
	}
	if err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.ExecContext(ctx, "SELECT $1::text::date", "canary-date")
		return err
	}); err == nil {
		t.Fatal("nonsense was taken for a date")
	}
	span.End()

	said := fmt.Sprintf("%+v", exporter.GetSpans())
	if !strings.Contains(said, "INSERT INTO note") || !strings.Contains(said, "23505") {
		t.Error("the spans do not show the statement and the error's code at all")
	}
	if strings.Contains(said, "canary") {
		t.Error("a value is in a span")
	}
}

func TestGuarantee6_DescribedErrorsHoldNoValue(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	lake := agency(t, "lakeland")
	if err := addNote(lake, db, "canary-id", "x"); err != nil {
		t.Fatal(err)
	}
	duplicate := addNote(lake, db, "canary-id", "x")
	nonsense := db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.ExecContext(ctx, "SELECT $1::text::date", "canary-date")
		return err
	})
	for err, want := range map[error]string{
		duplicate: "database error 23505, constraint note_pkey", nonsense: "database error 22007",
		fault.New(fault.Conflict, "taken", "It is taken.").Because(duplicate): "taken: database error 23505, constraint note_pkey",
		errors.New("of our own"): "of our own",
	} {
		if got := postgres.Describe(err); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestGuarantee7_MigratingTwiceAndTogetherIsMigratingOnce(t *testing.T) {
	_, url := testkit.Database(t, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if err := postgres.Migrate(t.Context(), testkit.OwnerURL(url), "test_runtime", schema); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestGuarantee7_TheOwnerIsNotTheRuntimeRole(t *testing.T) {
	_, url := testkit.Database(t, nil)
	for _, role := range []string{"", "test_owner", "nobody_here"} {
		if err := postgres.Migrate(t.Context(), testkit.OwnerURL(url), role, nil); err == nil {
			t.Errorf("role %q was taken", role)
		}
	}
}

func TestSendBatch_RunsInTheTransactionInOneRoundTrip(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	lake := agency(t, "lakeland")
	const rows = 500
	add := func(fail bool) error {
		return db.InTenant(lake, func(ctx context.Context, tx *postgres.Tx) error {
			batch := &pgx.Batch{}
			for i := range rows {
				batch.Queue("INSERT INTO note (note_id, body) VALUES ($1, $2) RETURNING note_id", fmt.Sprint(i), "b")
			}
			if err := tx.SendBatch(ctx, batch, func(results pgx.BatchResults) error {
				for i := range rows {
					var id string
					if err := results.QueryRow().Scan(&id); err != nil {
						return err
					}
					if id != fmt.Sprint(i) {
						t.Errorf("got id %s at %d", id, i)
					}
				}
				return nil
			}); err != nil {
				return err
			}
			if fail {
				return errors.New("no commit")
			}
			return nil
		})
	}
	if err := add(true); err == nil {
		t.Fatal("want an error")
	}
	if err := add(false); err != nil {
		t.Fatal(err)
	}
	if got := notes(t, lake, db); len(got) != rows {
		t.Errorf("got %d rows", len(got))
	}
	if err := add(false); err == nil {
		t.Error("duplicates were taken")
	}
}

func TestReadInTenant_WritesNothing(t *testing.T) {
	db, _ := testkit.Database(t, schema)
	if err := db.ReadInTenant(agency(t, "lakeland"), func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO note (note_id, body) VALUES ('1', 'x')")
		return err
	}); err == nil {
		t.Error("a read transaction wrote")
	}
}

func BenchmarkInTenant(b *testing.B) {
	db, _ := testkit.Database(b, schema)
	ctx := agency(b, "lakeland")
	for b.Loop() {
		if err := db.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
			var n int
			return tx.GetContext(ctx, &n, "SELECT 1")
		}); err != nil {
			b.Fatal(err)
		}
	}
}

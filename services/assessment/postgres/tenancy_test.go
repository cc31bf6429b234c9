package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/assessment/instruments"
	store "github.com/hearthfps/hearth/services/assessment/postgres"
	"github.com/hearthfps/hearth/services/assessment/record"
)

var at = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func in(t *testing.T, db *postgres.DB, agency string, fn func(ctx context.Context, tx *postgres.Tx) error) error {
	t.Helper()
	id, err := tenant.Parse(agency)
	if err != nil {
		t.Fatal(err)
	}
	return db.InTenant(tenant.With(t.Context(), id), fn)
}

// checklist is an answered safety checklist of case-1.
func checklist(t *testing.T) (*record.Assessment, *instruments.Instrument) {
	t.Helper()
	lib, err := instruments.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	ins, _ := lib.Get("safety_checklist", "1.0.0")
	a := record.New("assessment-1", "case-1", ins, record.Opening, at, "00-trace")
	return a, ins
}

func complete(t *testing.T, a *record.Assessment, ins *instruments.Instrument) {
	t.Helper()
	answers := map[string]*string{}
	for i := range ins.Items {
		answers[ins.Items[i].Code] = &ins.Items[i].Options[0].Code
	}
	if err := a.Answer(ins, answers, "worker-1"); err != nil {
		t.Fatal(err)
	}
	if err := a.Complete(ins, "worker-1", at); err != nil {
		t.Fatal(err)
	}
}

func everyCase(args []any) (string, []any, error) { return "true", args, nil }

var reads = map[string]func(ctx context.Context, tx *postgres.Tx) (any, error){
	"Get":      func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.Get(ctx, tx, "assessment-1") },
	"Lock":     func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.Lock(ctx, tx, "assessment-1") },
	"GetCase":  func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.GetCase(ctx, tx, "case-1") },
	"HoldCase": func(ctx context.Context, tx *postgres.Tx) (any, error) { return store.HoldCase(ctx, tx, "case-1") },
	"OpenAssessments": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.OpenAssessments(ctx, tx, "case-1")
	},
	"CurrentSafety": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		_, d, err := store.CurrentSafety(ctx, tx, "case-1")
		return d, err
	},
	"List": func(ctx context.Context, tx *postgres.Tx) (any, error) {
		return store.List(ctx, tx, store.Query{Visible: everyCase, Limit: 10})
	},
}

func readAll(t *testing.T, db *postgres.DB, agency string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, read := range reads {
		_ = in(t, db, agency, func(ctx context.Context, tx *postgres.Tx) error {
			v, err := read(ctx, tx)
			out[name] = fmt.Sprintf("%+v", v)
			if f, ok := fault.As(err); ok {
				out[name] = f.Code
			} else if err != nil {
				out[name] = err.Error()
			}
			if a, ok := v.(*record.Assessment); ok && a != nil {
				out[name] = fmt.Sprintf("%s revision %d, %d answers", a.Status, a.Revision, len(a.Answers))
			}
			if d, ok := v.(*record.SafetyDecision); ok && d != nil {
				out[name] = string(d.Decision)
			}
			return err
		})
	}
	return out
}

func TestStore_NoMethodReachesAnotherAgency(t *testing.T) {
	db, _ := testkit.Database(t, store.Migrations)
	a, ins := checklist(t)
	if err := in(t, db, "lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		if _, err := store.OpenCase(ctx, tx, store.CaseFile{CaseID: "case-1", Program: "p", ProgramVersion: "1", OpenedAt: at}); err != nil {
			return err
		}
		if _, err := store.Insert(ctx, tx, a); err != nil {
			return err
		}
		complete(t, a, ins)
		return store.Save(ctx, tx, a)
	}); err != nil {
		t.Fatal(err)
	}
	before := readAll(t, db, "lakeland")
	want := map[string]string{
		"Get": "assessment_not_found", "Lock": "assessment_not_found", "GetCase": "case_not_found", "HoldCase": "case_not_found",
		"OpenAssessments": "[]", "CurrentSafety": "safety_not_decided", "List": "[]",
	}
	if diff := cmp.Diff(want, readAll(t, db, "northshore")); diff != "" {
		t.Errorf("what another agency sees (-want +got):\n%s", diff)
	}
	a.Revision = 99
	if err := in(t, db, "northshore", func(ctx context.Context, tx *postgres.Tx) error { return store.Save(ctx, tx, a) }); err == nil {
		t.Error("Save from another agency went through")
	}
	fresh, _ := checklist(t)
	if err := in(t, db, "northshore", func(ctx context.Context, tx *postgres.Tx) error {
		_, err := store.Insert(ctx, tx, fresh)
		return err
	}); err == nil {
		t.Error("an assessment was stored for a case of another agency")
	}
	if err := in(t, db, "northshore", func(ctx context.Context, tx *postgres.Tx) error {
		return store.CloseCase(ctx, tx, "case-1", at)
	}); err != nil {
		t.Errorf("another agency cannot use the same case id: %v", err)
	}
	if diff := cmp.Diff(before, readAll(t, db, "lakeland")); diff != "" {
		t.Errorf("what the agency sees after another's changes (-before +after):\n%s", diff)
	}
}

func TestStore_ReadsWhatItWrote(t *testing.T) {
	db, _ := testkit.Database(t, store.Migrations)
	a, ins := checklist(t)
	err := in(t, db, "lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		if _, err := store.OpenCase(ctx, tx, store.CaseFile{CaseID: "case-1", Program: "p", ProgramVersion: "1", OpenedAt: at}); err != nil {
			return err
		}
		for i, want := range []bool{true, false} {
			if inserted, err := store.Insert(ctx, tx, a); err != nil || inserted != want {
				t.Errorf("insert %d of the opening's assessment: %v, %v; want %v", i+1, inserted, err, want)
			}
			a.ID = "assessment-2" // another id for the same instrument at the opening
		}
		a.ID = "assessment-1"
		complete(t, a, ins)
		if err := store.Save(ctx, tx, a); err != nil {
			return err
		}
		if err := a.Override(instruments.Unsafe, "new_information", "A reason.", "supervisor-1", at.Add(time.Hour)); err != nil {
			return err
		}
		if err := store.Save(ctx, tx, a); err != nil {
			return err
		}
		got, err := store.Get(ctx, tx, a.ID)
		if diff := cmp.Diff(a, got); diff != "" {
			t.Errorf("assessment (-written +read):\n%s", diff)
		}
		var decisions int
		if err := tx.GetContext(ctx, &decisions, `SELECT count(*) FROM safety_decision`); err != nil {
			return err
		}
		if decisions != 2 {
			t.Errorf("%d decisions on record, want the proposal's and the override's", decisions)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestOpenCase_AfterItsClosingWasHeardOf(t *testing.T) {
	db, _ := testkit.Database(t, store.Migrations)
	err := in(t, db, "lakeland", func(ctx context.Context, tx *postgres.Tx) error {
		if err := store.CloseCase(ctx, tx, "case-1", at); err != nil {
			return err
		}
		if _, err := store.GetCase(ctx, tx, "case-1"); fault.KindOf(err) != fault.NotFound {
			t.Errorf("a case that was only heard to be closed is shown: %v", err)
		}
		closed, err := store.OpenCase(ctx, tx, store.CaseFile{CaseID: "case-1", Program: "p", ProgramVersion: "1", OpenedAt: at})
		if !closed {
			t.Error("the closing was forgotten")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTables_EveryOneIsHeldToItsTenant(t *testing.T) {
	db, _ := testkit.Database(t, store.Migrations)
	testkit.ProveTenancy(t, db)
}

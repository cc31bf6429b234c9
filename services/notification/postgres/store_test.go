package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/fault"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/notification/message"
	"github.com/hearthfps/hearth/services/notification/postgres"
)

var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func agency(t testing.TB, slug string) context.Context {
	t.Helper()
	id, err := tenant.Parse(slug)
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), id)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newID(t testing.TB) string {
	t.Helper()
	id, err := uuid.NewV7()
	must(t, err)
	return id.String()
}

func pending(t testing.TB, key string) message.Message {
	return message.Message{
		ID: message.MessageID(newID(t)), DedupeKey: key, Template: "visit_reminder", TemplateVersion: "1", Audience: message.Family,
		Recipient: "p1", AboutEvent: "e1", CaseID: "c1", VisitID: "v1", Variables: map[string]string{"starts_at": "2026-11-24T12:00:00Z"},
		State: message.Pending, DueAt: now, ExpiresAt: now.Add(time.Hour), CreatedAt: now, Trace: "00-trace", Version: 1,
	}
}

func TestInsertMessage_OneForADedupeKey(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	first := pending(t, "e1/visit_reminder/p1")
	must(t, db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		for i, tc := range []struct {
			m    message.Message
			want bool
		}{{first, true}, {pending(t, "e1/visit_reminder/p1"), false}, {pending(t, "e2/visit_reminder/p1"), true}} {
			got, err := postgres.InsertMessage(ctx, tx, tc.m)
			if err != nil {
				return err
			}
			if got != tc.want {
				t.Errorf("%d: stored %v, want %v", i, got, tc.want)
			}
		}
		got, err := postgres.Message(ctx, tx, first.ID)
		if diff := cmp.Diff(first, got); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
		return err
	}))
}

func TestUpdateMessage_OnlyTheNextVersion(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	m := pending(t, "k")
	must(t, db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		if _, err := postgres.InsertMessage(ctx, tx, m); err != nil {
			return err
		}
		sent, err := m.Sent("email", "fi", now)
		if err != nil {
			return err
		}
		if err := postgres.UpdateMessage(ctx, tx, sent); err != nil {
			return err
		}
		got, err := postgres.Message(ctx, tx, m.ID)
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
		if err := postgres.UpdateMessage(ctx, tx, sent); !fault.Is(err, "version_lost") {
			t.Errorf("the same version again: got %v", err)
		}
		return err
	}))
}

func TestPutWorkerContact_FirstAndNextVersionOnly(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	put := func(version int64, email string) error {
		return db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
			return postgres.PutWorkerContact(ctx, tx, message.Contact{WorkerID: "w1", Email: email, Language: "fi", Version: version})
		})
	}
	must(t, put(1, "a@example.org"))
	if err := put(1, "b@example.org"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a second first version: got %v", err)
	}
	must(t, put(2, "c@example.org"))
	if err := put(4, "d@example.org"); fault.KindOf(err) != fault.Conflict {
		t.Errorf("a version skipped: got %v", err)
	}
}

func TestCaseFile_EventsMayComeInAnyOrder(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ctx := agency(t, "lakeland")
	must(t, db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		for _, step := range []func() error{
			func() error { return postgres.SetSupervisor(ctx, tx, "c1", "boss") },
			func() error { return postgres.OpenCase(ctx, tx, "c1", "trace") },
			func() error { return postgres.OpenCase(ctx, tx, "c1", "another trace") },
			func() error { return postgres.CloseCase(ctx, tx, "c1") },
		} {
			if err := step(); err != nil {
				return err
			}
		}
		got, err := postgres.Case(ctx, tx, "c1")
		if diff := cmp.Diff(postgres.CaseFile{CaseID: "c1", Trace: "trace", SupervisorID: "boss", Closed: true}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		return err
	}))
}

// Every function of the store, called for one agency, finds and touches nothing of another.
func TestStore_NoFunctionReachesAnotherAgency(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	ours, theirs := agency(t, "lakeland"), agency(t, "hillside")
	m := pending(t, "k1")
	m.ReferralID = "r1"
	withheld, err := m.Withhold("no_safe_contact", now)
	must(t, err)
	task := message.NewTask(message.TaskID(newID(t)), withheld, now)
	must(t, db.InTenant(ours, func(ctx context.Context, tx *kit.Tx) error {
		if _, err := postgres.InsertMessage(ctx, tx, m); err != nil {
			return err
		}
		if err := postgres.InsertTask(ctx, tx, task); err != nil {
			return err
		}
		if err := postgres.OpenCase(ctx, tx, "c1", "trace"); err != nil {
			return err
		}
		if err := postgres.OpenReferral(ctx, tx, "r1", "trace"); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO case_access (case_id, worker_id, role) VALUES ('c1', 'w1', 'lead')`); err != nil {
			return err
		}
		return postgres.PutWorkerContact(ctx, tx, message.Contact{WorkerID: "w1", Email: "a@example.org", Language: "fi", Version: 1})
	}))
	reads := map[string]func(ctx context.Context, tx *kit.Tx) (int, error){
		"Message": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.Message(ctx, tx, m.ID)
			return 1, err
		},
		"LockMessage": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.LockMessage(ctx, tx, m.ID)
			return 1, err
		},
		"Task": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.Task(ctx, tx, task.ID)
			return 1, err
		},
		"LockTask": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.LockTask(ctx, tx, task.ID)
			return 1, err
		},
		"WorkerContact": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.WorkerContact(ctx, tx, "w1")
			return 1, err
		},
		"LockWorkerContact": func(ctx context.Context, tx *kit.Tx) (int, error) {
			_, err := postgres.LockWorkerContact(ctx, tx, "w1")
			return 1, err
		},
		"Messages": func(ctx context.Context, tx *kit.Tx) (int, error) {
			l, err := postgres.Messages(ctx, tx, postgres.Filter{Limit: 5})
			return len(l), err
		},
		"Tasks": func(ctx context.Context, tx *kit.Tx) (int, error) {
			l, err := postgres.Tasks(ctx, tx, postgres.Filter{Limit: 5})
			return len(l), err
		},
		"LockPendingOfVisit": func(ctx context.Context, tx *kit.Tx) (int, error) {
			l, err := postgres.LockPendingOfVisit(ctx, tx, "v1", "visit_reminder")
			return len(l), err
		},
		"LockPendingOfCase": func(ctx context.Context, tx *kit.Tx) (int, error) {
			l, err := postgres.LockPendingOfCase(ctx, tx, "c1", "visit_reminder")
			return len(l), err
		},
		"AssignedWorkers": func(ctx context.Context, tx *kit.Tx) (int, error) {
			l, err := postgres.AssignedWorkers(ctx, tx, "c1")
			return len(l), err
		},
		"Case": func(ctx context.Context, tx *kit.Tx) (int, error) {
			c, err := postgres.Case(ctx, tx, "c1")
			return len(c.Trace) / len("trace"), err
		},
		"ReferralTrace": func(ctx context.Context, tx *kit.Tx) (int, error) {
			trace, err := postgres.ReferralTrace(ctx, tx, "r1")
			return len(trace) / len("trace"), err
		},
	}
	for name, fn := range reads {
		for ctx, want := range map[context.Context]int{ours: 1, theirs: 0} {
			var n int
			err := db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
				n, err = fn(ctx, tx)
				return err
			})
			if err != nil {
				if want == 1 || fault.KindOf(err) != fault.NotFound {
					t.Errorf("%s: %v", name, err)
				}
				n = 0
			}
			if n != want {
				t.Errorf("%s: found %d, want %d", name, n, want)
			}
		}
	}

	// Writes under the same ids are the other agency's own, and leave ours as they were.
	for name, write := range map[string]func(ctx context.Context, tx *kit.Tx) error{
		"UpdateMessage": func(ctx context.Context, tx *kit.Tx) error { return postgres.UpdateMessage(ctx, tx, withheld) },
		"UpdateTask": func(ctx context.Context, tx *kit.Tx) error {
			done, err := task.Complete("not_needed", "w2", now)
			if err != nil {
				return err
			}
			return postgres.UpdateTask(ctx, tx, done)
		},
	} {
		if err := db.InTenant(theirs, write); !fault.Is(err, "version_lost") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	must(t, db.InTenant(theirs, func(ctx context.Context, tx *kit.Tx) error {
		if stored, err := postgres.InsertMessage(ctx, tx, m); err != nil || !stored {
			t.Errorf("the same message elsewhere: stored %v (%v)", stored, err)
		}
		if err := postgres.CloseCase(ctx, tx, "c1"); err != nil {
			return err
		}
		return postgres.PutWorkerContact(ctx, tx, message.Contact{WorkerID: "w1", Email: "z@example.org", Language: "sv", Version: 1})
	}))
	must(t, db.InTenant(ours, func(ctx context.Context, tx *kit.Tx) error {
		c, err := postgres.Case(ctx, tx, "c1")
		if err != nil || c.Closed {
			t.Errorf("our case became %+v", c)
		}
		w, err := postgres.WorkerContact(ctx, tx, "w1")
		if w.Email != "a@example.org" {
			t.Errorf("our contact became %+v", w)
		}
		return err
	}))
}

func TestTenancy_EveryTableIsHeldByRowLevelSecurity(t *testing.T) {
	db, _ := testkit.Database(t, postgres.Migrations)
	testkit.ProveTenancy(t, db)
}

package httpapi_test

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/pkg/httpapi/apitest"
	"github.com/hearthfps/hearth/pkg/httpapi/internal/garden"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
)

// nursery plants into a table, once for each key.
type nursery struct {
	*apitest.Client
	db   *postgres.DB
	runs atomic.Int64
	// before runs inside the transaction, after the plant is in.
	before func(tx *postgres.Tx) error
}

func newNursery(t *testing.T) *nursery {
	t.Helper()
	db, _ := testkit.Database(t, os.DirFS("testdata/migrations"))
	n := &nursery{db: db, before: func(*postgres.Tx) error { return nil }}
	n.Client = client(t, &plot{plant: func(ctx context.Context, r garden.PlantRequestObject) (garden.PlantResponseObject, error) {
		return httpapi.Once(ctx, db, func(ctx context.Context, tx *postgres.Tx) (garden.Plant201JSONResponse, error) {
			n.runs.Add(1)
			id := uuid.NewString()
			if _, err := tx.ExecContext(ctx, "INSERT INTO plant (plant_id) VALUES ($1)", id); err != nil {
				return garden.Plant201JSONResponse{}, err
			}
			return garden.Plant201JSONResponse{
				Body: garden.Plant{PlantId: id, Name: r.Body.Name}, Headers: garden.Plant201ResponseHeaders{ETag: new(`"1"`)},
			}, n.before(tx)
		})
	}})
	return n
}

func (n *nursery) plants(t *testing.T, agency string) (count int) {
	t.Helper()
	id, err := tenant.Parse(agency)
	if err != nil {
		t.Fatal(err)
	}
	err = n.db.InTenant(tenant.With(t.Context(), id), func(ctx context.Context, tx *postgres.Tx) error {
		return tx.GetContext(ctx, &count, "SELECT count(*) FROM plant")
	})
	if err != nil {
		t.Fatal(err)
	}
	return count
}

const ash, elm = `{"name":"Ash","kind":"tree"}`, `{"name":"Elm","kind":"tree"}`

func TestGuarantee5_SameKeySameRequestOneEffect(t *testing.T) {
	n := newNursery(t)
	first := n.Post("/garden/v1/plants", ash, apitest.Key("k-1")).Want(201)
	again := n.Post("/garden/v1/plants", ash, apitest.Key("k-1")).Want(201)
	if diff := cmp.Diff(string(first.Body), string(again.Body)); diff != "" || first.ETag() != `"1"` || again.ETag() != `"1"` {
		t.Errorf("the answers differ: %s, ETag %s", diff, again.ETag())
	}
	n.Post("/garden/v1/plants", elm, apitest.Key("k-1")).WantProblem(422, "idempotency_key_reused")
	if got := n.plants(t, "lakeland"); got != 1 || n.runs.Load() != 1 {
		t.Errorf("got %d plants after %d runs, want 1", got, n.runs.Load())
	}
	n.Post("/garden/v1/plants", ash).Want(201)
	n.Post("/garden/v1/plants", ash).Want(201)
	if got := n.plants(t, "lakeland"); got != 3 {
		t.Errorf("without a key each request has its effect: got %d plants, want 3", got)
	}
}

func TestGuarantee5_AKeyBelongsToWhoSentIt(t *testing.T) {
	n := newNursery(t)
	n.As("lakeland/worker-1").Post("/garden/v1/plants", ash, apitest.Key("k")).Want(201)
	n.As("lakeland/worker-2").Post("/garden/v1/plants", elm, apitest.Key("k")).Want(201)
	n.As("northshore/worker-1").Post("/garden/v1/plants", elm, apitest.Key("k")).Want(201)
	if l, s := n.plants(t, "lakeland"), n.plants(t, "northshore"); l != 2 || s != 1 {
		t.Errorf("got %d and %d plants, want 2 and 1", l, s)
	}
}

func TestGuarantee5_AFailureStoresNothing(t *testing.T) {
	n := newNursery(t)
	n.before = func(*postgres.Tx) error { return fault.New(fault.Conflict, "bed_full", "The bed is full.") }
	n.Post("/garden/v1/plants", ash, apitest.Key("k")).WantProblem(409, "bed_full")
	n.before = func(*postgres.Tx) error { return nil }
	n.Post("/garden/v1/plants", elm, apitest.Key("k")).Want(201)
	if got := n.plants(t, "lakeland"); got != 1 {
		t.Errorf("got %d plants, want 1", got)
	}
}

func TestGuarantee5_WhileTheFirstRunsTheSecondIsTold(t *testing.T) {
	n := newNursery(t)
	inside, leave := make(chan struct{}), make(chan struct{})
	n.before = func(*postgres.Tx) error { close(inside); <-leave; return nil }
	done := make(chan *apitest.Answer)
	go func() { done <- n.Post("/garden/v1/plants", ash, apitest.Key("k")) }()
	<-inside
	waiting := n.Post("/garden/v1/plants", ash, apitest.Key("k"))
	waiting.WantProblem(409, "idempotency_key_in_flight")
	if waiting.Header.Get("Retry-After") == "" {
		t.Error("nobody says when to ask again")
	}
	close(leave)
	first := (<-done).Want(201)
	if again := n.Post("/garden/v1/plants", ash, apitest.Key("k")).Want(201); string(again.Body) != string(first.Body) {
		t.Errorf("got %s, want %s", again.Body, first.Body)
	}
}

func TestGuarantee5_ManyAtOnceHaveOneEffect(t *testing.T) {
	n := newNursery(t)
	var wg sync.WaitGroup
	var created, told atomic.Int64
	for range 20 {
		wg.Go(func() {
			switch answer := n.Post("/garden/v1/plants", ash, apitest.Key("k")); answer.Status {
			case 201:
				created.Add(1)
			case 409:
				told.Add(1)
			default:
				t.Errorf("got %d: %s", answer.Status, answer.Body)
			}
		})
	}
	wg.Wait()
	if got := n.plants(t, "lakeland"); got != 1 || created.Load() == 0 || created.Load()+told.Load() != 20 {
		t.Errorf("got %d plants, %d answers, %d told to wait", got, created.Load(), told.Load())
	}
}

func TestSweepKeys_ForgetsOldKeysOfTheAgency(t *testing.T) {
	n := newNursery(t)
	n.Post("/garden/v1/plants", ash, apitest.Key("k")).Want(201)
	lakeland, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	sweep := func(before time.Time) {
		err := n.db.InTenant(tenant.With(t.Context(), lakeland), func(ctx context.Context, tx *postgres.Tx) error {
			return httpapi.SweepKeys(ctx, tx, before)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	sweep(time.Now().Add(-time.Hour))
	n.Post("/garden/v1/plants", ash, apitest.Key("k")).Want(201)
	if got := n.plants(t, "lakeland"); got != 1 {
		t.Errorf("a young key was forgotten: %d plants", got)
	}
	sweep(time.Now().Add(time.Hour))
	n.Post("/garden/v1/plants", ash, apitest.Key("k")).Want(201)
	if got := n.plants(t, "lakeland"); got != 2 {
		t.Errorf("an old key was kept: %d plants", got)
	}
}

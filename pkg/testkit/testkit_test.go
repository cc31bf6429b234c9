package testkit_test

import (
	"context"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/segmentio/kafka-go"

	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
	"github.com/hearthfps/hearth/pkg/testkit"
)

func lakeland(t testing.TB) context.Context {
	t.Helper()
	a, err := tenant.Parse("lakeland")
	if err != nil {
		t.Fatal(err)
	}
	return tenant.With(t.Context(), a)
}

func TestGuarantee1_EachTestHasADatabaseOfItsOwn(t *testing.T) {
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			db, _ := testkit.Database(t, nil)
			if err := db.InTenant(lakeland(t), func(ctx context.Context, tx *postgres.Tx) error {
				var before int
				if err := tx.GetContext(ctx, &before, "SELECT count(*) FROM inbox"); err != nil {
					return err
				}
				if before != 0 {
					t.Errorf("%d rows of another test", before)
				}
				_, err := tx.ExecContext(ctx, "INSERT INTO inbox (event_id) VALUES ('1')")
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestGuarantee2_TestsShareOneServer(t *testing.T) {
	system := func(url string) (id string) {
		conn, err := pgx.Connect(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if err := conn.QueryRow(t.Context(), "SELECT pg_postmaster_start_time()::text || system_identifier FROM pg_control_system()").Scan(&id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	_, one := testkit.Database(t, nil)
	_, other := testkit.Database(t, nil)
	if a, b := system(one), system(other); a != b {
		t.Errorf("got servers %s and %s", a, b)
	}
}

func TestGuarantee3_WhatATestHadIsGone(t *testing.T) {
	var url string
	t.Run("inner", func(t *testing.T) { _, url = testkit.Database(t, nil) })
	if url == "" {
		t.Skip("no PostgreSQL")
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err == nil {
		conn.Close(context.Background())
		t.Error("the database is still there")
	} else if !strings.Contains(err.Error(), "3D000") {
		t.Errorf("got %v, want: no such database", err)
	}
}

func TestCheckEvent_HoldsDataAgainstItsSchema(t *testing.T) {
	if err := testkit.CheckEvent("org.hearth.test.thing.done.v1", []byte(`{}`)); err != nil {
		t.Errorf("the kit's own test events need no schema: %v", err)
	}
	if err := testkit.CheckEvent("org.hearth.intake.nonesuch.done.v1", []byte(`{}`)); err == nil {
		t.Error("an event without a schema was taken")
	}
	if err := testkit.CheckEvent("org.hearth.planning.case.closed.v1", []byte(`{"free_text":"no"}`)); err == nil {
		t.Error("data that breaks its schema was taken")
	}
}

func TestBroker_HasTheTopicsAndNoOthers(t *testing.T) {
	client := &kafka.Client{Addr: kafka.TCP(testkit.Broker(t, "extra")...), Transport: &kafka.Transport{}}
	defer client.Transport.(*kafka.Transport).CloseIdleConnections()
	meta, err := client.Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{"extra", "intake.events.v1", "unknown"}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{12, 12, 0} {
		if got := len(meta.Topics[i].Partitions); got != want {
			t.Errorf("%s: got %d partitions, want %d", meta.Topics[i].Name, got, want)
		}
	}
}

func TestRedis_Answers(t *testing.T) {
	client, _ := testkit.Redis(t)
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
}

// The keeper runs under a plain shell; what it calls must be there.
func TestGuarantee2_TheKeepersToolsAreThere(t *testing.T) {
	for _, tool := range []string{"sh", "find", "sleep"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkDatabase(b *testing.B) {
	for b.Loop() {
		testkit.DatabaseURL(b, nil)
	}
}

package postgres_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

var vocabulary = []string{
	"perheneuvola", "vanhempainryhmä", "asumisneuvonta", "päihdeklinikka", "vertaistuki", "läksykerho", "kriisikeskus", "velkaneuvonta",
	"parent", "support", "group", "counselling", "housing", "food", "bank", "therapy", "children", "evening", "family", "advice",
	"föräldragrupp", "rådgivning", "boende", "missbruk", "stöd", "barn", "läxhjälp", "skuldrådgivning", "kamratstöd", "familj",
}

// made is a service with thirty words of description and a place in Finland.
func made(r *rand.Rand, i int) string {
	word := func() string { return vocabulary[r.IntN(len(vocabulary))] }
	text := ""
	for range 30 {
		text += word() + " "
	}
	return fmt.Sprintf(`{"id":"s-%06d","name":"%s %s %d","status":"active","description":"%s","service_at_locations":[{"id":"l-%06d","location":{"id":"p-%06d","location_type":"physical","latitude":%.4f,"longitude":%.4f}}]}`,
		i, word(), word(), i, text, i, i, 60+8*r.Float64(), 21+8*r.Float64())
}

func parsed(b *testing.B, doc string) directory.Record {
	b.Helper()
	rec, faults := directory.ParseRecord(directory.EntityService, json.RawMessage(doc))
	if len(faults) > 0 {
		b.Fatal(faults)
	}
	return rec
}

// BenchmarkSearch searches an agency's directory of 5,000 services.
func BenchmarkSearch(b *testing.B) {
	db, _ := testkit.Database(b, postgres.Migrations, testkit.WithConns(1))
	ctx := agency(b, "lakeland")
	r := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < 5000; i += 500 {
		must(b, db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
			for j := range 500 {
				if _, err := postgres.Load(ctx, tx, parsed(b, made(r, i+j)), directory.Replace, now); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	needs, err := directory.LoadNeeds()
	must(b, err)
	need, _ := needs.Find("parenting")
	var backend int
	must(b, db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
		return tx.GetContext(ctx, &backend, `SELECT pg_backend_pid()`)
	}))
	for name, q := range map[string]directory.Query{
		"text":      {Text: "vanhempainryhmä", Status: "active"},
		"need":      {Need: &need, Status: "active"},
		"need+near": {Need: &need, Near: &directory.Point{Latitude: 61.5, Longitude: 23.76}, Status: "active"},
	} {
		b.Run(name, func(b *testing.B) {
			before := processorTime(b, backend)
			for b.Loop() {
				must(b, db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
					hits, err := postgres.Search(ctx, tx, q, nil, 20)
					if len(hits) != 20 {
						b.Fatalf("%d hits", len(hits))
					}
					return err
				}))
			}
			b.ReportMetric((processorTime(b, backend)-before).Seconds()*1000/float64(b.N), "server-cpu-ms/op")
		})
	}
}

// processorTime is what a process of this machine has used, in ticks of 10 ms:
// unlike the time that passed, it does not hang on what else the machine does.
func processorTime(b *testing.B, pid int) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("the server's processor time cannot be read here: ", err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	var user, system int64
	if _, err := fmt.Sscan(fields[11]+" "+fields[12], &user, &system); err != nil {
		b.Fatal(err)
	}
	return time.Duration(user+system) * 10 * time.Millisecond
}

// BenchmarkLoad loads new services, a transaction each, as an import does.
func BenchmarkLoad(b *testing.B) {
	db, _ := testkit.Database(b, postgres.Migrations)
	ctx := agency(b, "lakeland")
	r := rand.New(rand.NewPCG(1, 2))
	i := 0
	for b.Loop() {
		rec := parsed(b, made(r, i))
		i++
		must(b, db.InTenant(ctx, func(ctx context.Context, tx *kit.Tx) error {
			_, err := postgres.Load(ctx, tx, rec, directory.Replace, now)
			return err
		}))
	}
}

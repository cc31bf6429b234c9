package reception_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/testkit"
	"github.com/hearthfps/hearth/services/intake/postgres"
	"github.com/hearthfps/hearth/services/intake/reception"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// families makes n submissions of n families that have nothing in common.
func families(from, n int) []byte {
	var b bytes.Buffer
	one := string(ndjson(submission("ID")))
	for i := from; i < from+n; i++ {
		name := fmt.Sprintf("Koski%s", strings.Map(func(r rune) rune { return 'a' + (r - '0') }, fmt.Sprint(i)))
		b.WriteString(strings.NewReplacer(`"id":"ID"`, fmt.Sprintf(`"id":"bench-%d"`, i), "Koski", name, "+358401234567", fmt.Sprintf("+35840%07d", i), "Katu 1", fmt.Sprintf("Katu %d", i)).Replace(one))
	}
	return b.Bytes()
}

func benchDesk(b *testing.B) (*reception.Reception, context.Context) {
	c := clock.NewManual(noon)
	db, _ := testkit.Database(b, postgres.Migrations, testkit.WithClock(c), testkit.WithConns(16))
	return on(b, db, c), as(b, "lakeland")
}

// BenchmarkImport takes in one stream; its unit is one referral.
func BenchmarkImport(b *testing.B) {
	r, ctx := benchDesk(b)
	stream := families(0, b.N)
	b.ResetTimer()
	err := r.Import(ctx, bytes.NewReader(stream), func() {}, func(line int, v referral.Verdict) error {
		if v.Status != referral.VerdictAccepted {
			return fmt.Errorf("line %d: %s %v", line, v.Status, v.Problems)
		}
		return nil
	}, func() error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "referrals/s")
}

// BenchmarkReceive takes in one referral a call, 16 at once.
func BenchmarkReceive(b *testing.B) {
	r, ctx := benchDesk(b)
	lines := bytes.Split(bytes.TrimSpace(families(0, b.N)), []byte("\n"))
	var next atomic.Int64
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			v, err := r.Receive(ctx, reception.ViaHTTP, []reception.Reading{r.Read(ctx, lines[next.Add(1)-1])})
			if err != nil || v[0].Status != referral.VerdictAccepted {
				b.Error(v, err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "referrals/s")
}

package deliver_test

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkDeliver plans messages to a worker and waits until all have been sent
// and recorded; the provider takes them at once.
func BenchmarkDeliver(b *testing.B) {
	r := newRig(b, start)
	r.register("worker-1")
	r.run()
	n, began := 0, time.Now()
	for b.Loop() {
		n++
		r.assignment(fmt.Sprint("e", n), "worker-1")
	}
	deadline := time.Now().Add(2 * time.Minute)
	for len(r.published()) < n {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d messages were recorded", len(r.published()), n)
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.ReportMetric(float64(n)/time.Since(began).Seconds(), "messages/s")
}

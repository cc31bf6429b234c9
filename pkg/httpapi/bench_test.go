package httpapi_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/pkg/httpapi"
)

// What the edge costs a request that its handler answers at once: matching,
// token (a lookup), parameters, body, routing, decoding, metrics, span, answer.
func BenchmarkServe(b *testing.B) {
	s := server(b, &plot{}, func(o *httpapi.Options) { o.Log = quiet() })
	body := `{"name":"Ash","kind":"tree","height_cm":120,"planted_on":"2026-02-03","beds":[{"row":1},{"pot":"P7","cracked":true}]}`
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest(http.MethodPost, "/garden/v1/plants", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer lakeland/worker-1")
		r.Header.Set("Idempotency-Key", "0197c3aa-77")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != http.StatusCreated {
			b.Fatal(w.Body.String())
		}
		_, _ = io.Copy(io.Discard, w.Body)
	}
}

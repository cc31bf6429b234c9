package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// counter sends requests and counts how each ended. A refusal by the rules of the
// API (4xx) is an answer, and so is a 503 that says when to come back; everything
// else is a failure, and kept.
type counter struct {
	next http.RoundTripper

	mu       sync.Mutex
	requests int
	refused  map[int]int // answers of 400 to 499, by status
	later    int         // 503 with Retry-After
	failures []string
	slowest  time.Duration
	took     []time.Duration
}

func newCounter() *counter {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 64
	return &counter{next: transport, refused: map[int]int{}}
}

// RoundTrip implements http.RoundTripper.
func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	res, err := c.next.RoundTrip(r)
	took := time.Since(began)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
	c.slowest = max(c.slowest, took)
	c.took = append(c.took, took)
	switch {
	case err != nil:
		c.failures = append(c.failures, fmt.Sprintf("%s %s %s: %v", began.Format(time.TimeOnly), r.Method, r.URL, err))
	case res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		c.later++
	case res.StatusCode >= 500:
		c.failures = append(c.failures, fmt.Sprintf("%s %s %s: %s", began.Format(time.TimeOnly), r.Method, r.URL, res.Status))
	case res.StatusCode >= 400:
		c.refused[res.StatusCode]++
	}
	if err == nil {
		res.Body = &body{ReadCloser: res.Body, failed: func(err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failures = append(c.failures, fmt.Sprintf("%s %s %s: cut off in its answer: %v", began.Format(time.TimeOnly), r.Method, r.URL, err))
		}}
	}
	return res, err
}

// body is an answer's body that reports being cut off.
type body struct {
	io.ReadCloser
	failed func(error)
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		b.failed(err)
	}
	return n, err
}

// counted is how much was counted at some time.
type counted struct{ requests, later, failures, took int }

func (c *counter) now() counted {
	c.mu.Lock()
	defer c.mu.Unlock()
	return counted{c.requests, c.later, len(c.failures), len(c.took)}
}

// since makes figures of what was counted after before; failures are an error.
func (c *counter) since(before counted) (Figures, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f := Figures{"requests": c.requests - before.requests, "retried_503": c.later - before.later, "failed": len(c.failures) - before.failures}
	if took := slices.Sorted(slices.Values(c.took[before.took:])); len(took) > 0 {
		f["p50_ms"] = took[len(took)/2].Milliseconds()
		f["p99_ms"] = took[len(took)*99/100].Milliseconds()
		f["slowest_ms"] = took[len(took)-1].Milliseconds()
	}
	if failed := c.failures[before.failures:]; len(failed) > 0 {
		return f, fmt.Errorf("%d requests failed: %q", len(failed), failed[:min(len(failed), 10)])
	}
	return f, nil
}

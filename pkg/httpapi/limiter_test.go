package httpapi_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/httpapi"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func limiter(t *testing.T, addr string, rate httpapi.Rate, registry prometheus.Registerer) *httpapi.Limiter {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	t.Cleanup(func() { _ = client.Close() })
	l, err := httpapi.NewLimiter(client, rate, "garden", quiet(), registry)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestGuarantee8_OneBucketForAllReplicas(t *testing.T) {
	server := miniredis.RunT(t)
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	server.SetTime(now)
	rate := httpapi.Rate{PerSecond: 2, Burst: 4}
	replicas := []*httpapi.Limiter{limiter(t, server.Addr(), rate, nil), limiter(t, server.Addr(), rate, nil)}
	for i := range 4 {
		d := replicas[i%2].Allow(t.Context(), "garden", "lakeland", "a")
		if !d.Allowed || d.Remaining != 3-i {
			t.Fatalf("request %d: got %+v", i, d)
		}
	}
	d := replicas[0].Allow(t.Context(), "garden", "lakeland", "a")
	if d.Allowed || d.RetryAfter != 500*time.Millisecond || d.Reset != 2*time.Second {
		t.Errorf("the fifth: got %+v, want a wait of 0.5 s", d)
	}
	if d := replicas[1].Allow(t.Context(), "garden", "lakeland", "b"); !d.Allowed {
		t.Error("another principal waits for the first")
	}
	server.SetTime(now.Add(499 * time.Millisecond))
	if d := replicas[1].Allow(t.Context(), "garden", "lakeland", "a"); d.Allowed {
		t.Error("allowed too early")
	}
	server.SetTime(now.Add(500 * time.Millisecond))
	if d := replicas[1].Allow(t.Context(), "garden", "lakeland", "a"); !d.Allowed {
		t.Errorf("refused when its time has come: %+v", d)
	}
	for _, key := range server.Keys() {
		if strings.Contains(key, "lakeland") || server.TTL(key) <= 0 {
			t.Errorf("key %s shows whose it is, or stays for ever (%v)", key, server.TTL(key))
		}
	}
}

func TestLimiter_LargeBucketsAreTakenInHandfuls(t *testing.T) {
	server := miniredis.RunT(t)
	server.SetTime(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC))
	l := limiter(t, server.Addr(), httpapi.Rate{PerSecond: 640, Burst: 640}, nil)
	allowed, last := 0, 641
	for range 1000 {
		d := l.Allow(t.Context(), "garden", "lakeland", "a")
		if !d.Allowed {
			break
		}
		if d.Remaining != last-1 && allowed > 0 {
			t.Fatalf("remaining went from %d to %d", last, d.Remaining)
		}
		allowed, last = allowed+1, d.Remaining
	}
	if allowed != 640 {
		t.Errorf("got %d requests of a burst of 640", allowed)
	}
	if asked := server.CommandCount(); asked > 250 {
		t.Errorf("Redis was asked %d times for 640 requests", asked)
	}
}

func TestGuarantee8_WithoutRedisRequestsGoThroughAndAreCounted(t *testing.T) {
	server := miniredis.RunT(t)
	registry := prometheus.NewRegistry()
	l := limiter(t, server.Addr(), httpapi.Rate{PerSecond: 1, Burst: 1}, registry)
	c := client(t, &plot{}, func(o *httpapi.Options) { o.Limiter = l })
	answer := c.Get("/garden/v1/plants").Want(200)
	if got, want := answer.Header.Get("RateLimit-Policy"), `"principal";q=1;w=1`; got != want {
		t.Errorf("RateLimit-Policy: got %s, want %s", got, want)
	}
	if got, want := answer.Header.Get("RateLimit"), `"principal";r=0;t=1`; got != want {
		t.Errorf("RateLimit: got %s, want %s", got, want)
	}
	refused := c.Get("/garden/v1/plants")
	refused.WantProblem(429, "rate_limited")
	if after, err := strconv.Atoi(refused.Header.Get("Retry-After")); err != nil || after != 1 {
		t.Errorf("Retry-After: got %q", refused.Header.Get("Retry-After"))
	}
	c.As("lakeland/worker-2").Get("/garden/v1/plants").Want(200)
	c.As("").Get("/garden/v1/gate").Want(http.StatusOK)

	server.Close()
	for range 5 {
		c.Get("/garden/v1/plants").Want(200)
	}
	if got := counter(t, registry, "hearth_http_rate_limit_unavailable_total"); got != 5 {
		t.Errorf("counted %v of 5 requests let through", got)
	}
}

func TestLimiter_ServicesAreNotLimitedAndZeroLimitsNothing(t *testing.T) {
	server := miniredis.RunT(t)
	l := limiter(t, server.Addr(), httpapi.Rate{PerSecond: 1, Burst: 1}, nil)
	c := client(t, &plot{}, func(o *httpapi.Options) {
		o.Limiter = l
		authenticate := o.Authenticate
		o.Authenticate = func(ctx context.Context, token string) (auth.Principal, error) {
			p, err := authenticate(ctx, token)
			p.Roles = []string{auth.RoleService}
			return p, err
		}
	})
	for range 3 {
		c.Get("/garden/v1/plants").Want(200)
	}
	if none := limiter(t, server.Addr(), httpapi.Rate{}, nil); none != nil {
		t.Error("a zero rate bounds something")
	}
}

func counter(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.Metric {
				total += m.GetCounter().GetValue()
			}
		}
	}
	return total
}

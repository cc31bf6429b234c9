package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Rate bounds the requests of one principal.
type Rate struct {
	// PerSecond is how many requests a second are allowed in the long run; 0 bounds nothing.
	PerSecond float64 `yaml:"per_second"`
	// Burst is how many may come at once after a pause; 0 is one second's worth.
	Burst int `yaml:"burst"`
}

// gcra is the generic cell rate algorithm (ITU-T I.371): the key holds the
// theoretical arrival time of the next request, in microseconds of Redis' own
// clock, so that replicas with clocks of their own share one bucket.
// KEYS[1] bucket. ARGV: microseconds a request takes, burst, requests asked for.
// Returns allowed (0 or 1), requests left, microseconds until it is worth
// asking again, microseconds until the bucket is full.
var gcra = redis.NewScript(`
local interval, burst, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local t = redis.call('TIME')
local now = tonumber(t[1]) * 1000000 + tonumber(t[2])
local tat = tonumber(redis.call('GET', KEYS[1]) or now)
if tat < now then tat = now end
local after = tat + interval * cost
local over = after - now - interval * burst
if over > 0 then
  return {0, math.floor((now + interval * burst - tat) / interval), math.ceil(over), math.ceil(tat - now)}
end
redis.call('SET', KEYS[1], string.format('%.0f', after), 'PX', math.ceil((after - now) / 1000) + 1000)
return {1, math.floor(-over / interval), 0, math.ceil(after - now)}`)

const (
	// redisTimeout is how long a request waits for Redis to bound it.
	redisTimeout = 100 * time.Millisecond
	// redisPause is how long Redis is left alone after it failed.
	redisPause = time.Second
	// prepaidFor is how long requests paid for together may be used.
	prepaidFor = time.Second
	// maxPrepaid bounds the memory of prepaid requests.
	maxPrepaid = 10_000
)

// Limiter keeps one bucket for each principal in Redis. Of a large bucket it
// takes a few requests at a time, so that a busy caller does not cost a round
// trip for each request; what it took and did not use within a second is lost.
// It may be used from many goroutines.
type Limiter struct {
	redis redis.UniversalClient
	rate  Rate
	log   *slog.Logger
	now   func() time.Time

	passed prometheus.Counter

	mu      sync.Mutex
	away    time.Time // until when Redis is left alone
	prepaid map[string]prepaid
}

type prepaid struct {
	left     int
	decision Decision
	until    time.Time
}

// NewLimiter makes a limiter over client; a zero rate gives nil, which bounds nothing.
func NewLimiter(client redis.UniversalClient, rate Rate, service string, log *slog.Logger, registry prometheus.Registerer) (*Limiter, error) {
	if rate.PerSecond <= 0 {
		return nil, nil
	}
	if rate.Burst <= 0 {
		rate.Burst = max(1, int(rate.PerSecond))
	}
	l := &Limiter{
		redis: client, rate: rate, log: log, now: time.Now, prepaid: map[string]prepaid{},
		passed: prometheus.NewCounter(prometheus.CounterOpts{
			Name:        "hearth_http_rate_limit_unavailable_total",
			Help:        "Requests let through because Redis did not say whether to.",
			ConstLabels: prometheus.Labels{"service": service},
		}),
	}
	if registry != nil {
		if err := registry.Register(l.passed); err != nil {
			return nil, fmt.Errorf("register limiter metrics of %s: %w", service, err)
		}
	}
	return l, nil
}

// Decision says whether a request may go on.
type Decision struct {
	Allowed bool
	// Known is false when Redis did not answer; such a request is allowed.
	Known bool
	// Remaining is how many more requests may come at once.
	Remaining int
	// RetryAfter is how long to wait when not allowed.
	RetryAfter time.Duration
	// Reset is how long until the whole burst may come again.
	Reset time.Duration

	rate Rate
}

// Allow takes one request of the bucket that parts name.
func (l *Limiter) Allow(ctx context.Context, parts ...string) Decision {
	key := bucket(parts)
	if d, ok := l.usePrepaid(key); ok {
		return d
	}
	if l.isAway() {
		l.passed.Inc()
		return Decision{Allowed: true}
	}
	batch := min(l.rate.Burst/32, int(l.rate.PerSecond/32)) + 1
	d, err := l.ask(ctx, key, batch)
	if err == nil && !d.Allowed && batch > 1 {
		batch = 1
		d, err = l.ask(ctx, key, batch)
	}
	if err != nil {
		if ctx.Err() == nil {
			l.leaveAlone()
			l.log.LogAttrs(ctx, slog.LevelWarn, "requests are not limited: Redis does not answer", slog.Any("error", err))
		}
		l.passed.Inc()
		return Decision{Allowed: true}
	}
	if d.Allowed && batch > 1 {
		d.Remaining += batch - 1
		l.keepPrepaid(key, prepaid{left: batch - 1, decision: d, until: l.now().Add(prepaidFor)})
	}
	return d
}

func (l *Limiter) ask(ctx context.Context, key string, cost int) (Decision, error) {
	ctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	interval := math.Round(1e6 / l.rate.PerSecond)
	answer, err := gcra.Run(ctx, l.redis, []string{key}, interval, l.rate.Burst, cost).Int64Slice()
	if err != nil {
		return Decision{}, fmt.Errorf("ask Redis for a request: %w", err)
	}
	if len(answer) != 4 {
		return Decision{}, fmt.Errorf("ask Redis for a request: %d numbers came back, not 4", len(answer))
	}
	return Decision{
		Allowed: answer[0] == 1, Known: true, Remaining: int(max(answer[1], 0)),
		RetryAfter: time.Duration(answer[2]) * time.Microsecond, Reset: time.Duration(answer[3]) * time.Microsecond, rate: l.rate,
	}, nil
}

func (l *Limiter) usePrepaid(key string) (Decision, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.prepaid[key]
	if !ok {
		return Decision{}, false
	}
	if p.left == 0 || l.now().After(p.until) {
		delete(l.prepaid, key)
		return Decision{}, false
	}
	p.left--
	p.decision.Remaining--
	l.prepaid[key] = p
	return p.decision, true
}

func (l *Limiter) keepPrepaid(key string, p prepaid) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.prepaid) >= maxPrepaid {
		clear(l.prepaid)
	}
	l.prepaid[key] = p
}

func (l *Limiter) isAway() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now().Before(l.away)
}

func (l *Limiter) leaveAlone() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = l.now().Add(redisPause)
}

// bucket names a bucket without showing whose it is: a subject may be an e-mail address.
func bucket(parts []string) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	return "hearth:limit:" + base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
}

// header writes RateLimit-Policy and RateLimit as draft-ietf-httpapi-ratelimit-headers-10 has them.
func (d Decision) header(h http.Header) {
	if !d.Known {
		return
	}
	window := max(1, int(math.Ceil(float64(d.rate.Burst)/d.rate.PerSecond)))
	h.Set("RateLimit-Policy", fmt.Sprintf(`"principal";q=%d;w=%d`, d.rate.Burst, window))
	h.Set("RateLimit", fmt.Sprintf(`"principal";r=%d;t=%d`, d.Remaining, int(math.Ceil(d.Reset.Seconds()))))
}

package timers

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/events"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/pkg/tenant"
)

const scopeName = "github.com/hearthfps/hearth/pkg/timers"

// Config is what an Engine is made of. The time is that of DB.Clock.
type Config struct {
	// Service names the metrics.
	Service string
	DB      *postgres.DB
	Log     *slog.Logger
	// Handlers are called by kind. Timers of other kinds stay as they are.
	Handlers map[string]Handler
	// PollEvery is how often due timers are looked for. 0 is 100 ms.
	PollEvery time.Duration
	// Lanes is how many subjects are worked on at once. 0 is 4.
	Lanes int
}

// Engine fires a service's timers.
type Engine struct {
	config Config
	kinds  []string
	fired  metric.Int64Counter
	late   atomic.Int64 // nanoseconds since the oldest due timer was due
	parked atomic.Int64
	// counted is when parked was; of Run's goroutine.
	counted time.Time
}

// New checks a configuration and makes an Engine of it. Nothing runs before Run.
func New(c Config) (*Engine, error) {
	if c.DB == nil || c.Log == nil {
		return nil, errors.New("a timer engine needs DB and Log")
	}
	if c.PollEvery == 0 {
		c.PollEvery = 100 * time.Millisecond
	}
	if c.Lanes == 0 {
		c.Lanes = 4
	}
	e := &Engine{config: c}
	for kind := range c.Handlers {
		e.kinds = append(e.kinds, kind)
	}
	slices.Sort(e.kinds)
	var err error
	e.fired, err = otel.Meter(scopeName).Int64Counter("hearth.timers.fired", metric.WithDescription("Timers that came due, by kind and what became of them."))
	if err != nil {
		return nil, fmt.Errorf("make timer metrics: %w", err)
	}
	return e, nil
}

// Run fires timers until ctx ends; handlers that run then come to their end. A
// database that goes away is waited for.
func (e *Engine) Run(ctx context.Context) (err error) {
	if len(e.kinds) == 0 {
		<-ctx.Done()
		return nil
	}
	unregister, err := e.gauges()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unregister()) }()
	tick := time.NewTicker(e.config.PollEvery)
	defer tick.Stop()
	signals := e.config.DB.Signals(wake)
	for {
		full, err := e.turn(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			e.config.Log.WarnContext(ctx, "timers cannot be looked at", "error", postgres.Describe(err))
		case full:
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-signals:
		}
	}
}

// Look has the engine look for due timers now, and not at its next turn: after
// somebody moved the clock.
func (e *Engine) Look() { e.config.DB.Signal(wake) }

func (e *Engine) gauges() (unregister func() error, err error) {
	meter := otel.Meter(scopeName)
	late, errL := meter.Float64ObservableGauge("hearth.timers.late", metric.WithUnit("s"), metric.WithDescription("How long the oldest timer that has not fired has been due."))
	parked, errP := meter.Int64ObservableGauge("hearth.timers.parked", metric.WithDescription("Timers that failed for good."))
	if err := errors.Join(errL, errP); err != nil {
		return nil, fmt.Errorf("make timer metrics: %w", err)
	}
	of := metric.WithAttributes(attribute.String("service", e.config.Service))
	registration, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		o.ObserveFloat64(late, time.Duration(e.late.Load()).Seconds(), of)
		o.ObserveInt64(parked, e.parked.Load(), of)
		return nil
	}, late, parked)
	if err != nil {
		return nil, fmt.Errorf("make timer metrics: %w", err)
	}
	return registration.Unregister, nil
}

// due names a timer that is due, as it was last set.
type due struct {
	agency, kind, id, subject, setID string
	at                               time.Time
}

const batch = 256

// countEvery is how old the number of parked timers may be that metrics tell.
const countEvery = 5 * time.Second

const (
	findDue = `
SELECT agency_id, kind, timer_id, subject, set_id, due_at FROM timer
WHERE NOT parked AND due_at <= $1 AND kind = ANY ($2) AND (retry_at IS NULL OR retry_at <= clock_timestamp())
ORDER BY due_at, set_id LIMIT $3`
	countParked = `SELECT count(*) FROM timer WHERE parked`
)

// turn fires what is due now; full says that there may be more.
func (e *Engine) turn(ctx context.Context) (full bool, err error) {
	found, err := e.find(ctx)
	if err != nil || len(found) == 0 {
		return false, err
	}
	// A subject's timers go to one lane, in their order.
	var order []string
	bySubject := map[string][]due{}
	for _, d := range found {
		key := d.agency + " " + d.subject
		if bySubject[key] == nil {
			order = append(order, key)
		}
		bySubject[key] = append(bySubject[key], d)
	}
	var lanes sync.WaitGroup
	subjects := make(chan []due)
	for range min(e.config.Lanes, len(order)) {
		lanes.Go(func() {
			for these := range subjects {
				for _, d := range these {
					// What failed or could not be noted stays in its row; those behind it wait.
					if ctx.Err() != nil || !e.fire(ctx, d) {
						break
					}
				}
			}
		})
	}
	for _, key := range order {
		subjects <- bySubject[key]
	}
	close(subjects)
	lanes.Wait()
	return len(found) == batch, nil
}

// find reads the timers of all agencies that are due, oldest first.
func (e *Engine) find(ctx context.Context) (found []due, err error) {
	now := e.config.DB.Clock().Now()
	query := &pgx.Batch{}
	query.Queue(findDue, now, e.kinds, batch)
	count := time.Since(e.counted) >= countEvery
	if count {
		query.Queue(countParked)
	}
	var parked int64
	err = e.config.DB.BatchBackbone(ctx, query, func(results pgx.BatchResults) error {
		rows, err := results.Query()
		if err != nil {
			return err
		}
		var d due
		if _, err := pgx.ForEachRow(rows, []any{&d.agency, &d.kind, &d.id, &d.subject, &d.setID, &d.at}, func() error {
			found = append(found, d)
			return nil
		}); err != nil {
			return err
		}
		if !count {
			return nil
		}
		return results.QueryRow().Scan(&parked)
	})
	if err != nil {
		return nil, err
	}
	if count {
		e.parked.Store(parked)
		e.counted = time.Now()
	}
	e.late.Store(0)
	if len(found) > 0 {
		e.late.Store(int64(now.Sub(found[0].at)))
	}
	return found, nil
}

// row is a timer as it is taken.
type row struct {
	Subject     string    `db:"subject"`
	DueAt       time.Time `db:"due_at"`
	Data        string    `db:"data"`
	TraceParent string    `db:"traceparent"`
	Cause       string    `db:"cause"`
	Correlation string    `db:"correlation"`
	Attempts    int       `db:"attempts"`
}

// takeDue removes a timer that nobody else is firing and nobody set anew.
const takeDue = `
DELETE FROM timer WHERE (agency_id, kind, timer_id) IN (
	SELECT agency_id, kind, timer_id FROM timer
	WHERE agency_id = $1 AND kind = $2 AND timer_id = $3 AND set_id = $4 AND NOT parked FOR UPDATE SKIP LOCKED)
RETURNING subject, due_at, data, traceparent, cause, correlation, attempts`

// fireWithin bounds one handler, which the end of the engine does not interrupt.
const fireWithin = 30 * time.Second

// fire calls the handler of one timer. It reports whether the timer is done with.
func (e *Engine) fire(ctx context.Context, d due) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fireWithin)
	defer cancel()
	agency, err := tenant.Parse(d.agency)
	if err != nil {
		e.config.Log.ErrorContext(ctx, "a timer names no agency", "kind", d.kind)
		return false
	}
	ctx = tenant.With(ctx, agency)
	attempts := 0
	err = e.config.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		var r row
		if err := tx.GetContext(ctx, &r, takeDue, d.agency, d.kind, d.id, d.setID); err != nil {
			if errors.Is(err, sql.ErrNoRows) {
				return nil // cancelled, set anew, or another replica's
			}
			return fmt.Errorf("take timer %s: %w", d.kind, err)
		}
		attempts = r.Attempts
		return e.call(ctx, tx, d, r)
	})
	if err == nil {
		return true
	}
	// A handler that ran into its bound leaves no time in its context.
	note, cancelNote := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancelNote()
	e.failed(note, d, attempts+1, err)
	return false
}

// call runs the handler in its span; a panic is an error that does not pass.
func (e *Engine) call(ctx context.Context, tx *postgres.Tx, d due, r row) (err error) {
	ctx, span := otel.Tracer(scopeName).Start(events.WithTraceParent(ctx, r.TraceParent), "timer "+d.kind,
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(attribute.String("hearth.timer.kind", d.kind), attribute.String("hearth.service", e.config.Service)))
	defer func() {
		if p := recover(); p != nil {
			err = fault.New(fault.Internal, "handler_panic", "The handler failed by a defect.").Because(fmt.Errorf("panic: %T\n%s", p, debug.Stack()))
		}
		became := "done"
		if err != nil {
			became = "failed"
			span.SetStatus(codes.Error, "")
		}
		e.fired.Add(ctx, 1, metric.WithAttributes(attribute.String("service", e.config.Service), attribute.String("kind", d.kind), attribute.String("became", became)))
		span.End()
	}()
	if r.Cause != "" || r.Correlation != "" {
		ctx = events.WithCause(ctx, r.Cause, r.Correlation)
	}
	return e.config.Handlers[d.kind](ctx, tx, Timer{Kind: d.kind, ID: d.id, Subject: r.Subject, DueAt: r.DueAt, Data: []byte(r.Data)})
}

const (
	noteRetry = `
UPDATE timer SET attempts = $5, retry_at = clock_timestamp() + $6::interval
WHERE agency_id = $1 AND kind = $2 AND timer_id = $3 AND set_id = $4`
	notePark = `
UPDATE timer SET attempts = $5, parked = true, reason_code = $6
WHERE agency_id = $1 AND kind = $2 AND timer_id = $3 AND set_id = $4`
)

// failed notes a failure beside the timer: when to try again, or that it is parked.
func (e *Engine) failed(ctx context.Context, d due, attempts int, cause error) {
	args := []any{d.agency, d.kind, d.id, d.setID, attempts}
	statement := notePark
	if fault.Transient(cause) {
		statement = noteRetry
		args = append(args, min(100*time.Millisecond<<min(attempts, 16), time.Minute))
		e.config.Log.WarnContext(ctx, "a timer failed and is tried again", "kind", d.kind, "attempts", attempts, "error", postgres.Describe(cause))
	} else {
		code := "internal"
		if f, ok := fault.As(cause); ok {
			code = f.Code
		}
		args = append(args, code)
		e.config.Log.ErrorContext(ctx, "a timer failed for good and is parked", "kind", d.kind, "timer", d.id, "reason", code, "error", postgres.Describe(cause))
	}
	err := e.config.DB.InTenant(ctx, func(ctx context.Context, tx *postgres.Tx) error {
		_, err := tx.ExecContext(ctx, statement, args...)
		return err
	})
	if err != nil {
		// The row stands as it was and is tried at the next turn.
		e.config.Log.WarnContext(ctx, "a timer's failure cannot be noted", "kind", d.kind, "error", postgres.Describe(err))
	}
}

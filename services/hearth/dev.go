package hearth

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/notification"
)

// devClock is the movable clock and where its offset is kept, so that time does
// not go back at a restart.
type devClock struct {
	clock *clock.Adjustable
	file  string
	// moved is called after time was moved.
	moved func()

	mu sync.Mutex
}

// makeClock gives the suite its clock: the machine's, or with --dev one that can
// be moved forward.
func (s *Suite) makeClock(o Options) error {
	if !o.Dev {
		s.Clock = clock.System()
		return nil
	}
	d := &devClock{file: filepath.Join(o.Data, "development-clock"), moved: func() {
		for _, r := range s.running {
			r.ClockMoved()
		}
	}}
	kept, err := os.ReadFile(d.file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read the development clock: %w", err)
	}
	offset := time.Duration(0)
	if len(kept) > 0 {
		if offset, err = time.ParseDuration(strings.TrimSpace(string(kept))); err != nil {
			return fmt.Errorf("read the development clock in %s: %w", d.file, err)
		}
	}
	d.clock = clock.NewAdjustable(clock.System(), offset)
	s.Clock, s.devClock = d.clock, d
	return nil
}

// ServeHTTP tells the time, and moves it forward: POST {"advance": "26h"} or
// {"to": "2026-11-23T08:00:00Z"}. Time never goes back.
func (d *devClock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
	case http.MethodPost:
		if err := d.move(r); err != nil {
			httpapi.WriteProblem(w, r, err)
			return
		}
	default:
		w.Header().Set("Allow", "GET, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// An asker that has gone is no fault of ours.
	_ = json.NewEncoder(w).Encode(map[string]any{"now": d.clock.Now().UTC().Format(time.RFC3339Nano), "ahead": d.clock.Offset().String()})
}

func (d *devClock) move(r *http.Request) error {
	var asked struct {
		Advance string    `json:"advance"`
		To      time.Time `json:"to"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, 1<<10)).Decode(&asked); err != nil {
		return fault.New(fault.Invalid, "invalid_body", `Send {"advance": "26h"} or {"to": "2026-11-23T08:00:00Z"}.`)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	by := asked.To.Sub(d.clock.Now())
	if asked.Advance != "" {
		parsed, err := time.ParseDuration(asked.Advance)
		if err != nil {
			return fault.New(fault.Invalid, "invalid_duration", "advance is a duration such as 90m or 26h.")
		}
		by = parsed
	}
	if by < 0 {
		return fault.New(fault.Unprocessable, "time_goes_forward", "The clock can be moved forward only.")
	}
	ahead := d.clock.Offset() + by
	if err := os.WriteFile(d.file, []byte(ahead.String()), 0o600); err != nil {
		return fmt.Errorf("keep the development clock: %w", err)
	}
	d.clock.Advance(by)
	d.moved()
	return nil
}

// routes puts the services' APIs side by side and, with --dev, /dev beside them.
func (s *Suite) routes(o Options) (http.Handler, error) {
	mux := http.NewServeMux()
	services := Services()
	for i, r := range s.running {
		// "/intake/v1" answers all of /intake/.
		prefix := "/" + strings.SplitN(services[i].BasePath(), "/", 3)[1]
		mux.Handle(prefix+"/", r.Handler)
		mux.Handle(prefix, r.Handler)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		// No service has it, so that nobody else makes its span.
		ctx := otel.GetTextMapPropagator().Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := otel.Tracer("github.com/hearthfps/hearth/services/hearth").Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
		defer span.End()
		httpapi.WriteProblem(w, r.WithContext(ctx), fault.New(fault.NotFound, "path_not_found",
			"The APIs are below /intake/v1, /assessment/v1, /planning/v1, /visits/v1, /directory and /notifications/v1."))
	})
	if !o.Dev {
		return mux, nil
	}
	mux.Handle(issuerPath+"/", s.Issuer)
	mux.Handle("/dev/clock", s.devClock)
	inbox, err := notification.Inbox(notification.InboxDir(o.Data))
	if err != nil {
		return nil, err
	}
	mux.Handle("/dev/inbox", inbox)
	return mux, nil
}

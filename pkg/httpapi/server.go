package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/auth"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/policy"
)

// Options say what an API is made of.
type Options struct {
	// Service names the API in spans, metrics and limits.
	Service string
	// Contract is what requests are checked against. Every route must be in it,
	// and everything in it must be routed.
	Contract *Contract
	// Routes registers the handlers, with full paths.
	Routes func(r *mux.Router)
	// Authenticate turns a bearer token into who asks. It fails with a fault of
	// kind Unauthenticated or Unavailable. Nil: only public operations answer.
	Authenticate func(ctx context.Context, token string) (auth.Principal, error)
	// Limiter bounds the requests of one principal; nil bounds nothing.
	Limiter *Limiter
	// Log takes failures; nil is slog.Default.
	Log *slog.Logger
	// Metrics takes request counts and durations; nil takes none.
	Metrics prometheus.Registerer
	// Tracer makes the server spans; nil takes the global provider's.
	Tracer trace.TracerProvider
	// BodyTimeout is how long one read of a request body may take; 0 is 30 s.
	BodyTimeout time.Duration
}

// Server is an API's handler. Make one with New.
type Server struct {
	options Options
	router  *mux.Router
	observe *observer
}

// New checks that routes and contract agree and returns the handler of both.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.BodyTimeout == 0 {
		o.BodyTimeout = 30 * time.Second
	}
	observe, err := newObserver(o.Service, o.Metrics, o.Tracer)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, router: mux.NewRouter().SkipClean(true), observe: observe}
	o.Routes(s.router)
	if err := s.agree(); err != nil {
		return nil, fmt.Errorf("API of %s: %w", o.Service, err)
	}
	return s, nil
}

// agree compares where the router sends each operation with the contract: a
// route that shadows another, or is missing, is found at start and not by a user.
func (s *Server) agree() error {
	var errs []error
	routed := map[string]bool{}
	for _, op := range s.options.Contract.operations {
		r, err := http.NewRequest(op.Method, op.sample(), http.NoBody)
		if err != nil {
			return err
		}
		var match mux.RouteMatch
		if !s.router.Match(r, &match) || match.Route == nil || match.MatchErr != nil {
			errs = append(errs, fmt.Errorf("%s %s is in the OpenAPI file and has no route", op.Method, op.Path))
			continue
		}
		template, err := match.Route.GetPathTemplate()
		if err != nil {
			return err
		}
		routed[op.Method+" "+shape(template)] = true
		if shape(template) != shape(op.Path) {
			errs = append(errs, fmt.Errorf("%s %s is shadowed by the route %s: register it first, or rename it", op.Method, op.Path, template))
		}
	}
	err := s.router.Walk(func(route *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		template, err := route.GetPathTemplate()
		if err != nil || route.GetHandler() == nil {
			return nil // a matcher without a path, or a subrouter
		}
		methods, err := route.GetMethods()
		if err != nil {
			return fmt.Errorf("route %s takes any method: say which", template)
		}
		for _, method := range methods {
			if !routed[method+" "+shape(template)] {
				errs = append(errs, fmt.Errorf("route %s %s is not in the OpenAPI file", method, template))
			}
		}
		return nil
	})
	return errors.Join(append(errs, err)...)
}

var braces = regexp.MustCompile(`\{[^{}]*\}`)

// shape is a path template without the names of its parameters.
func shape(template string) string { return braces.ReplaceAllString(template, "{}") }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	op, params, allowed := s.options.Contract.match(r.Method, r.URL.Path)
	q := &request{
		id: requestID(r), operation: op, log: s.options.Log,
		idempotencyKey: r.Header.Get("Idempotency-Key"), ifMatch: r.Header.Values("If-Match"),
	}
	w.Header().Set("X-Request-Id", q.id)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	out := &writer{ResponseWriter: w}
	r = r.WithContext(withRequest(r.Context(), q))
	r, done := s.observe.begin(r, op)
	defer func() { done(out) }()
	defer s.recover(out, r)

	switch {
	case op != nil:
		s.serve(out, r, op, params)
	case len(allowed) > 0:
		out.Header().Set("Allow", strings.Join(allowed, ", "))
		writeProblem(out, r, http.StatusMethodNotAllowed, fault.New(fault.Invalid, "method_not_allowed",
			"This resource takes "+strings.Join(allowed, ", ")+"."))
	default:
		writeProblem(out, r, http.StatusNotFound, fault.New(fault.NotFound, "path_not_found",
			"There is no such path. The OpenAPI file lists those there are."))
	}
}

// serve takes a request that has an operation through the checks to its handler.
func (s *Server) serve(w *writer, r *http.Request, op *Operation, params map[string]string) {
	if !op.Public {
		principal, err := s.authenticate(r)
		if err != nil {
			WriteProblem(w, r, err)
			return
		}
		ctx := auth.With(r.Context(), principal)
		if reason := strings.TrimSpace(r.Header.Get("Hearth-Break-Glass")); reason != "" {
			if len(reason) < 10 || len(reason) > 500 {
				WriteProblem(w, r, invalid(fault.Field{Pointer: "header/Hearth-Break-Glass", Code: "length", Detail: "The reason has 10 to 500 characters."}))
				return
			}
			ctx = policy.WithBreakGlass(ctx, reason)
		}
		r = r.WithContext(ctx)
		if err := s.limit(w, r, principal); err != nil {
			WriteProblem(w, r, err)
			return
		}
	}
	control := http.NewResponseController(w.ResponseWriter)
	if fields := op.checkParameters(r, params); len(fields) > 0 {
		WriteProblem(w, r, invalid(fields...))
		return
	}
	q, _ := requestOf(r.Context())
	if op.Stream {
		r.Body = &patientBody{ReadCloser: r.Body, control: control, wait: s.options.BodyTimeout}
		q.hash = hashRequest(r, nil)
		s.router.ServeHTTP(w, r)
		return
	}
	data, err := s.body(r, op, control)
	if err != nil {
		// What is left of the body is not read: the connection cannot be used again.
		w.Header().Set("Connection", "close")
		WriteProblem(w, r, err)
		return
	}
	value, err := op.checkBody(r.Header.Get("Content-Type"), data)
	if err != nil {
		WriteProblem(w, r, err)
		return
	}
	r.Body = newCheckedBody(data, value)
	r.ContentLength = int64(len(data))
	q.hash = hashRequest(r, data)
	s.router.ServeHTTP(w, r)
}

func (s *Server) authenticate(r *http.Request) (auth.Principal, error) {
	scheme, token, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if !found || !strings.EqualFold(scheme, "bearer") || s.options.Authenticate == nil {
		return auth.Principal{}, fault.New(fault.Unauthenticated, "token_missing",
			"Send an access token of your agency's identity provider: Authorization: Bearer <token>.")
	}
	return s.options.Authenticate(r.Context(), strings.TrimSpace(token))
}

func (s *Server) limit(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	if s.options.Limiter == nil || p.Has(auth.RoleService) {
		return nil
	}
	decision := s.options.Limiter.Allow(r.Context(), s.options.Service, p.Agency.String(), p.Subject)
	decision.header(w.Header())
	if !decision.Allowed {
		return fault.New(fault.RateLimited, "rate_limited", "Too many requests. Wait as long as Retry-After says.").After(decision.RetryAfter)
	}
	return nil
}

func (s *Server) body(r *http.Request, op *Operation, control *http.ResponseController) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	// A deadline that cannot be set (a test's recorder) is one nobody waits for.
	if control.SetReadDeadline(time.Now().Add(s.options.BodyTimeout)) == nil {
		defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	}
	return readBody(r, op.BodyLimit)
}

// recover turns a panic of a handler into a problem, and logs where it came from.
func (s *Server) recover(w *writer, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		panic(v)
	}
	// The value of a panic may be anything, a family's data included: its type
	// and the stack find the defect.
	s.options.Log.LogAttrs(r.Context(), slog.LevelError, "handler panicked",
		slog.String("operation", OperationID(r.Context())), slog.String("panic", fmt.Sprintf("%T", v)), slog.String("stack", string(debug.Stack())))
	writeProblem(w, r, http.StatusInternalServerError, fault.New(fault.Internal, "internal",
		"Something broke on our side. The trace id finds it in the logs."))
}

// requestID takes the asker's X-Request-Id when it is one, or makes one.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-Id")
	if len(id) < 8 || len(id) > 64 || safeName(id) != id {
		return uuid.Must(uuid.NewV7()).String()
	}
	return id
}

package httpapi

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/hearthfps/hearth/pkg/fault"
)

// Problem is the body of every failure (RFC 9457).
type Problem struct {
	Type     string        `json:"type"`
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Code     string        `json:"code"`
	Detail   string        `json:"detail,omitempty"`
	Instance string        `json:"instance,omitempty"`
	TraceID  string        `json:"trace_id,omitempty"`
	Errors   []fault.Field `json:"errors,omitempty"`
}

var statuses = map[fault.Kind]int{
	fault.Internal: http.StatusInternalServerError, fault.Invalid: http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized, fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
	fault.Conflict: http.StatusConflict, fault.PreconditionFailed: http.StatusPreconditionFailed,
	fault.TooLarge: http.StatusRequestEntityTooLarge, fault.UnsupportedMedia: http.StatusUnsupportedMediaType,
	fault.Unprocessable: http.StatusUnprocessableEntity, fault.PreconditionRequired: http.StatusPreconditionRequired,
	fault.RateLimited: http.StatusTooManyRequests, fault.Unavailable: http.StatusServiceUnavailable,
}

// Status is the HTTP status of a kind.
func Status(kind fault.Kind) int {
	if status, ok := statuses[kind]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// WriteProblem answers a failed request: the fault in err with its fields, or an
// internal error that says nothing of err. What is ours to mend is logged, with
// its cause. When the answer has already begun the connection is cut, so that no
// half answer passes for a whole one.
//
// It has the form of oapi-codegen's ResponseErrorHandlerFunc.
func WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	e, ok := fault.As(err)
	switch {
	case ok:
	case fault.KindOf(err) == fault.Unavailable:
		e = fault.New(fault.Unavailable, "unavailable", "A part this depends on does not answer. Try again shortly.").After(2 * time.Second)
	default:
		e = fault.New(fault.Internal, "internal", "Something broke on our side. The trace id finds it in the logs.")
	}
	status := Status(e.Kind)
	if status >= 500 {
		logOf(r).LogAttrs(r.Context(), slog.LevelError, "request failed", slog.String("code", e.Code), slog.Any("error", err))
	}
	writeProblem(w, r, status, e)
}

// BadRequest answers a request that the generated code could not bind. It has the
// form of oapi-codegen's ErrorHandlerFunc and RequestErrorHandlerFunc. The text of
// err may repeat what was sent, so it is not shown.
func BadRequest(w http.ResponseWriter, r *http.Request, err error) {
	if _, ok := fault.As(err); ok || fault.KindOf(err) == fault.Unavailable {
		WriteProblem(w, r, err)
		return
	}
	e := fault.New(fault.Invalid, "invalid_request", "The request is not as the OpenAPI file says.")
	var parameter interface{ GetParamName() string }
	if errors.As(err, &parameter) {
		e.Fields = []fault.Field{{Pointer: "query/" + parameter.GetParamName(), Code: "format", Detail: "This parameter cannot be read."}}
	}
	WriteProblem(w, r, e)
}

func writeProblem(w http.ResponseWriter, r *http.Request, status int, e *fault.Error) {
	if begun, ok := w.(interface{ Begun() bool }); ok && begun.Begun() {
		panic(http.ErrAbortHandler)
	}
	problem := Problem{
		Type: "urn:hearth:problem:" + e.Code, Title: http.StatusText(status), Status: status,
		Code: e.Code, Detail: e.Detail, Instance: instance(r), Errors: e.Fields,
	}
	if span := trace.SpanContextFromContext(r.Context()); span.HasTraceID() {
		problem.TraceID = span.TraceID().String()
	}
	data, err := json.Marshal(problem)
	if err != nil { // strings and integers always marshal
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(data)))
	h.Set("Cache-Control", "no-store")
	h.Del("ETag")
	if status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		h.Set("WWW-Authenticate", `Bearer realm="hearth"`)
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	w.WriteHeader(status)
	if _, err := w.Write(data); err != nil {
		logOf(r).LogAttrs(r.Context(), slog.LevelDebug, "asker left before the answer", slog.Any("error", err))
	}
}

// instance names this occurrence: the request, by its id.
func instance(r *http.Request) string {
	if id := RequestID(r.Context()); id != "" {
		return "urn:hearth:request:" + id
	}
	return ""
}

func logOf(r *http.Request) *slog.Logger {
	if q, ok := requestOf(r.Context()); ok && q.log != nil {
		return q.log
	}
	return slog.Default()
}

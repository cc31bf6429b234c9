package httpapi

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"net/http"
)

// request is what the edge knows of the request in hand.
type request struct {
	id        string
	operation *Operation // nil when no operation matches
	log       *slog.Logger

	idempotencyKey string
	ifMatch        []string
	hash           [sha256.Size]byte // of what was asked: method, path, query, body
}

type requestKey struct{}

func withRequest(ctx context.Context, r *request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

func requestOf(ctx context.Context) (*request, bool) {
	r, ok := ctx.Value(requestKey{}).(*request)
	return r, ok
}

type leavingKey struct{}

// WithLeaving gives requests a channel that is closed when the server is about to go.
func WithLeaving(ctx context.Context, gone <-chan struct{}) context.Context {
	return context.WithValue(ctx, leavingKey{}, gone)
}

// Leaving is closed when the server is about to go: an answer that goes on as long as
// its reader does ends then. It is nil, and never closed, where no server said.
func Leaving(ctx context.Context) <-chan struct{} {
	gone, _ := ctx.Value(leavingKey{}).(<-chan struct{})
	return gone
}

// RequestID is the id of the request in hand, "" when there is none.
func RequestID(ctx context.Context) string {
	if r, ok := requestOf(ctx); ok {
		return r.id
	}
	return ""
}

// OperationID is the operation in hand, "" when there is none.
func OperationID(ctx context.Context) string {
	if r, ok := requestOf(ctx); ok && r.operation != nil {
		return r.operation.ID
	}
	return ""
}

// hashRequest names what is asked, to tell a repeat from another request under
// the same key. The body of a stream is not part of it.
func hashRequest(r *http.Request, body []byte) [sha256.Size]byte {
	h := sha256.New()
	for _, part := range []string{r.Method, r.URL.EscapedPath(), r.URL.RawQuery} {
		h.Write([]byte(part))
		h.Write([]byte{0})
	}
	h.Write(body)
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

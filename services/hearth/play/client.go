package play

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Suite is where the six services answer. In one process all share an address.
type Suite struct {
	// URL returns the scheme and host of the service that owns base path such as "/intake/v1".
	URL func(basePath string) string
	// Token returns a bearer token for a role, and a worker where the role is a worker's.
	Token func(ctx context.Context, role, worker string) (string, error)
	// HTTP sends the requests; http.DefaultClient when nil.
	HTTP *http.Client
}

// At is a Suite with every service at one address.
func At(url string, token func(ctx context.Context, role, worker string) (string, error)) *Suite {
	url = strings.TrimSuffix(url, "/")
	return &Suite{URL: func(string) string { return url }, Token: token}
}

// Person is someone who uses the suite: a role, and who they are.
type Person struct {
	suite        *Suite
	Role, Worker string
}

// As returns the person with this role; worker may be empty for a role that needs none.
func (s *Suite) As(role, worker string) *Person { return &Person{suite: s, Role: role, Worker: worker} }

// Answer is a refusal: an answer that is neither a success nor worth asking again.
type Answer struct {
	Method, Path string
	Status       int
	Code         string // the problem's code
	Body         string
}

func (a *Answer) Error() string {
	return fmt.Sprintf("%s %s: %d %s: %s", a.Method, a.Path, a.Status, a.Code, a.Body)
}

// Refused reports whether err is a refusal with this status.
func Refused(err error, status int) bool {
	var a *Answer
	return errors.As(err, &a) && a.Status == status
}

// Option changes one request.
type Option func(*http.Request)

// Key names the request, so that sending it again has no second effect.
func Key(parts ...string) Option {
	return func(r *http.Request) { r.Header.Set("Idempotency-Key", strings.Join(parts, "/")) }
}

// IfMatch says which version is being changed.
func IfMatch(etag string) Option {
	return func(r *http.Request) { r.Header.Set("If-Match", etag) }
}

// Header sets a header.
func Header(name, value string) Option {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// Get reads path into out and returns the ETag.
func (p *Person) Get(ctx context.Context, path string, out any) (etag string, err error) {
	return p.do(ctx, http.MethodGet, path, nil, out)
}

// Post sends body to path and reads the answer into out; both may be nil.
func (p *Person) Post(ctx context.Context, path string, body, out any, opts ...Option) (etag string, err error) {
	return p.do(ctx, http.MethodPost, path, body, out, opts...)
}

// Put replaces what stands at path.
func (p *Person) Put(ctx context.Context, path string, body, out any, opts ...Option) (etag string, err error) {
	return p.do(ctx, http.MethodPut, path, body, out, opts...)
}

// Patch sends a JSON merge patch to path.
func (p *Person) Patch(ctx context.Context, path string, body, out any, opts ...Option) (etag string, err error) {
	return p.do(ctx, http.MethodPatch, path, body, out, append(opts, Header("Content-Type", "application/merge-patch+json"))...)
}

// Stream posts body once, however long it is, and returns the answer's body to be read as it comes.
func (p *Person) Stream(ctx context.Context, path, contentType string, body io.Reader) (io.ReadCloser, error) {
	res, err := p.send(ctx, http.MethodPost, path, body, []Option{Header("Content-Type", contentType)})
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		defer res.Body.Close()
		answer, _ := io.ReadAll(io.LimitReader(res.Body, 1<<20)) // what can be read of it says enough
		return nil, refusal(http.MethodPost, path, res.StatusCode, answer)
	}
	return res.Body, nil
}

// Each reads every page of a list, calling f with each item. The path may have a query already.
func Each[T any](ctx context.Context, p *Person, path string, f func(T) error) error {
	cursor := ""
	for {
		page := path
		if cursor != "" {
			sep := "?"
			if strings.Contains(path, "?") {
				sep = "&"
			}
			page += sep + "cursor=" + cursor
		}
		var list struct {
			Items      []T    `json:"items"`
			NextCursor string `json:"next_cursor"`
		}
		if _, err := p.Get(ctx, page, &list); err != nil {
			return err
		}
		for _, item := range list.Items {
			if err := f(item); err != nil {
				return err
			}
		}
		if list.NextCursor == "" {
			return nil
		}
		cursor = list.NextCursor
	}
}

func (p *Person) do(ctx context.Context, method, path string, body, out any, opts ...Option) (string, error) {
	var payload []byte
	switch b := body.(type) {
	case nil:
	case []byte:
		payload = b
	case json.RawMessage:
		payload = b
	default:
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return "", fmt.Errorf("%s %s: encode the body: %w", method, path, err)
		}
	}
	wait := 20 * time.Millisecond
	for {
		etag, err := p.once(ctx, method, path, payload, out, opts)
		if err == nil || !worthAskingAgain(err) {
			return etag, err
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w; last: %w", ctx.Err(), err)
		case <-time.After(wait):
		}
		wait = min(2*wait, time.Second)
	}
}

func (p *Person) once(ctx context.Context, method, path string, payload []byte, out any, opts []Option) (string, error) {
	if payload != nil {
		opts = append([]Option{Header("Content-Type", "application/json")}, opts...)
	}
	res, err := p.send(ctx, method, path, bytes.NewReader(payload), opts)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return "", &away{fmt.Errorf("%s %s: read the answer: %w", method, path, err)}
	}
	if res.StatusCode >= 300 {
		return "", refusal(method, path, res.StatusCode, answer)
	}
	if out != nil && len(answer) > 0 {
		if err := json.Unmarshal(answer, out); err != nil {
			return "", fmt.Errorf("%s %s: the answer is not what the contract says: %w: %s", method, path, err, answer)
		}
	}
	return res.Header.Get("ETag"), nil
}

func (p *Person) send(ctx context.Context, method, path string, body io.Reader, opts []Option) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, p.suite.URL(basePath(path))+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	token, err := p.suite.Token(ctx, p.Role, p.Worker)
	if err != nil {
		return nil, fmt.Errorf("a token for %s: %w", p.Role, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	for _, o := range opts {
		o(req)
	}
	client := p.suite.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	res, err := client.Do(req)
	if err != nil {
		return nil, &away{fmt.Errorf("%s %s: %w", method, path, err)}
	}
	return res, nil
}

func refusal(method, path string, status int, answer []byte) *Answer {
	a := &Answer{Method: method, Path: path, Status: status, Body: string(answer)}
	var problem struct {
		Code string `json:"code"`
	}
	if json.Unmarshal(answer, &problem) == nil {
		a.Code = problem.Code
	}
	return a
}

// away is an error of the way, not of the request.
type away struct{ error }

func (a *away) Unwrap() error { return a.error }

func worthAskingAgain(err error) bool {
	var w *away
	if errors.As(err, &w) {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	var a *Answer
	if !errors.As(err, &a) {
		return false
	}
	switch a.Status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	case http.StatusConflict: // the same request is still being answered
		return a.Code == "request_in_flight"
	}
	return false
}

// basePath is the first segment of path: "/intake" of "/intake/v1/referrals".
func basePath(path string) string {
	if i := strings.IndexByte(path[1:], '/'); i >= 0 {
		return path[:i+1]
	}
	return path
}

// Version reads the number in an ETag made of a version.
func Version(etag string) (int64, error) {
	return strconv.ParseInt(strings.Trim(etag, `"`), 10, 64)
}

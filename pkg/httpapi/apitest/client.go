// Package apitest sends requests to an API and fails the test when an answer
// breaks the OpenAPI file.
//
// Guarantees:
//
//  1. Every answer is checked: status, content type and body; a problem too.
//  2. A body handed in as a value is sent as JSON; as []byte or string, as it is.
package apitest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/hearthfps/hearth/pkg/httpapi"
)

// Client talks to one API. Make one with New or Dial, and others from it with As.
type Client struct {
	t        testing.TB
	send     func(*http.Request) (*http.Response, error)
	base     string
	contract *httpapi.Contract
	token    string
}

// New makes a client of a handler in this process.
func New(t testing.TB, handler http.Handler, contract *httpapi.Contract) *Client {
	send := func(r *http.Request) (*http.Response, error) {
		if r.Body == nil {
			r.Body = http.NoBody // as a server hands it to its handler
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Result(), nil
	}
	return &Client{t: t, send: send, base: "http://api.test", contract: contract}
}

// Dial makes a client of a server at a base URL, without a path.
func Dial(t testing.TB, base string, contract *httpapi.Contract) *Client {
	return &Client{t: t, send: http.DefaultClient.Do, base: strings.TrimSuffix(base, "/"), contract: contract}
}

// As makes a client that sends the bearer token.
func (c *Client) As(token string) *Client {
	with := *c
	with.token = token
	return &with
}

// For makes a client that fails another test.
func (c *Client) For(t testing.TB) *Client {
	with := *c
	with.t = t
	return &with
}

// Option changes a request before it is sent.
type Option func(*http.Request)

// Header sets a header.
func Header(name, value string) Option {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

// Key sets the Idempotency-Key.
func Key(key string) Option { return Header("Idempotency-Key", key) }

// IfMatch sets the version a change is made to.
func IfMatch(etag string) Option { return Header("If-Match", etag) }

// Query adds a query parameter.
func Query(name, value string) Option {
	return func(r *http.Request) {
		q := r.URL.Query()
		q.Add(name, value)
		r.URL.RawQuery = q.Encode()
	}
}

// Get reads a path.
func (c *Client) Get(path string, options ...Option) *Answer {
	c.t.Helper()
	return c.Do(http.MethodGet, path, nil, options...)
}

// Post sends a body.
func (c *Client) Post(path string, body any, options ...Option) *Answer {
	c.t.Helper()
	return c.Do(http.MethodPost, path, body, options...)
}

// Put replaces.
func (c *Client) Put(path string, body any, options ...Option) *Answer {
	c.t.Helper()
	return c.Do(http.MethodPut, path, body, options...)
}

// Patch changes, by JSON merge patch (RFC 7396) unless an option sets another
// Content-Type.
func (c *Client) Patch(path string, body any, options ...Option) *Answer {
	c.t.Helper()
	return c.Do(http.MethodPatch, path, body, append([]Option{Header("Content-Type", "application/merge-patch+json")}, options...)...)
}

// Delete removes.
func (c *Client) Delete(path string, options ...Option) *Answer {
	c.t.Helper()
	return c.Do(http.MethodDelete, path, nil, options...)
}

// Do sends a request and checks the answer.
func (c *Client) Do(method, path string, body any, options ...Option) *Answer {
	c.t.Helper()
	if _, err := url.Parse(path); err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	r, err := http.NewRequest(method, c.base+path, c.reader(body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for _, o := range options {
		o(r)
	}
	response, err := c.send(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	data, err := io.ReadAll(response.Body)
	if closed := response.Body.Close(); err == nil {
		err = closed
	}
	if err != nil {
		c.t.Fatalf("%s %s: read answer: %v", method, path, err)
	}
	if err := c.contract.CheckAnswer(method, r.URL.Path, response.StatusCode, response.Header, data); err != nil {
		c.t.Errorf("%s %s: %v\n%s", method, path, err, data)
	}
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: data, t: c.t, what: method + " " + path}
}

func (c *Client) reader(body any) io.Reader {
	switch b := body.(type) {
	case nil:
		return nil
	case []byte:
		return bytes.NewReader(b)
	case string:
		return strings.NewReader(b)
	case io.Reader:
		return b
	}
	data, err := json.Marshal(body)
	if err != nil {
		c.t.Fatalf("encode body: %v", err)
	}
	return bytes.NewReader(data)
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte

	t    testing.TB
	what string
}

// Want fails the test when the status is another.
func (a *Answer) Want(status int) *Answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("%s: got %d, want %d\n%s", a.what, a.Status, status, a.Body)
	}
	return a
}

// WantProblem fails the test unless the answer is a problem with the status and code.
func (a *Answer) WantProblem(status int, code string) httpapi.Problem {
	a.t.Helper()
	a.Want(status)
	var p httpapi.Problem
	a.Into(&p)
	if p.Code != code {
		a.t.Fatalf("%s: got code %q, want %q\n%s", a.what, p.Code, code, a.Body)
	}
	return p
}

// Into decodes the body.
func (a *Answer) Into(v any) *Answer {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Fatalf("%s: decode answer: %v\n%s", a.what, err, a.Body)
	}
	return a
}

// ETag is the version's tag.
func (a *Answer) ETag() string { return a.Header.Get("ETag") }

// Read decodes the body into a new T.
func Read[T any](a *Answer) T {
	a.t.Helper()
	var v T
	a.Into(&v)
	return v
}

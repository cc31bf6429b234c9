package app_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
)

// answers is a service that gives one answer after the other, the last one for ever.
func answers(t *testing.T, each ...http.HandlerFunc) *app.Prober {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		answer := each[0]
		if len(each) > 1 {
			each = each[1:]
		}
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return &app.Prober{URL: server.URL, Token: "t", HTTP: client, Pause: time.Millisecond, Out: io.Discard}
}

func status(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func TestProbe_AsksAgainWhileTheServiceIsStarting(t *testing.T) {
	starting := status(http.StatusServiceUnavailable, "")
	p := answers(t, starting, starting, status(http.StatusOK, `{"items": []}`))
	if err := (app.Service{Name: "test"}).ProbeWith(t.Context(), p); err != nil {
		t.Error(err)
	}
}

func TestProbe_EndsWithTheLastReason(t *testing.T) {
	p := answers(t, status(http.StatusServiceUnavailable, "the database is away"))
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	err := p.Ask(ctx, http.MethodGet, "/things", nil, nil, http.StatusOK)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "the database is away") {
		t.Errorf("got %v, want the deadline and why it was waited for", err)
	}
}

func TestProbe_RefusesWhatIsNoAnswer(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"another status": status(http.StatusForbidden, `{"code": "not_allowed"}`),
		"no JSON":        status(http.StatusOK, "hello"),
		"no list":        status(http.StatusOK, "{}"),
	} {
		err := (app.Service{Name: "test"}).ProbeWith(t.Context(), answers(t, answer))
		if err == nil || !strings.Contains(err.Error(), "/parked-events") {
			t.Errorf("%s: got %v, want an error that names what was asked", name, err)
		}
	}
}

func TestProbe_NeedsAServiceThatRefusesStrangers(t *testing.T) {
	open := httptest.NewServer(status(http.StatusOK, `{"items": []}`))
	defer open.Close()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	err := (app.Service{Name: "test"}).ProbeWith(t.Context(), &app.Prober{URL: open.URL, Token: "t", HTTP: client, Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "without a token") {
		t.Errorf("got %v, want a refusal of a service that answers anyone", err)
	}
}

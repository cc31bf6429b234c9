package serve

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"
)

func TestUntil_AnswersUntilItIsToldToEnd(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	// Somebody has the address: that is an error at once, not at the end.
	server := func() *http.Server {
		return &http.Server{Addr: addr, ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			stop() // while this is being answered
			w.WriteHeader(http.StatusTeapot)
		})}
	}
	if err := until(ctx, server()); err == nil {
		t.Fatal("it serves at an address that another has")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- until(ctx, server()) }()
	for deadline := time.Now().Add(time.Minute); ; {
		res, err := http.Get("http://" + addr)
		if err == nil {
			res.Body.Close()
			if res.StatusCode != http.StatusTeapot {
				t.Errorf("it answers %s", res.Status)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // until it listens
	}
	if err := <-ended; err != nil {
		t.Errorf("told to end: %v", err)
	}
}

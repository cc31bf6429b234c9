package postgres_test

import (
	"net"
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/postgres"
)

func TestOpen_GivesUpOnAServerThatSaysNothing(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	failed := make(chan error, 1)
	go func() {
		_, err := postgres.Open(t.Context(), postgres.Config{URL: "postgres://x:y@" + l.Addr().String() + "/z?sslmode=disable", ConnectWithin: 50 * time.Millisecond})
		failed <- err
	}()
	select {
	case err := <-failed:
		if err == nil {
			t.Error("Open of a server that says nothing returned nil")
		}
	case <-time.After(time.Minute):
		t.Error("Open still waits for a server that says nothing")
	}
}

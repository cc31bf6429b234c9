package app

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Admin answers probes and metrics, for one service or for several.
type Admin struct {
	// Services are asked whether they are ready.
	Services []*Running
	// Metrics answers /metrics.
	Metrics http.Handler

	leaving atomic.Bool
}

// Leave makes /readyz say no from now on.
func (a *Admin) Leave() { a.leaving.Store(true) }

// ServeHTTP answers /livez, /readyz (with ?verbose, check by check) and /metrics.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/livez":
		fmt.Fprintln(w, "ok")
	case "/readyz":
		a.ready(w, r)
	case "/metrics":
		a.Metrics.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (a *Admin) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	var lines []string
	failing := 0
	if a.leaving.Load() {
		failing++
		lines = append(lines, "[-] leaving")
	}
	for _, s := range a.Services {
		failed := s.Ready(ctx)
		failing += len(failed)
		for name := range s.checks {
			mark := "[+] "
			if failed[name] != nil {
				mark = "[-] "
			}
			lines = append(lines, mark+s.Name+" "+name)
		}
		if failed["workers"] != nil {
			lines = append(lines, "[-] "+s.Name+" workers")
		}
	}
	slices.Sort(lines)
	if failing > 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	if r.URL.Query().Has("verbose") || failing > 0 {
		fmt.Fprintln(w, strings.Join(lines, "\n"))
	}
	if failing == 0 {
		fmt.Fprintln(w, "ok")
	}
}

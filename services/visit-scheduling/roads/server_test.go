package roads_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// server speaks the three protocols as they are documented, and keeps what it was
// asked. Northwards a way takes 90 seconds a hundredth of a degree, southwards 30;
// north of 70 degrees there are no roads.
type server struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string // method, URL and body of each
	headers  []http.Header
	answer   http.HandlerFunc // in place of the usual one
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *server) asked() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.requests...)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	s.requests = append(s.requests, r.Method+" "+r.URL.String()+" "+string(body))
	s.headers = append(s.headers, r.Header.Clone())
	answer := s.answer
	s.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case strings.HasPrefix(r.URL.Path, "/table/v1/"):
		osrmTable(w, r)
	case r.URL.Path == "/sources_to_targets" && r.Method == http.MethodPost:
		valhallaMatrix(w, body)
	case r.URL.Path == "/api/1/matrix" && r.Method == http.MethodPost:
		graphhopperMatrix(w, body)
	default:
		http.NotFound(w, r)
	}
}

func seconds(from, to optimise.Place) *float64 {
	if max(from.Lat, to.Lat) > 70 {
		return nil
	}
	s := (to.Lat - from.Lat) * 9000
	if s < 0 {
		s = -s / 3
	}
	return &s
}

func table(from, to []optimise.Place) [][]*float64 {
	all := make([][]*float64, len(from))
	for i, a := range from {
		for _, b := range to {
			all[i] = append(all[i], seconds(a, b))
		}
	}
	return all
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that has gone is its own business
}

func osrmTable(w http.ResponseWriter, r *http.Request) {
	bad := func() {
		write(w, http.StatusBadRequest, map[string]any{"code": "InvalidQuery", "message": "Query string malformed"})
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/table/v1/"), "/")
	if r.Method != http.MethodGet || len(parts) != 2 || r.URL.Query().Get("annotations") != "duration" {
		bad()
		return
	}
	var all []optimise.Place
	for _, pair := range strings.Split(parts[1], ";") {
		lon, lat, _ := strings.Cut(pair, ",")
		x, err := strconv.ParseFloat(lon, 64)
		y, err2 := strconv.ParseFloat(lat, 64)
		if err != nil || err2 != nil {
			bad()
			return
		}
		all = append(all, optimise.Place{Lat: y, Lon: x})
	}
	chosen := func(name string) (some []optimise.Place) {
		// a semicolon separates parameters no more, and is not escaped by clients
		_, after, _ := strings.Cut("&"+r.URL.RawQuery, "&"+name+"=")
		list, _, _ := strings.Cut(after, "&")
		for _, i := range strings.Split(list, ";") {
			n, err := strconv.Atoi(i)
			if err != nil || n < 0 || n >= len(all) {
				return nil
			}
			some = append(some, all[n])
		}
		return some
	}
	from, to := chosen("sources"), chosen("destinations")
	if from == nil || to == nil {
		bad()
		return
	}
	waypoints := func(places []optimise.Place) (all []map[string]any) {
		for _, p := range places {
			all = append(all, map[string]any{"hint": "", "distance": 1.5, "name": "", "location": []float64{p.Lon, p.Lat}})
		}
		return all
	}
	write(w, http.StatusOK, map[string]any{"code": "Ok", "durations": table(from, to), "sources": waypoints(from), "destinations": waypoints(to)})
}

func valhallaMatrix(w http.ResponseWriter, body []byte) {
	var q struct {
		Sources, Targets []optimise.Place
		Costing          string
	}
	if err := json.Unmarshal(body, &q); err != nil || len(q.Sources) == 0 || len(q.Targets) == 0 {
		write(w, http.StatusBadRequest, map[string]any{"error_code": 112, "error": "Insufficiently specified required parameter", "status_code": 400})
		return
	}
	rows := make([][]map[string]any, len(q.Sources))
	for i, row := range table(q.Sources, q.Targets) {
		for j, s := range row {
			rows[i] = append(rows[i], map[string]any{"distance": 1.5, "time": s, "from_index": i, "to_index": j})
		}
	}
	write(w, http.StatusOK, map[string]any{"sources_to_targets": rows, "units": "kilometers", "algorithm": "costmatrix"})
}

func graphhopperMatrix(w http.ResponseWriter, body []byte) {
	var q struct {
		From     [][2]float64 `json:"from_points"`
		To       [][2]float64 `json:"to_points"`
		Profile  string       `json:"profile"`
		Out      []string     `json:"out_arrays"`
		FailFast *bool        `json:"fail_fast"`
	}
	if err := json.Unmarshal(body, &q); err != nil || q.FailFast == nil || *q.FailFast || fmt.Sprint(q.Out) != "[times]" {
		write(w, http.StatusBadRequest, map[string]any{"message": "Bad Request"})
		return
	}
	places := func(points [][2]float64) (all []optimise.Place) {
		for _, p := range points {
			all = append(all, optimise.Place{Lat: p[1], Lon: p[0]})
		}
		return all
	}
	write(w, http.StatusOK, map[string]any{"times": table(places(q.From), places(q.To)), "info": map[string]any{"copyrights": []string{}}})
}

// Package household asks intake where a household is, as coarsely as travel
// needs: the centroid of a postal area, and nothing for who keeps it to
// themselves.
package household

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/visit-scheduling/postgres"
)

// Doer sends a request with the service's token for the agency of its context.
type Doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// Intake asks intake's API.
type Intake struct {
	// Base is intake's URL, without /intake/v1.
	Base string
	HTTP Doer
	// Timeout is how long one answer may take.
	Timeout time.Duration
}

// answerLimit is more than any travel point takes.
const answerLimit = 64 << 10

// TravelPoint asks for a household's point. A household intake does not know has
// none. Unavailable when intake cannot be asked now.
func (i Intake) TravelPoint(ctx context.Context, household string) (postgres.TravelPoint, error) {
	ctx, cancel := context.WithTimeout(ctx, i.Timeout)
	defer cancel()
	away := func(cause error) error {
		return fault.New(fault.Unavailable, "intake_unavailable", "Intake could not be asked for a travel point.").Because(cause)
	}
	address := strings.TrimSuffix(i.Base, "/") + "/intake/v1/households/" + url.PathEscape(household) + "/travel-point"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return postgres.TravelPoint{}, fmt.Errorf("ask for travel point: %w", err)
	}
	response, err := i.HTTP.Do(r)
	if err != nil {
		return postgres.TravelPoint{}, away(err)
	}
	defer func() { _ = response.Body.Close() }() // nothing to lose: the answer was read or is not wanted
	switch {
	case response.StatusCode == http.StatusNotFound:
		return postgres.TravelPoint{Source: "unknown_household"}, nil
	case response.StatusCode != http.StatusOK:
		return postgres.TravelPoint{}, away(fmt.Errorf("status %d", response.StatusCode))
	}
	var answer struct {
		Known  bool     `json:"known"`
		Lat    *float64 `json:"lat"`
		Lon    *float64 `json:"lon"`
		Source string   `json:"source"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, answerLimit)).Decode(&answer); err != nil {
		return postgres.TravelPoint{}, away(err)
	}
	point := postgres.TravelPoint{Source: answer.Source}
	if answer.Known && answer.Lat != nil && answer.Lon != nil && onEarth(*answer.Lat, *answer.Lon) {
		point.Known, point.Lat, point.Lon = true, answer.Lat, answer.Lon
	}
	return point, nil
}

func onEarth(lat, lon float64) bool { return lat >= -90 && lat <= 90 && lon >= -180 && lon <= 180 }

package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/hearthfps/hearth/pkg/events"
)

// Parked is a parked event of a service.
type Parked struct {
	Service string `json:"service"`
	events.Parked
}

// ParkedEvents asks services about their parked events, over their operator API.
type ParkedEvents struct {
	// Paths are below which URL each service answers its operators, by its name.
	Paths map[string]string
	// Token is an operator's, of one agency.
	Token string
	// Unaddressed is about events that name no agency, instead of the agency's.
	Unaddressed bool
	HTTP        *http.Client
}

// List is what is parked, service by service, oldest first. What could be read is
// returned with the error of what could not.
func (p ParkedEvents) List(ctx context.Context) ([]Parked, error) {
	var all []Parked
	var errs []error
	for _, service := range sortedKeys(p.Paths) {
		for cursor := ""; ; {
			query := url.Values{"limit": {"200"}}
			if cursor != "" {
				query.Set("cursor", cursor)
			}
			var page struct {
				Items      []Parked `json:"items"`
				NextCursor string   `json:"next_cursor"`
			}
			if err := p.ask(ctx, service, http.MethodGet, "", query, &page); err != nil {
				errs = append(errs, err)
				break
			}
			for _, item := range page.Items {
				item.Service = service
				all = append(all, item)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
	}
	return all, errors.Join(errs...)
}

// Find is the parked event with an id, of whichever service has it.
func (p ParkedEvents) Find(ctx context.Context, id string) (Parked, error) {
	all, err := p.List(ctx)
	if i := slices.IndexFunc(all, func(e Parked) bool { return e.ID == id }); i >= 0 {
		return all[i], nil
	}
	if err != nil {
		return Parked{}, err
	}
	return Parked{}, fmt.Errorf("no service has a parked event %s: it may have gone on", id)
}

// Retry has the key of an event go on from it; Skip gives the event up for good.
func (p ParkedEvents) Retry(ctx context.Context, e Parked) error { return p.change(ctx, e, "retry") }

// Skip gives an event up: it has no effect, ever, and those behind it go on.
func (p ParkedEvents) Skip(ctx context.Context, e Parked) error { return p.change(ctx, e, "skip") }

func (p ParkedEvents) change(ctx context.Context, e Parked, verb string) error {
	return p.ask(ctx, e.Service, http.MethodPost, "/"+url.PathEscape(e.ID)+":"+verb, url.Values{}, nil)
}

func (p ParkedEvents) ask(ctx context.Context, service, method, path string, query url.Values, into any) error {
	if p.Unaddressed {
		query.Set("unaddressed", "true")
	}
	address := strings.TrimSuffix(p.Paths[service], "/") + "/parked-events" + path
	req, err := http.NewRequestWithContext(ctx, method, address+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", service, err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Token)
	res, err := p.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", service, err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return fmt.Errorf("%s: %w", service, err)
	}
	if res.StatusCode >= 300 {
		var problem struct{ Detail, Code string }
		if json.Unmarshal(body, &problem) != nil || problem.Detail == "" {
			problem.Detail = "the answer is no problem of Hearth's: is the URL right?"
		}
		return fmt.Errorf("%s answers %s: %s", service, res.Status, problem.Detail)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: the answer cannot be read: %w", service, err)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

package roads

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
)

// Kinds are the servers there is a client for.
func Kinds() []string { return []string{"osrm", "valhalla", "graphhopper"} }

// Config is how a server is asked.
type Config struct {
	// Kind is one of Kinds.
	Kind string
	// URL is where its API begins: http://osrm:5000, https://example.org/valhalla.
	URL string
	// Key is sent along: in the URL to GraphHopper, as a bearer token to others.
	// Empty sends none.
	Key string
	// Timeout is how long one answer may take, its turn included.
	Timeout time.Duration
	// Parallel is how many requests are under way at once.
	Parallel int
	// Failures in a row open the circuit for Pause.
	Failures int
	Pause    time.Duration
}

// Client asks one server. It implements matrix.Provider and is safe for concurrent use.
type Client struct {
	config  Config
	api     api
	base    *url.URL
	http    *http.Client
	turns   chan struct{}
	circuit *circuit
}

// api is how one kind of server is asked and answers.
type api interface {
	// request is for the minutes from each place to each.
	request(base *url.URL, key, profile string, from, to []optimise.Place) (address *url.URL, body []byte, err error)
	// profile is what the server calls a mode; "" when it knows none such.
	profile(mode optimise.Mode) string
	// read reads an answer of the server, whatever its status.
	read(body []byte, rows, columns int) ([][]int, error)
}

// answerLimit bounds an answer: some 100 bytes for each way.
const answerLimit = 8 << 20

// New makes a client with connections of its own. Close it.
func New(c Config, now clock.Clock) (*Client, error) {
	kinds := map[string]api{"osrm": osrm{}, "valhalla": valhalla{}, "graphhopper": graphhopper{}}
	kind, ok := kinds[c.Kind]
	if !ok {
		return nil, fmt.Errorf("there is no client for %q; there are %s", c.Kind, strings.Join(Kinds(), ", "))
	}
	base, err := url.Parse(c.URL)
	if err != nil || (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.User != nil || base.RawQuery != "" {
		return nil, errors.New("not a URL that begins with http:// or https://, with a host and without a login or a query")
	}
	if c.Timeout <= 0 || c.Parallel < 1 || c.Failures < 1 || c.Pause <= 0 {
		return nil, errors.New("timeout, parallel, failures and pause: more than 0")
	}
	return &Client{
		config: c, api: kind, base: base, turns: make(chan struct{}, c.Parallel),
		circuit: &circuit{clock: now, failures: c.Failures, pause: c.Pause},
		http: &http.Client{
			Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: c.Parallel, IdleConnTimeout: time.Minute},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}, nil
}

// Close gives back the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Errors of Block that are no answer of the server's.
var (
	ErrMode = errors.New("the server knows no such way of travelling")
	ErrOpen = errors.New("the server failed lately and is not asked now")
)

// Knows says whether the server can be asked about a mode.
func (c *Client) Knows(mode optimise.Mode) bool { return c.api.profile(mode) != "" }

// Block implements matrix.Provider.
func (c *Client) Block(ctx context.Context, mode optimise.Mode, from, to []optimise.Place) ([][]int, error) {
	profile := c.api.profile(mode)
	if profile == "" {
		return nil, ErrMode
	}
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	select {
	case c.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for a turn: %w", ctx.Err())
	}
	defer func() { <-c.turns }()
	if !c.circuit.admits() {
		return nil, ErrOpen
	}
	block, err := c.ask(ctx, profile, from, to)
	if whole.Err() != nil {
		c.circuit.forget() // whoever asked has gone: that says nothing of the server
	} else {
		c.circuit.tell(err == nil)
	}
	return block, err
}

func (c *Client) ask(ctx context.Context, profile string, from, to []optimise.Place) ([][]int, error) {
	address, body, err := c.api.request(c.base, c.config.Key, profile, from, to)
	if err != nil {
		return nil, err
	}
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(ctx, method, address.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.config.Kind, unsaid(err))
	}
	r.Header.Set("Accept", "application/json")
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.config.Key != "" && c.config.Kind != "graphhopper" {
		r.Header.Set("Authorization", "Bearer "+c.config.Key)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", c.config.Kind, unsaid(err))
	}
	defer func() { _ = response.Body.Close() }() // nothing to lose: the answer was read or is not wanted
	answer, err := io.ReadAll(io.LimitReader(response.Body, answerLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", c.config.Kind, unsaid(err))
	}
	if len(answer) > answerLimit {
		return nil, fmt.Errorf("the answer of %s is longer than %d bytes", c.config.Kind, answerLimit)
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", c.config.Kind, response.StatusCode)
	}
	block, err := c.api.read(answer, len(from), len(to))
	if err != nil {
		return nil, fmt.Errorf("the answer of %s: %w", c.config.Kind, err)
	}
	return block, nil
}

// unsaid is an error without the URL it came from: places and keys may be in it.
func unsaid(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// mostMinutes is the longest way that is believed.
const mostMinutes = 24 * 60

// minutesOf turns seconds into whole minutes, rounded up; null is no way.
func minutesOf(seconds *float64) (int, error) {
	switch {
	case seconds == nil:
		return matrix.None, nil
	case math.IsNaN(*seconds) || *seconds < 0 || *seconds > mostMinutes*60:
		return 0, errors.New("a way takes less than nothing or more than a day")
	}
	return int(math.Ceil(*seconds/60 - 1e-9)), nil
}

// blockOf turns a table of seconds into minutes, and is an error when it is not of
// the size asked for.
func blockOf(seconds [][]*float64, rows, columns int) ([][]int, error) {
	if len(seconds) != rows || slices.ContainsFunc(seconds, func(row []*float64) bool { return len(row) != columns }) {
		return nil, fmt.Errorf("it is not %d by %d", rows, columns)
	}
	block := make([][]int, rows)
	for i, row := range seconds {
		block[i] = make([]int, columns)
		for j, s := range row {
			var err error
			if block[i][j], err = minutesOf(s); err != nil {
				return nil, err
			}
		}
	}
	return block, nil
}

package visitscheduling

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/services/visit-scheduling/desk"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
	"github.com/hearthfps/hearth/services/visit-scheduling/roads"
	"github.com/hearthfps/hearth/services/visit-scheduling/schedule"
)

// fromFile is the provider that is a file of the operator's: nobody is asked.
const fromFile = "csv"

const (
	// roadsAtOnce is how many requests to a provider are under way at once.
	roadsAtOnce = 2
	// roadsFailures in a row stop the asking for roadsPause.
	roadsFailures = 3
	roadsPause    = time.Minute
)

// askRoads has a desk ask who the settings name: without a provider nobody, and no
// client is made. It reads the files that are named. done ends the asking.
func (s Settings) askRoads(d *desk.Desk) (done func() error, err error) {
	done = func() error { return nil }
	if err := s.checkRoads(); err != nil || s.TravelProvider == "" {
		return done, err
	}
	if s.TravelProvider == fromFile {
		d.Roads.Name = "file"
		d.Roads.File, err = readRoads(s.TravelFile)
		return done, err
	}
	client, err := s.roadsClient(d.Clock)
	if err != nil {
		return nil, err
	}
	d.Roads.Name, d.Roads.Provider = s.TravelProvider, client
	for _, m := range s.TravelModes {
		mode := modeOf(m)
		if !client.Knows(mode) {
			return nil, fmt.Errorf("travel_modes: %s cannot be asked about %q; car, bicycle and foot are possible", s.TravelProvider, m)
		}
		d.Roads.Modes = append(d.Roads.Modes, mode)
	}
	return func() error {
		client.Close()
		return nil
	}, nil
}

func readRoads(path string) (*matrix.Times, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("travel_file: %w", err)
	}
	defer func() { _ = f.Close() }() // read only
	times, err := matrix.Read(f)
	if err != nil {
		return nil, fmt.Errorf("travel_file %s: %w", path, err)
	}
	return times, nil
}

func (s Settings) roadsClient(now clock.Clock) (*roads.Client, error) {
	key := ""
	if s.TravelKeyFile != "" {
		data, err := os.ReadFile(s.TravelKeyFile)
		if err != nil {
			return nil, fmt.Errorf("travel_key_file: %w", err)
		}
		key = strings.TrimSpace(string(data))
	}
	client, err := roads.New(roads.Config{
		Kind: s.TravelProvider, URL: s.TravelURL, Key: key, Timeout: time.Duration(s.TravelTimeout),
		Parallel: roadsAtOnce, Failures: roadsFailures, Pause: roadsPause,
	}, now)
	if err != nil {
		return nil, fmt.Errorf("travel_url: %w", err)
	}
	return client, nil
}

// checkRoads says which setting of the provider makes no sense, without a look at files.
func (s Settings) checkRoads() error {
	switch {
	case s.TravelProvider == "":
		if s.TravelURL != "" || s.TravelKeyFile != "" || s.TravelFile != "" {
			return errors.New("travel_url, travel_key_file, travel_file: travel_provider is not set, so nobody is asked; set it or leave them out")
		}
		return nil
	case s.TravelProvider == fromFile:
		if s.TravelFile == "" || s.TravelURL != "" || s.TravelKeyFile != "" {
			return errors.New("travel_provider csv needs travel_file, and neither travel_url nor travel_key_file")
		}
		return nil
	case !slices.Contains(roads.Kinds(), s.TravelProvider):
		return fmt.Errorf("travel_provider: there is no %q: empty (nobody is asked), %s or %s", s.TravelProvider, strings.Join(roads.Kinds(), ", "), fromFile)
	case s.TravelURL == "" || s.TravelFile != "":
		return fmt.Errorf("travel_provider %s needs travel_url, and no travel_file", s.TravelProvider)
	case s.TravelTimeout <= 0:
		return errors.New("travel_timeout: more than 0")
	case len(s.TravelModes) == 0:
		return errors.New("travel_modes: at least one of car, bicycle and foot")
	}
	return nil
}

func modeOf(name string) schedule.Mode {
	if name == "car" {
		return optimise.Car
	}
	return schedule.Mode(name)
}

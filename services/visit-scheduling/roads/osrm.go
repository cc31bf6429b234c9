package roads

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
)

// osrm is the table service of OSRM 5 and later (docs/http.md of osrm-backend): a
// GET with all places as longitude,latitude and which of them are sources and
// destinations; seconds, null where there is no way. A server is prepared for one
// profile and takes the name in the path for granted.
type osrm struct{}

func (osrm) profile(mode optimise.Mode) string {
	return map[optimise.Mode]string{optimise.Car: "car", optimise.Bicycle: "bike", optimise.Foot: "foot"}[mode]
}

func (osrm) request(base *url.URL, _, profile string, from, to []optimise.Place) (*url.URL, []byte, error) {
	var at, sources, destinations []string
	index := map[optimise.Place]string{}
	number := func(p optimise.Place) string {
		i, known := index[p]
		if !known {
			i = strconv.Itoa(len(at))
			index[p] = i
			at = append(at, degrees(p.Lon)+","+degrees(p.Lat))
		}
		return i
	}
	for _, p := range from {
		sources = append(sources, number(p))
	}
	for _, p := range to {
		destinations = append(destinations, number(p))
	}
	address := base.JoinPath("table", "v1", profile, strings.Join(at, ";"))
	address.RawQuery = "sources=" + strings.Join(sources, ";") + "&destinations=" + strings.Join(destinations, ";") + "&annotations=duration"
	return address, nil, nil
}

func (osrm) read(body []byte, rows, columns int) ([][]int, error) {
	var answer struct {
		Code      string       `json:"code"`
		Durations [][]*float64 `json:"durations"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, unreadable(err)
	}
	if answer.Code != "Ok" {
		return nil, errors.New("its code is not Ok")
	}
	return blockOf(answer.Durations, rows, columns)
}

// degrees writes a coordinate with the decimals places are rounded to.
func degrees(x float64) string { return strconv.FormatFloat(x, 'f', matrix.Digits, 64) }

// unreadable is a broken JSON document without what stands in it.
func unreadable(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("no JSON, at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("something else than was expected, at byte %d", kind.Offset)
	}
	return errors.New("no JSON")
}

package roads

import (
	"encoding/json"
	"net/url"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
)

// graphhopper is GraphHopper's Matrix API: a POST of points as [longitude, latitude]
// to /matrix; seconds, and with fail_fast off null where there is no way. The key is
// a parameter of the URL.
type graphhopper struct{}

func (graphhopper) profile(mode optimise.Mode) string {
	return map[optimise.Mode]string{optimise.Car: "car", optimise.Bicycle: "bike", optimise.Foot: "foot"}[mode]
}

func (graphhopper) request(base *url.URL, key, profile string, from, to []optimise.Place) (*url.URL, []byte, error) {
	points := func(places []optimise.Place) (all [][2]json.Number) {
		for _, p := range places {
			all = append(all, [2]json.Number{number(p.Lon), number(p.Lat)})
		}
		return all
	}
	body, err := json.Marshal(map[string]any{
		"from_points": points(from), "to_points": points(to), "out_arrays": []string{"times"}, "profile": profile, "fail_fast": false,
	})
	address := base.JoinPath("matrix")
	if key != "" {
		address.RawQuery = url.Values{"key": {key}}.Encode()
	}
	return address, body, err
}

func (graphhopper) read(body []byte, rows, columns int) ([][]int, error) {
	var answer struct {
		Times [][]*float64 `json:"times"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, unreadable(err)
	}
	return blockOf(answer.Times, rows, columns)
}

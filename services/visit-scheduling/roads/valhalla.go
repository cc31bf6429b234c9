package roads

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"

	"github.com/hearthfps/hearth/services/visit-scheduling/optimise"
	"github.com/hearthfps/hearth/services/visit-scheduling/optimise/matrix"
)

// valhalla is the time-distance matrix of Valhalla (docs/docs/api/matrix): a POST of
// sources and targets to /sources_to_targets; a row for each source of elements with
// the seconds, null where there is no way. Since 3.5 a server may be told to answer
// with bare tables of durations; both are read. There is no multimodal matrix.
type valhalla struct{}

func (valhalla) profile(mode optimise.Mode) string {
	return map[optimise.Mode]string{optimise.Car: "auto", optimise.Bicycle: "bicycle", optimise.Foot: "pedestrian"}[mode]
}

// number is a coordinate as JSON writes it with the decimals places are rounded to.
func number(x float64) json.Number {
	return json.Number(strconv.FormatFloat(x, 'f', matrix.Digits, 64))
}

func (valhalla) request(base *url.URL, _, profile string, from, to []optimise.Place) (*url.URL, []byte, error) {
	type location struct {
		Lat json.Number `json:"lat"`
		Lon json.Number `json:"lon"`
	}
	locations := func(places []optimise.Place) (all []location) {
		for _, p := range places {
			all = append(all, location{number(p.Lat), number(p.Lon)})
		}
		return all
	}
	body, err := json.Marshal(map[string]any{"sources": locations(from), "targets": locations(to), "costing": profile})
	return base.JoinPath("sources_to_targets"), body, err
}

func (valhalla) read(body []byte, rows, columns int) ([][]int, error) {
	var answer struct {
		Matrix json.RawMessage `json:"sources_to_targets"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, unreadable(err)
	}
	var bare struct {
		Durations [][]*float64 `json:"durations"`
	}
	if len(answer.Matrix) > 0 && answer.Matrix[0] == '{' {
		if err := json.Unmarshal(answer.Matrix, &bare); err != nil {
			return nil, unreadable(err)
		}
		return blockOf(bare.Durations, rows, columns)
	}
	type element struct {
		Time *float64 `json:"time"`
		From *int     `json:"from_index"`
		To   *int     `json:"to_index"`
	}
	var elements [][]*element
	if err := json.Unmarshal(answer.Matrix, &elements); err != nil {
		return nil, unreadable(err)
	}
	seconds := make([][]*float64, len(elements))
	for i, row := range elements {
		for j, e := range row {
			if e == nil {
				e = &element{}
			}
			if (e.From != nil && *e.From != i) || (e.To != nil && *e.To != j) {
				return nil, fmt.Errorf("element %d of row %d is of another way", j, i)
			}
			seconds[i] = append(seconds[i], e.Time)
		}
	}
	return blockOf(seconds, rows, columns)
}

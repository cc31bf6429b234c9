package api

import (
	"context"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/assessment/instruments"
)

// instrumentCursor is the last instrument of a page.
type instrumentCursor struct {
	Code    string `json:"c"`
	Version string `json:"v"`
}

// ListInstruments answers GET /instruments. Instruments are nobody's data: anyone
// of the agency reads them.
func (s *Server) ListInstruments(_ context.Context, r ListInstrumentsRequestObject) (ListInstrumentsResponseObject, error) {
	var after instrumentCursor
	if r.Params.Cursor != nil {
		if err := httpapi.DecodeCursor(*r.Params.Cursor, &after); err != nil {
			return nil, err
		}
	}
	limit := httpapi.Limit(r.Params.Limit)
	out := ListInstruments200JSONResponse{Items: []InstrumentSummary{}}
	skipping := after.Code != ""
	for _, ins := range s.Library.All() {
		if skipping {
			skipping = ins.Code != after.Code || ins.Version != after.Version
			continue
		}
		if len(out.Items) == limit {
			last := out.Items[limit-1]
			next := httpapi.EncodeCursor(instrumentCursor{Code: last.Instrument, Version: last.Version})
			out.NextCursor = &next
			break
		}
		out.Items = append(out.Items, InstrumentSummary{
			Instrument: ins.Code, Version: ins.Version, Kind: InstrumentSummaryKind(ins.Kind), Title: ins.Title, Purpose: ins.Purpose,
			Licence: ins.Licence, Attribution: ins.Attribution, Effective: openapi_types.Date{Time: ins.Effective}, Hash: ins.Hash,
		})
	}
	return out, nil
}

// GetInstrument answers GET /instruments/{instrument}/versions/{version}.
func (s *Server) GetInstrument(_ context.Context, r GetInstrumentRequestObject) (GetInstrumentResponseObject, error) {
	ins, ok := s.Library.Get(r.Instrument, r.Version)
	if !ok {
		return nil, fault.New(fault.NotFound, "instrument_not_found", "There is no such instrument in that version.")
	}
	out := GetInstrument200JSONResponse{
		Instrument: ins.Code, Version: ins.Version, Kind: InstrumentKind(ins.Kind), Title: ins.Title, Purpose: ins.Purpose,
		Licence: ins.Licence, Attribution: ins.Attribution, Effective: openapi_types.Date{Time: ins.Effective}, Hash: ins.Hash,
	}
	for i := range ins.Items {
		out.Items = append(out.Items, item(&ins.Items[i]))
	}
	for i := range ins.Subscales {
		out.Subscales = append(out.Subscales, subscale(&ins.Subscales[i]))
	}
	return out, nil
}

func item(it *instruments.Item) Item {
	out := Item{Item: it.Code, Text: it.Text, Guidance: httpapi.OrNil(it.Guidance), EnabledWhen: condition(it.EnabledWhen)}
	for _, o := range it.Options {
		option := Option{Option: o.Code, Label: o.Label, Points: o.Points}
		if o.Means != instruments.Measures {
			means := OptionMeans(o.Means)
			option.Means = &means
		}
		out.Options = append(out.Options, option)
	}
	return out
}

func condition(c *instruments.Condition) *Condition {
	if c == nil {
		return nil
	}
	out := &Condition{Item: httpapi.OrNil(c.Item), All: conditions(c.All), Any: conditions(c.Any), Not: condition(c.Not)}
	if c.In != nil {
		out.In = &c.In
	}
	if n := c.Count; n != nil {
		out.Count = &struct {
			AtLeast int      `json:"at_least"`
			In      []string `json:"in"`
			Items   []string `json:"items"`
		}{n.AtLeast, n.In, n.Items}
	}
	return out
}

func conditions(cs []instruments.Condition) *[]Condition {
	if cs == nil {
		return nil
	}
	out := make([]Condition, len(cs))
	for i := range cs {
		out[i] = *condition(&cs[i])
	}
	return &out
}

func subscale(s *instruments.Subscale) Subscale {
	out := Subscale{
		Subscale: s.Code, Title: s.Title, Domain: string(s.Domain), Method: SubscaleMethod(s.Method),
		MinAnsweredPercent: s.MinPercent, Items: s.Items,
	}
	for _, b := range s.Bands {
		var upTo *float64
		if b.UpTo != nil {
			v := float64(*b.UpTo) / 100
			upTo = &v
		}
		out.Bands = append(out.Bands, struct {
			Band     string    `json:"band"`
			Need     NeedLevel `json:"need"`
			Strength bool      `json:"strength"`
			Title    string    `json:"title"`
			UpTo     *float64  `json:"up_to,omitempty"`
		}{b.Code, NeedLevel(b.Need), b.Strength, b.Title, upTo})
	}
	return out
}

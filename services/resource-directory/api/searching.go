package api

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

// SearchServices finds services that fit a need, best first.
func (s *Server) SearchServices(ctx context.Context, r SearchServicesRequestObject) (SearchServicesResponseObject, error) {
	q, err := s.query(r.Params)
	if err != nil {
		return nil, err
	}
	var after *postgres.SearchAfter
	if cursor := httpapi.OrZero(r.Params.Cursor); cursor != "" {
		after = &postgres.SearchAfter{}
		if err := httpapi.DecodeCursor(cursor, after); err != nil {
			return nil, err
		}
	}
	limit := httpapi.Limit(r.Params.Limit)
	var hits []directory.Hit
	err = s.reading(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		hits, err = postgres.Search(ctx, tx, q, after, limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	page := SearchPage{Items: []SearchHit{}}
	if len(hits) > limit {
		hits = hits[:limit]
		last := hits[limit-1]
		page.NextCursor = httpapi.OrNil(httpapi.EncodeCursor(postgres.SearchAfter{Score: last.Score, ServiceID: last.ServiceID}))
	}
	for _, h := range hits {
		page.Items = append(page.Items, searchHit(h))
	}
	if q.Need != nil {
		page.Needs = &RuleRef{Name: s.Needs.Ref.Name, Version: s.Needs.Ref.Version, Hash: s.Needs.Ref.Hash}
	}
	return SearchServices200JSONResponse(page), nil
}

func (s *Server) query(p SearchServicesParams) (directory.Query, error) {
	q := directory.Query{
		Text: strings.TrimSpace(httpapi.OrZero(p.Q)), WithinKm: httpapi.OrZero(p.WithinKm), Age: p.Age, Language: httpapi.OrZero(p.Language),
		Status: orDefault(string(httpapi.OrZero(p.Status)), directory.StatusActive),
	}
	if code := httpapi.OrZero(p.Need); code != "" {
		need, ok := s.Needs.Find(code)
		if !ok {
			return q, fault.New(fault.Unprocessable, "unknown_need", "The needs file in force has no such need; search with q, or use a code of GET /directory/v1/needs.",
				fault.Field{Pointer: "query/need", Code: "unknown_need", Detail: fmt.Sprintf("Known are %s.", strings.Join(s.Needs.Codes(), ", "))})
		}
		q.Need = &need
	}
	if near := httpapi.OrZero(p.Near); near != "" {
		lat, lon, _ := strings.Cut(near, ",")
		var point directory.Point
		var err1, err2 error
		point.Latitude, err1 = strconv.ParseFloat(lat, 64)
		point.Longitude, err2 = strconv.ParseFloat(lon, 64)
		if err1 != nil || err2 != nil || point.Latitude < -90 || point.Latitude > 90 || point.Longitude < -180 || point.Longitude > 180 {
			return q, fault.New(fault.Invalid, "not_a_place", "near must be lat,lon with latitude within ±90 and longitude within ±180.",
				fault.Field{Pointer: "query/near", Code: "not_a_place", Detail: "For example 61.50,23.76."})
		}
		q.Near = &point
	} else if q.WithinKm > 0 {
		return q, fault.New(fault.Invalid, "near_missing", "within_km needs near.", fault.Field{Pointer: "query/near", Code: "required", Detail: "From where?"})
	}
	return q, nil
}

func searchHit(h directory.Hit) SearchHit {
	hit := SearchHit{
		ServiceId: h.ServiceID, Name: h.Name, Status: h.Status, Score: h.Score, DistanceKm: h.DistanceKm, MinimumAge: h.MinimumAge, MaximumAge: h.MaximumAge,
		OrganizationId: httpapi.OrNil(h.OrganizationID), OrganizationName: httpapi.OrNil(h.OrganizationName), Description: httpapi.OrNil(h.Description), City: httpapi.OrNil(h.City),
	}
	if len(h.Languages) > 0 {
		hit.Languages = &h.Languages
	}
	return hit
}

// ListNeeds lists the needs a search knows.
func (s *Server) ListNeeds(ctx context.Context, _ ListNeedsRequestObject) (ListNeedsResponseObject, error) {
	if err := s.reading(ctx, nothing); err != nil {
		return nil, err
	}
	out := Needs{Rule: RuleRef{Name: s.Needs.Ref.Name, Version: s.Needs.Ref.Version, Hash: s.Needs.Ref.Hash}}
	for _, need := range s.Needs.InFile {
		out.Items = append(out.Items, struct {
			Code  Code              `json:"code"`
			Label map[string]string `json:"label"`
		}{need.Code, need.Label})
	}
	return ListNeeds200JSONResponse(out), nil
}

package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/hearthfps/hearth/pkg/httpapi"
	kit "github.com/hearthfps/hearth/pkg/postgres"
	"github.com/hearthfps/hearth/services/resource-directory/directory"
	"github.com/hearthfps/hearth/services/resource-directory/postgres"
)

// hsdsVersion is the version of HSDS whose API the answers under /hsds have.
const hsdsVersion = "3.1"

const (
	perPage    = 50
	perMinimal = 100_000 // HSDS: with minimal=true all services should come in one call
)

func (s *Server) metadata(ctx context.Context) (HSDSMetadataJSONResponse, error) {
	if err := s.reading(ctx, nothing); err != nil {
		return HSDSMetadataJSONResponse{}, err
	}
	return HSDSMetadataJSONResponse{Version: hsdsVersion, Profile: s.Profile, OpenapiUrl: s.OpenAPIURL}, nil
}

// GetHSDS says what this API is.
func (s *Server) GetHSDS(ctx context.Context, _ GetHSDSRequestObject) (GetHSDSResponseObject, error) {
	m, err := s.metadata(ctx)
	if err != nil {
		return nil, err
	}
	return GetHSDS200JSONResponse{m}, nil
}

// GetHSDSRoot is GetHSDS, with a slash.
func (s *Server) GetHSDSRoot(ctx context.Context, _ GetHSDSRootRequestObject) (GetHSDSRootResponseObject, error) {
	m, err := s.metadata(ctx)
	if err != nil {
		return nil, err
	}
	return GetHSDSRoot200JSONResponse{m}, nil
}

// listing is one page of HSDS records being made.
type listing struct {
	page, perPage int
	query         postgres.HSDSQuery
	list          func(ctx context.Context, tx *kit.Tx, q postgres.HSDSQuery) ([]postgres.Doc, int, error)
	show          func(postgres.Doc) (json.RawMessage, error)
}

// hsdsPage reads a page and says where it stands among the others.
func (s *Server) hsdsPage(ctx context.Context, l listing) (HSDSPage, error) {
	l.page = max(l.page, 1)
	if l.perPage == 0 {
		l.perPage = perPage
	}
	l.query.Offset, l.query.Limit = (l.page-1)*l.perPage, l.perPage
	var docs []postgres.Doc
	var total int
	err := s.reading(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		docs, total, err = l.list(ctx, tx, l.query)
		return err
	})
	if err != nil {
		return HSDSPage{}, err
	}
	pages := (total + l.perPage - 1) / l.perPage
	out := HSDSPage{
		TotalItems: total, TotalPages: pages, PageNumber: l.page, Size: len(docs),
		FirstPage: l.page == 1, LastPage: l.page >= pages, Empty: len(docs) == 0, Contents: []HSDSRecord{},
	}
	for _, d := range docs {
		record, err := l.show(d)
		if err != nil {
			return HSDSPage{}, err
		}
		out.Contents = append(out.Contents, record)
	}
	return out, nil
}

func simple(d postgres.Doc) (json.RawMessage, error) { return directory.Simple(d.Document) }

func whole(d postgres.Doc) (json.RawMessage, error) { return d.Document, nil }

// minimal is a record's id and when it changed, under the name HSDS's API text
// has for it (modified_date) and the one its schema has (last_modified).
func minimal(d postgres.Doc) (json.RawMessage, error) {
	at := d.ModifiedAt.UTC().Format(time.RFC3339Nano)
	return json.Marshal(map[string]string{"id": d.ID, "modified_date": at, "last_modified": at})
}

// ListHSDSServices lists services.
func (s *Server) ListHSDSServices(ctx context.Context, r ListHSDSServicesRequestObject) (ListHSDSServicesResponseObject, error) {
	p := r.Params
	l := listing{page: httpapi.OrZero(p.Page), perPage: httpapi.OrZero(p.PerPage), list: postgres.Services, show: simple, query: postgres.HSDSQuery{
		Search: httpapi.OrZero(p.Search), TaxonomyTermID: httpapi.OrZero(p.TaxonomyTermId), TaxonomyID: httpapi.OrZero(p.TaxonomyId),
		OrganizationID: httpapi.OrZero(p.OrganizationId), ModifiedAfter: httpapi.OrZero(p.ModifiedAfter),
	}}
	switch {
	case httpapi.OrZero(p.Minimal):
		l.show = minimal
		if p.PerPage == nil {
			l.perPage = perMinimal
		}
	case httpapi.OrZero(p.Full):
		l.show = whole
	}
	page, err := s.hsdsPage(ctx, l)
	return ListHSDSServices200JSONResponse(page), err
}

// ListHSDSOrganizations lists organizations.
func (s *Server) ListHSDSOrganizations(ctx context.Context, r ListHSDSOrganizationsRequestObject) (ListHSDSOrganizationsResponseObject, error) {
	page, err := s.hsdsPage(ctx, s.documents(directory.EntityOrganization, r.Params.Search, r.Params.Page, r.Params.PerPage))
	return ListHSDSOrganizations200JSONResponse(page), err
}

// ListHSDSTaxonomies lists taxonomies.
func (s *Server) ListHSDSTaxonomies(ctx context.Context, r ListHSDSTaxonomiesRequestObject) (ListHSDSTaxonomiesResponseObject, error) {
	page, err := s.hsdsPage(ctx, s.documents(directory.EntityTaxonomy, r.Params.Search, r.Params.Page, r.Params.PerPage))
	return ListHSDSTaxonomies200JSONResponse(page), err
}

// ListHSDSTaxonomyTerms lists terms.
func (s *Server) ListHSDSTaxonomyTerms(ctx context.Context, r ListHSDSTaxonomyTermsRequestObject) (ListHSDSTaxonomyTermsResponseObject, error) {
	l := s.documents(directory.EntityTaxonomyTerm, r.Params.Search, r.Params.Page, r.Params.PerPage)
	l.query.TaxonomyID, l.query.ParentID, l.query.TopOnly = httpapi.OrZero(r.Params.TaxonomyId), httpapi.OrZero(r.Params.ParentId), httpapi.OrZero(r.Params.TopOnly)
	page, err := s.hsdsPage(ctx, l)
	return ListHSDSTaxonomyTerms200JSONResponse(page), err
}

func (s *Server) documents(entity directory.Entity, search *string, page, perPage *int) listing {
	return listing{
		page: httpapi.OrZero(page), perPage: httpapi.OrZero(perPage), show: simple, query: postgres.HSDSQuery{Search: httpapi.OrZero(search)},
		list: func(ctx context.Context, tx *kit.Tx, q postgres.HSDSQuery) ([]postgres.Doc, int, error) {
			return postgres.Documents(ctx, tx, entity, q)
		},
	}
}

// ListHSDSServiceAtLocations lists where services are given.
func (s *Server) ListHSDSServiceAtLocations(ctx context.Context, r ListHSDSServiceAtLocationsRequestObject) (ListHSDSServiceAtLocationsResponseObject, error) {
	p := r.Params
	page, err := s.hsdsPage(ctx, listing{page: httpapi.OrZero(p.Page), perPage: httpapi.OrZero(p.PerPage), list: postgres.ServicesAtLocations, show: simple, query: postgres.HSDSQuery{
		Search: httpapi.OrZero(p.Search), TaxonomyTermID: httpapi.OrZero(p.TaxonomyTermId), OrganizationID: httpapi.OrZero(p.OrganizationId),
	}})
	return ListHSDSServiceAtLocations200JSONResponse(page), err
}

// record is one HSDS record as an answer.
type record json.RawMessage

func (s *Server) record(ctx context.Context, id string, read func(ctx context.Context, tx *kit.Tx, id string) (json.RawMessage, error)) (record, error) {
	var doc json.RawMessage
	err := s.reading(ctx, func(ctx context.Context, tx *kit.Tx) (err error) {
		doc, err = read(ctx, tx, id)
		return err
	})
	return record(doc), err
}

func (d record) write(w http.ResponseWriter) error {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(d)
	return err
}

// VisitGetHSDSServiceResponse writes the record.
func (d record) VisitGetHSDSServiceResponse(w http.ResponseWriter) error { return d.write(w) }

// VisitGetHSDSOrganizationResponse writes the record.
func (d record) VisitGetHSDSOrganizationResponse(w http.ResponseWriter) error { return d.write(w) }

// VisitGetHSDSServiceAtLocationResponse writes the record.
func (d record) VisitGetHSDSServiceAtLocationResponse(w http.ResponseWriter) error { return d.write(w) }

// VisitGetHSDSTaxonomyResponse writes the record.
func (d record) VisitGetHSDSTaxonomyResponse(w http.ResponseWriter) error { return d.write(w) }

// VisitGetHSDSTaxonomyTermResponse writes the record.
func (d record) VisitGetHSDSTaxonomyTermResponse(w http.ResponseWriter) error { return d.write(w) }

// GetHSDSService answers a service with all that is nested in it.
func (s *Server) GetHSDSService(ctx context.Context, r GetHSDSServiceRequestObject) (GetHSDSServiceResponseObject, error) {
	return s.record(ctx, r.Id, postgres.ServiceDocument)
}

// GetHSDSOrganization answers an organization with its services.
func (s *Server) GetHSDSOrganization(ctx context.Context, r GetHSDSOrganizationRequestObject) (GetHSDSOrganizationResponseObject, error) {
	return s.record(ctx, r.Id, postgres.OrganizationDocument)
}

// GetHSDSServiceAtLocation answers a service at a location.
func (s *Server) GetHSDSServiceAtLocation(ctx context.Context, r GetHSDSServiceAtLocationRequestObject) (GetHSDSServiceAtLocationResponseObject, error) {
	return s.record(ctx, r.Id, postgres.ServiceAtLocationDocument)
}

// GetHSDSTaxonomy answers a taxonomy.
func (s *Server) GetHSDSTaxonomy(ctx context.Context, r GetHSDSTaxonomyRequestObject) (GetHSDSTaxonomyResponseObject, error) {
	return s.record(ctx, r.Id, func(ctx context.Context, tx *kit.Tx, id string) (json.RawMessage, error) {
		return postgres.Document(ctx, tx, directory.EntityTaxonomy, id)
	})
}

// GetHSDSTaxonomyTerm answers a term.
func (s *Server) GetHSDSTaxonomyTerm(ctx context.Context, r GetHSDSTaxonomyTermRequestObject) (GetHSDSTaxonomyTermResponseObject, error) {
	return s.record(ctx, r.Id, func(ctx context.Context, tx *kit.Tx, id string) (json.RawMessage, error) {
		return postgres.Document(ctx, tx, directory.EntityTaxonomyTerm, id)
	})
}

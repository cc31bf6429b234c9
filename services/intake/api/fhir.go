package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"

	"github.com/google/uuid"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/pkg/httpapi"
	"github.com/hearthfps/hearth/services/intake/fhir"
)

// maxMatch bounds the body of Patient/$match.
const maxMatch = 256 << 10

// matchPatient answers Patient/$match, failures too, in FHIR's own words.
func (a *API) matchPatient(w http.ResponseWriter, r *http.Request) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != fhir.MediaType && media != "application/json" {
		outcome(w, http.StatusUnsupportedMediaType, fhir.Issue{Code: "not-supported", Diagnostics: "Send application/fhir+json."})
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMatch))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		outcome(w, http.StatusRequestEntityTooLarge, fhir.Issue{Code: "too-long", Diagnostics: "A question takes at most 256 KiB."})
		return
	case err != nil:
		outcome(w, http.StatusBadRequest, fhir.Issue{Code: "structure", Diagnostics: "The body ended before it was whole."})
		return
	}
	question, issues := fhir.ReadMatch(body)
	if len(issues) > 0 {
		outcome(w, http.StatusBadRequest, issues...)
		return
	}
	m, err := a.match(r.Context(), question.Person, question.Count, question.OnlyCertain)
	if err != nil {
		failed(w, r, err)
		return
	}
	matches := make([]fhir.Match, len(m.shown))
	for i, c := range m.shown {
		matches[i] = fhir.Match{Person: c.Person, Score: c.P, Grade: grade(c)}
	}
	write(w, http.StatusOK, fhir.Bundle(uuid.Must(uuid.NewV7()).String(), matches, m.withheld))
}

// issueCodes are FHIR's words for the kinds of fault.
var issueCodes = map[fault.Kind]string{
	fault.Unauthenticated: "login", fault.Forbidden: "forbidden", fault.NotFound: "not-found", fault.Unprocessable: "invariant", fault.Invalid: "invalid",
	fault.RateLimited: "throttled", fault.Unavailable: "transient",
}

// failed words a failure as an OperationOutcome. What broke on our side is logged
// and told as every other failure of this API.
func failed(w http.ResponseWriter, r *http.Request, err error) {
	f, ok := fault.As(err)
	if !ok || httpapi.Status(f.Kind) >= http.StatusInternalServerError {
		httpapi.WriteProblem(w, r, err)
		return
	}
	code := issueCodes[f.Kind]
	if code == "" {
		code = "processing"
	}
	outcome(w, httpapi.Status(f.Kind), fhir.Issue{Code: code, Diagnostics: f.Detail})
}

func outcome(w http.ResponseWriter, status int, issues ...fhir.Issue) {
	write(w, status, fhir.Outcome(issues...))
}

// write sends a resource, whose maps and strings always encode. Who asked and is
// gone is not told.
func write(w http.ResponseWriter, status int, resource map[string]any) {
	body, err := json.Marshal(resource)
	if err != nil {
		panic("intake: a resource does not encode: " + err.Error())
	}
	w.Header().Set("Content-Type", fhir.MediaType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		return
	}
}

package apptest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/hearthfps/hearth/pkg/app"
	"github.com/hearthfps/hearth/pkg/auth"
)

// Probe runs the service's command probe against it, as a client whose tokens say
// p, and returns what it printed.
func (h *Harness) Probe(p auth.Principal) (string, error) {
	h.T.Helper()
	api := httptest.NewServer(h.Handler())
	defer api.Close()
	tokens := httptest.NewServer(h.tokens(p))
	defer tokens.Close()
	var out bytes.Buffer
	err := app.Run(h.T.Context(), h.service, []string{
		"probe", "--url", api.URL, "--agency", Lakeland(h.T).String(), "--within", waitFor.String(),
		"--client-token-url", tokens.URL, "--client-id", "probe", "--client-secret", "open sesame",
	}, nil, &out)
	return out.String(), err
}

// tokens is a token endpoint for one client.
func (h *Harness) tokens(p auth.Principal) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, secret, _ := r.BasicAuth(); id != "probe" || secret != "open+sesame" || r.FormValue("agency") != Lakeland(h.T).String() {
			http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
			return
		}
		p.Agency, p.Subject = Lakeland(h.T), "client:probe"
		token, err := h.minter.Mint(p, time.Hour)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600}); err != nil {
			h.T.Error(err)
		}
	})
}

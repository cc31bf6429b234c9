package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/hearthfps/hearth/scripts/chaos/check"
	"github.com/hearthfps/hearth/services/hearth/play"
)

const (
	agency    = "lakeland"
	issuerURL = "http://issuer.hearth.svc.cluster.local:8080"
)

// paths are the services by the first segment of what they answer.
var paths = map[string]string{
	"/intake": "intake", "/assessment": "assessment", "/planning": "planning",
	"/visits": "visit-scheduling", "/directory": "resource-directory", "/notifications": "notification",
}

// suite is the suite of a namespace as its users see it: through the Services,
// every request counted. Referrers are those of source, or of any when it is empty.
func (in *infrastructure) suite(count *counter, source string) *play.Suite {
	held := &tokens{source: source, held: map[string]string{}}
	return &play.Suite{
		URL: func(base string) string {
			return "http://" + paths[base] + "." + in.namespace + ".svc.cluster.local"
		},
		Token: held.get,
		HTTP:  &http.Client{Timeout: 30 * time.Second, Transport: count},
	}
}

// importing is a suite for requests that stream for as long as they take.
func (in *infrastructure) importing(count *counter, source string) *play.Suite {
	suite := in.suite(count, source)
	suite.HTTP.Timeout = 10 * time.Minute
	return suite
}

// source is where the checker finds a namespace's evidence.
func (in *infrastructure) source(journal string) check.Source {
	databases := map[string]string{}
	var topics []string
	for _, name := range services {
		databases[name] = in.admin.AdminURL(databaseName(name))
		topics = append(topics, name+".events.v1")
	}
	return check.Source{Journal: journal, Databases: databases, Broker: in.kafka, Topics: topics}
}

// judge settles and makes figures of what was found; findings are an error.
func (in *infrastructure) judge(ctx context.Context, within time.Duration, journal string, sent func([]check.Sent, check.Evidence) []check.Sent) (Figures, error) {
	found, e, err := check.Settle(ctx, within, func(ctx context.Context) (check.Evidence, error) {
		e, err := check.Collect(ctx, in.source(journal))
		if err == nil && sent != nil {
			e.Sent = sent(e.Sent, e)
		}
		return e, err
	})
	if err != nil {
		return nil, err
	}
	counts := map[string]int{"lost": 0, "doubled": 0, "order": 0, "answer": 0, "left": 0}
	for _, f := range found {
		counts[f.Rule]++
	}
	figures := Figures{"referrals": len(e.Referrals), "sent": len(e.Sent), "cases": len(e.CaseFiles), "events": len(e.Topics)}
	for rule, n := range counts {
		figures[rule] = n
	}
	if len(found) > 0 {
		var lines []string
		for i, f := range found {
			if i == 20 {
				lines = append(lines, fmt.Sprintf("and %d more", len(found)-i))
				break
			}
			lines = append(lines, f.String())
		}
		return figures, fmt.Errorf("%d findings:\n  %s", len(found), strings.Join(lines, "\n  "))
	}
	return figures, nil
}

// tokens keeps one token of the cluster's issuer for each role and worker.
type tokens struct {
	source string // of events, for referrers

	mu   sync.Mutex
	held map[string]string
}

func (t *tokens) get(ctx context.Context, role, worker string) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := role + " " + worker
	if token, ok := t.held[key]; ok {
		return token, nil
	}
	form := url.Values{"grant_type": {"client_credentials"}, "agency": {agency}, "role": {role}}
	if role == "referrer" && t.source != "" {
		form.Set("source", t.source)
	}
	if worker != "" {
		form.Set("worker", worker)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, issuerURL+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || answer.Token == "" {
		return "", fmt.Errorf("the issuer answers %s and no token", res.Status)
	}
	t.held[key] = answer.Token
	return answer.Token, nil
}

package fhir

import (
	"github.com/hearthfps/hearth/services/intake/referral"
)

// MediaType is FHIR's JSON.
const MediaType = "application/fhir+json"

const gradeURL = "http://hl7.org/fhir/StructureDefinition/match-grade"

// Grades of a match, of the value set match-grade.
const (
	Certain  = "certain"
	Probable = "probable"
	Possible = "possible"
)

// Match is a person found.
type Match struct {
	Person *referral.Person
	Score  float64 // the probability
	Grade  string
}

// Bundle is the answer to Patient/$match. A Patient in it has name, gender and birth
// date, and nothing of how to find or reach the person. withheld says that somebody
// fits whom the asker may not see: nothing else is told of them.
func Bundle(id string, matches []Match, withheld bool) map[string]any {
	entries := []any{}
	for _, m := range matches {
		entries = append(entries, map[string]any{
			"fullUrl":  "urn:uuid:" + string(m.Person.ID),
			"resource": patient(m.Person),
			"search": map[string]any{
				"mode": "match", "score": m.Score,
				"extension": []any{map[string]any{"url": gradeURL, "valueCode": m.Grade}},
			},
		})
	}
	if withheld {
		entries = append(entries, map[string]any{
			"resource": outcome("information", []Issue{{Code: "suppressed", Diagnostics: "Somebody who fits may not be shown to you. Ask a records officer to look."}}),
			"search":   map[string]any{"mode": "outcome"},
		})
	}
	b := map[string]any{"resourceType": "Bundle", "id": id, "type": "searchset", "total": len(matches)}
	if len(entries) > 0 { // FHIR has no empty lists
		b["entry"] = entries
	}
	return b
}

func patient(p *referral.Person) map[string]any {
	out := map[string]any{"resourceType": "Patient", "id": string(p.ID)}
	names := []any{}
	for i, n := range append([]referral.Name{p.Name}, p.Aliases...) {
		name := map[string]any{}
		if i > 0 {
			name["use"] = "old"
		}
		if n.Family != "" {
			name["family"] = n.Family
		}
		if len(n.Given) > 0 {
			name["given"] = n.Given
		}
		if n.Family != "" || len(n.Given) > 0 {
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		out["name"] = names
	}
	if p.Sex != "" {
		out["gender"] = p.Sex
	}
	if p.BirthDate != "" {
		out["birthDate"] = string(p.BirthDate)
	}
	return out
}

// Outcome is an OperationOutcome of errors.
func Outcome(issues ...Issue) map[string]any { return outcome("error", issues) }

func outcome(severity string, issues []Issue) map[string]any {
	list := []any{}
	for _, i := range issues {
		one := map[string]any{"severity": severity, "code": i.Code, "diagnostics": i.Diagnostics}
		if i.Expression != "" {
			one["expression"] = []string{i.Expression}
		}
		list = append(list, one)
	}
	return map[string]any{"resourceType": "OperationOutcome", "issue": list}
}

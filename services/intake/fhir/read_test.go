package fhir_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthfps/hearth/services/intake/fhir"
	"github.com/hearthfps/hearth/services/intake/referral"
)

func parameters(patient string, more ...string) string {
	list := append([]string{`{"name":"resource","resource":` + patient + `}`}, more...)
	return `{"resourceType":"Parameters","parameter":[` + strings.Join(list, ",") + `]}`
}

func TestReadMatch_ReadsWhatAPatientSays(t *testing.T) {
	q, issues := fhir.ReadMatch([]byte(parameters(`{"resourceType":"Patient","id":"ignored","active":true,"extension":[{"url":"x"}],
		"name":[{"use":"maiden","family":"Lehto","given":["Ada"]},{"use":"official","family":"Koski","given":["Ada","Maria"]},{"use":"anonymous","family":"Nobody"},{"text":"Virtanen, Aada"}],
		"telecom":[{"system":"phone","value":"040 1234567","use":"mobile"},{"system":"email","value":"a@example.org"},{"system":"url","value":"https://example.org"},{"system":"phone"}],
		"gender":"female","birthDate":"2015-02","deceasedBoolean":true,"multipleBirthInteger":2,
		"address":[{"use":"old","line":["Katu 1"],"city":"Oulu","postalCode":"90100","country":"FI","period":{"end":"2020"}}],
		"identifier":[{"system":"urn:oid:1","value":"123"},{"system":"urn:oid:1"}]}`,
		`{"name":"onlyCertainMatches","valueBoolean":true}`, `{"name":"count","valueInteger":3}`)))
	if issues != nil {
		t.Fatal(issues)
	}
	want := fhir.Question{OnlyCertain: true, Count: 3, Person: &referral.Person{
		Name:      referral.Name{Given: []string{"Ada", "Maria"}, Family: "Koski"},
		Aliases:   []referral.Name{{Given: []string{"Ada"}, Family: "Lehto"}, {Given: []string{"Aada"}, Family: "Virtanen"}},
		BirthDate: "2015-02", Sex: "female", MultipleBirth: true,
		Contacts:    []referral.Contact{{Kind: "phone", Value: "040 1234567"}, {Kind: "email", Value: "a@example.org"}},
		Addresses:   []referral.Address{{Lines: []string{"Katu 1"}, City: "Oulu", PostalCode: "90100", Country: "FI"}},
		Identifiers: []referral.Identifier{{System: "urn:oid:1", Value: "123"}},
	}}
	if diff := cmp.Diff(want, q, cmp.AllowUnexported(referral.Person{})); diff != "" {
		t.Error(diff)
	}
}

func TestReadMatch_SaysWhatIsWrongAndWhere(t *testing.T) {
	for name, c := range map[string]struct{ body, code, at string }{
		"no JSON":                  {`{`, "structure", "Parameters"},
		"another resource":         {`{"resourceType":"Patient"}`, "structure", "Parameters"},
		"more than one":            {parameters(`{"resourceType":"Patient"}`) + `{}`, "structure", "Parameters"},
		"no patient":               {`{"resourceType":"Parameters","parameter":[]}`, "required", "Parameters.parameter"},
		"a patient that is none":   {parameters(`{"resourceType":"Person"}`), "structure", "Parameters.parameter[0].resource.resourceType"},
		"names no list":            {parameters(`{"resourceType":"Patient","name":{"family":"x"}}`), "structure", "Parameters.parameter[0].resource.name"},
		"an unknown use":           {parameters(`{"resourceType":"Patient","name":[{"use":"pet","family":"x"}]}`), "code-invalid", "Parameters.parameter[0].resource.name[0].use"},
		"a family of numbers":      {parameters(`{"resourceType":"Patient","name":[{"family":7}]}`), "structure", "Parameters.parameter[0].resource.name[0].family"},
		"no day of the calendar":   {parameters(`{"resourceType":"Patient","birthDate":"2015-02-30"}`), "value", "Parameters.parameter[0].resource.birthDate"},
		"a date of another form":   {parameters(`{"resourceType":"Patient","birthDate":"3.2.2015"}`), "value", "Parameters.parameter[0].resource.birthDate"},
		"a modifier extension":     {parameters(`{"resourceType":"Patient","modifierExtension":[{"url":"x"}]}`), "not-supported", "Parameters.parameter[0].resource.modifierExtension"},
		"an unknown parameter":     {parameters(`{"resourceType":"Patient"}`, `{"name":"verbose","valueBoolean":true}`), "not-supported", "Parameters.parameter[1].name"},
		"a parameter twice":        {parameters(`{"resourceType":"Patient"}`, `{"name":"resource","resource":{"resourceType":"Patient"}}`), "structure", "Parameters.parameter[1]"},
		"a count of text":          {parameters(`{"resourceType":"Patient"}`, `{"name":"count","valueInteger":"3"}`), "structure", "Parameters.parameter[1].valueInteger"},
		"a count of none":          {parameters(`{"resourceType":"Patient"}`, `{"name":"count","valueInteger":0}`), "value", "Parameters.parameter[1].valueInteger"},
		"certainty that is a word": {parameters(`{"resourceType":"Patient"}`, `{"name":"onlyCertainMatches","valueBoolean":"yes"}`), "structure", "Parameters.parameter[1].valueBoolean"},
	} {
		t.Run(name, func(t *testing.T) {
			_, issues := fhir.ReadMatch([]byte(c.body))
			if len(issues) == 0 || issues[0].Code != c.code || issues[0].Expression != c.at {
				t.Errorf("got %+v, want %s at %s", issues, c.code, c.at)
			}
		})
	}
}

func FuzzReadMatch(f *testing.F) {
	f.Add([]byte(parameters(`{"resourceType":"Patient","name":[{"family":"Canary","given":["Ada"]}],"birthDate":"2015","telecom":[{"system":"phone","value":"1"}]}`)))
	f.Add([]byte(`{"resourceType":"Parameters","parameter":[{"name":"count","valueInteger":1e9}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		q, issues := fhir.ReadMatch(body)
		if (q.Person == nil) != (len(issues) > 0) {
			t.Fatalf("person %v beside %d issues", q.Person != nil, len(issues))
		}
		out := any(fhir.Outcome(issues...))
		if q.Person != nil {
			if q.Count < 1 || q.Count > fhir.MaxCount {
				t.Fatalf("count %d", q.Count)
			}
			out = fhir.Bundle("b", []fhir.Match{{Person: q.Person, Score: 1, Grade: fhir.Certain}}, true)
		}
		if _, err := json.Marshal(out); err != nil {
			t.Fatal(err)
		}
	})
}

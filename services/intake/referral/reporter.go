package referral

import (
	"log/slog"

	"github.com/go-json-experiment/json"
)

// Reporter is who told. It is kept apart from the family's file, under a grant
// of its own, and is in no event, log or export. An anonymous reporter has no
// details, whatever was sent with the word.
type Reporter struct {
	Anonymous     bool      `json:"anonymous"`
	Name          Name      `json:"name"`
	Role          string    `json:"role,omitempty"`
	Mandated      bool      `json:"mandated"`
	Organisation  string    `json:"organisation,omitempty"`
	Contacts      []Contact `json:"contacts"`
	WantsFeedback bool      `json:"wants_feedback"`
}

// LogValue keeps the reporter out of logs.
func (Reporter) LogValue() slog.Value { return slog.StringValue(Redacted) }

// String keeps the reporter out of formatted text.
func (Reporter) String() string { return Redacted }

func (r *reader) reporter(v any, at string) Reporter {
	who := Reporter{Name: Name{Given: []string{}}, Contacts: []Contact{}}
	m, ok := r.object(v, at, "anonymous", "name", "role", "mandated", "organisation", "contacts", "wants_feedback")
	if !ok {
		return who
	}
	who.Anonymous = r.flag(m, at, "anonymous")
	who.Name = r.name(m, at)
	who.Role = r.pattern(m, at, "role", wordForm, "is a code: small letters, digits and _")
	who.Mandated = r.flag(m, at, "mandated")
	who.Organisation = r.text(m, at, "organisation", 200)
	r.each(m, at, "contacts", 50, func(v any, at string) { who.Contacts = append(who.Contacts, r.contact(v, at)) })
	who.WantsFeedback = r.flag(m, at, "wants_feedback")
	return who
}

// FoldReporter is the reporter after corrections: the submission's part first,
// then what each applied correction changes of it, in the order of the history.
// No parts at all is an anonymous reporter.
func FoldReporter(parts ...[]byte) (Reporter, error) {
	var tree any
	for _, part := range parts {
		if part == nil {
			continue
		}
		var patch any
		if err := json.Unmarshal(part, &patch); err != nil {
			return Reporter{}, err
		}
		tree = mergePatch(tree, patch)
	}
	if tree == nil {
		return Reporter{Anonymous: true, Name: Name{Given: []string{}}, Contacts: []Contact{}}, nil
	}
	who := new(reader).reporter(tree, "")
	if who.Anonymous {
		who = Reporter{Anonymous: true, Mandated: who.Mandated, Role: who.Role, Name: Name{Given: []string{}}, Contacts: []Contact{}}
	}
	return who, nil
}

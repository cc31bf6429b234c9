package referral

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestPerson_LearnsGapsAndTheCarefulWord(t *testing.T) {
	p := &Person{BirthDate: "2015", Sex: "unknown", Contacts: []Contact{{"phone", "1234567", "yes"}}, Addresses: []Address{{Lines: []string{"Katu 1"}}}}
	p.learn(ReportedPerson{BirthDate: "2015-02-03", Sex: "female", Contacts: []Contact{{"phone", "1234567", "no"}, {"email", "a@b", "unknown"}}, Addresses: []Address{{Lines: []string{"Katu 1"}, Confidential: true}}})
	if p.BirthDate != "2015-02-03" || p.Sex != "female" || p.Contacts[0].Safe != "no" || len(p.Contacts) != 2 || len(p.Addresses) != 1 || !p.Addresses[0].Confidential {
		t.Errorf("got %v %v, %d contacts, first %s", p.BirthDate, p.Sex, len(p.Contacts), p.Contacts[0].Safe)
	}
	p.learn(ReportedPerson{BirthDate: "1999-01-01", Contacts: []Contact{{"phone", "1234567", "yes"}}})
	if p.BirthDate != "2015-02-03" || p.Contacts[0].Safe != "no" {
		t.Error("what was known was overwritten")
	}
}

// Somebody who is in the household of a person in hiding, and may send referrals,
// corrects them until what another sender warned of is gone.
func TestPerson_ACorrectionTakesNoProtectionAway(t *testing.T) {
	phone := func(safe string) Contact { return Contact{"phone", "+358401234567", safe} }
	address := func(confidential bool) Address {
		return Address{Lines: []string{"Katu 1"}, City: "Oulu", Confidential: confidential}
	}
	said := func(sex string, contacts []Contact, addresses []Address) ReportedPerson {
		return ReportedPerson{Sex: sex, Contacts: contacts, Addresses: addresses}
	}
	open := said("", []Contact{phone("unknown")}, []Address{address(false)})
	hidden := said("", []Contact{phone("no")}, []Address{address(true)})
	for name, c := range map[string]struct {
		first, other, corrected ReportedPerson
		safe                    string // of the number; "" when it is forgotten
		addresses               []Address
	}{
		"another's warning outlives a correction of something else": {open, hidden, said("female", open.Contacts, open.Addresses), "no", []Address{address(true)}},
		"another's warning outlives a word that all is safe":        {open, hidden, said("", []Contact{phone("yes")}, open.Addresses), "no", []Address{address(true)}},
		"another's warning outlives being left out":                 {open, hidden, said("", nil, nil), "no", []Address{address(true)}},
		"one's own warning is not taken back, only the number":      {hidden, ReportedPerson{}, said("", []Contact{phone("yes")}, open.Addresses), "no", []Address{address(true)}},
		"what one warned of oneself can be left out":                {hidden, ReportedPerson{}, said("", nil, nil), "", nil},
		"what nobody warned of can be left out":                     {open, ReportedPerson{}, said("", nil, nil), "", nil},
		"a warning can be added":                                    {open, ReportedPerson{}, hidden, "no", []Address{address(true)}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &Person{}
			p.learn(c.first)
			p.learn(c.other)
			p.correct(c.first, c.corrected, "r")
			safe := ""
			for _, known := range p.Contacts {
				safe += known.Safe
			}
			if safe != c.safe {
				t.Errorf("the number is %q, want %q", safe, c.safe)
			}
			if diff := cmp.Diff(c.addresses, p.Addresses, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

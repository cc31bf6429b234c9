package referral

import (
	"testing"
	"time"

	"github.com/hearthfps/hearth/pkg/clock"
)

func finnish(t testing.TB) *Agency {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Helsinki")
	if err != nil {
		t.Fatal(err)
	}
	calendar, err := clock.NewCalendar("fi", zone, clock.Spec{WorkingDays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}})
	if err != nil {
		t.Fatal(err)
	}
	return &Agency{Country: "FI", Calendar: calendar, Languages: []string{"en"}}
}

func TestDecideContact(t *testing.T) {
	mobile := func(safe string) Contact { return Contact{Kind: "phone", Value: "+358401234567", Safe: safe} }
	mail := func(safe string) Contact { return Contact{Kind: "email", Value: "a@example.org", Safe: safe} }
	landline := Contact{Kind: "phone", Value: "+35891234567", Safe: "yes"}
	with := func(contacts ...Contact) *Person { return &Person{Contacts: contacts, Languages: []string{"so"}} }
	ruled := func(rules ContactRules) *Person {
		return &Person{Contacts: []Contact{mobile("yes")}, ContactRules: &rules}
	}
	at := func(hour int) time.Time { return time.Date(2026, 1, 20, hour-2, 30, 0, 0, time.UTC) } // local hour
	abuser := []Contact{{Kind: "sms", Value: "040 123 4567", Safe: "unknown"}, {Kind: "email", Value: " A@Example.org", Safe: "unknown"}}
	warned := []Contact{{Kind: "phone", Value: "0401234567", Safe: "no"}}
	night := ContactRule{Contact: mail("yes"), From: "22:00", Until: "06:00"}
	for name, c := range map[string]struct {
		subject    ContactSubject
		preference string
		now        time.Time
		want       string // reason, kind
	}{
		"no contact recorded":                        {ContactSubject{Person: with()}, "", at(12), "no_contact_recorded "},
		"unknown is used where there is no violence": {ContactSubject{Person: with(mobile("unknown"))}, "", at(12), "allowed sms"},
		"unknown is not used under violence":         {ContactSubject{Person: with(mobile("unknown")), Violence: true}, "", at(12), "no_safe_contact "},
		"safe is used under violence":                {ContactSubject{Person: with(mail("unknown"), mobile("yes")), Violence: true}, "email", at(12), "allowed sms"},
		"unsafe is never used":                       {ContactSubject{Person: with(mobile("no"))}, "", at(12), "no_safe_contact "},
		"unsafe is never used however it is written": {ContactSubject{Person: with(Contact{Kind: "sms", Value: "040 123 4567", Safe: "yes"}, mobile("no"))}, "", at(12), "no_safe_contact "},
		"unsafe by a way no message goes by":         {ContactSubject{Person: with(Contact{Kind: "whatsapp", Value: "+358 40 1234567", Safe: "no"}, mobile("yes"))}, "", at(12), "no_safe_contact "},
		"unsafe mail in other letters":               {ContactSubject{Person: with(Contact{Kind: "email", Value: "A@Example.org", Safe: "no"}, mail("yes"))}, "", at(12), "no_safe_contact "},
		"another's number under violence":            {ContactSubject{Person: with(mobile("yes")), Violence: true, Others: abuser}, "", at(12), "no_safe_contact "},
		"another's mailbox under violence":           {ContactSubject{Person: with(mail("yes")), Violence: true, Others: abuser}, "", at(12), "no_safe_contact "},
		"own number beside another's under violence": {ContactSubject{Person: with(landline, mobile("yes")), Violence: true, Others: abuser}, "", at(12), "allowed phone"},
		"a shared number where there is no violence": {ContactSubject{Person: with(mobile("unknown")), Others: abuser}, "", at(12), "allowed sms"},
		"a number another's record warns of":         {ContactSubject{Person: with(mobile("yes")), Others: warned}, "", at(12), "no_safe_contact "},
		"what was settled with the person stands":    {ContactSubject{Person: ruled(ContactRules{Contacts: []ContactRule{{Contact: mobile("yes")}}}), Violence: true, Others: abuser}, "", at(12), "allowed sms"},
		"settled before violence was known":          {ContactSubject{Person: ruled(ContactRules{SetAt: at(9), Contacts: []ContactRule{{Contact: mobile("yes")}}}), Violence: true, ViolenceKnown: at(10)}, "", at(12), "no_safe_contact "},
		"settled again since":                        {ContactSubject{Person: ruled(ContactRules{SetAt: at(11), Contacts: []ContactRule{{Contact: mobile("yes")}}}), Violence: true, ViolenceKnown: at(10)}, "", at(12), "allowed sms"},
		"safe before unknown":                        {ContactSubject{Person: with(mail("unknown"), mobile("yes"))}, "", at(12), "allowed sms"},
		"the channel preferred":                      {ContactSubject{Person: with(mail("yes"), mobile("yes"))}, "sms", at(12), "allowed sms"},
		"no text message to a telephone at home":     {ContactSubject{Person: with(landline)}, "sms", at(12), "allowed phone"},
		"a child is not contacted":                   {ContactSubject{Person: with(mobile("yes")), ChildOnly: true}, "", at(12), "child "},
		"asked not to be contacted":                  {ContactSubject{Person: ruled(ContactRules{DoNotContact: true, Contacts: []ContactRule{{Contact: mail("yes")}}})}, "", at(12), "do_not_contact "},
		"rules replace what referrals said":          {ContactSubject{Person: ruled(ContactRules{Contacts: []ContactRule{}})}, "", at(12), "no_contact_recorded "},
		"for another purpose":                        {ContactSubject{Person: ruled(ContactRules{Contacts: []ContactRule{{Contact: mail("yes"), Purposes: []string{"survey"}}}})}, "", at(12), "no_contact_for_purpose "},
		"past midnight":                              {ContactSubject{Person: ruled(ContactRules{Contacts: []ContactRule{night}})}, "", at(23), "allowed email"},
		"outside the night":                          {ContactSubject{Person: ruled(ContactRules{Contacts: []ContactRule{night}})}, "", at(12), "outside_hours "},
		"a way no message goes by":                   {ContactSubject{Person: with(Contact{Kind: "pigeon", Value: "x", Safe: "yes"})}, "", at(12), "no_contact_recorded "},
	} {
		t.Run(name, func(t *testing.T) {
			d := DecideContact(c.subject, "visit_reminder", c.preference, finnish(t), c.now)
			if got := d.ReasonCode + " " + d.Contact.Kind; got != c.want || d.Allowed != (d.ReasonCode == "allowed") {
				t.Errorf("got %s (%v), want %s", got, d.Allowed, c.want)
			}
			if !d.ExpiresAt.After(c.now) || d.ExpiresAt.After(c.now.Add(contactHolds)) {
				t.Errorf("holds until %v", d.ExpiresAt)
			}
		})
	}
}

func TestDecideContact_EndsWithTheHoursItRestsOn(t *testing.T) {
	p := &Person{ContactRules: &ContactRules{Contacts: []ContactRule{{Contact: Contact{Kind: "email", Value: "a@example.org", Safe: "yes"}, From: "09:00", Until: "12:00"}}}}
	now := time.Date(2026, 1, 20, 9, 55, 0, 0, time.UTC)
	d := DecideContact(ContactSubject{Person: p}, "x", "", finnish(t), now)
	if want := time.Date(2026, 1, 20, 10, 0, 0, 0, time.UTC); !d.Allowed || !d.ExpiresAt.Equal(want) {
		t.Errorf("allowed %v until %v, want until %v", d.Allowed, d.ExpiresAt, want)
	}
}

func TestDecideTravelPoint_OneConfidentialAddressWithholdsAll(t *testing.T) {
	a := finnish(t)
	a.Area = func(country, code string) (Point, bool) {
		return Point{Lat: 65, Lon: 25, PrecisionM: 12000}, country == "FI" && code == "90100"
	}
	open := &Person{Addresses: []Address{{PostalCode: "90100", Country: "FI"}}}
	hidden := &Person{Addresses: []Address{{PostalCode: "00100", Country: "FI", Confidential: true}}}
	if got := DecideTravelPoint([]*Person{open}, []*Person{open, hidden}, a); got.Source != "withheld" || got.Known {
		t.Errorf("another record of theirs is confidential: %+v", got)
	}
	for want, members := range map[string][]*Person{"postal_area": {{}, open}, "withheld": {open, hidden}, "unknown": {{}, {Addresses: []Address{{PostalCode: "1", Country: "FI"}}}}} {
		got := DecideTravelPoint(members, members, a)
		if got.Source != want || got.Known != (want == "postal_area") || (got.Point != Point{}) != got.Known {
			t.Errorf("got %+v, want %s", got, want)
		}
	}
}

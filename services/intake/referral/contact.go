package referral

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"
)

// ContactRules are what a worker and the person settled about how to reach them.
// They replace what referrals said.
type ContactRules struct {
	DoNotContact bool          `json:"do_not_contact"`
	Language     string        `json:"language,omitempty"`
	Contacts     []ContactRule `json:"contacts"`
	SetBy        string        `json:"set_by"`
	SetAt        time.Time     `json:"set_at"`
}

// ContactRule is one way to reach a person and when and for what to use it.
type ContactRule struct {
	Contact
	// Purposes it may be used for; none means any.
	Purposes []string `json:"purposes,omitempty"`
	// From and Until are times of day, HH:MM, in the agency's zone; "" is no
	// bound. Until before From means past midnight.
	From  string `json:"from,omitempty"`
	Until string `json:"until,omitempty"`
}

// PurposeFeedback is the purpose a reporter may be contacted for.
const PurposeFeedback = "feedback"

// contactHolds is how long a decision may be used: what it rests on can change.
const contactHolds = 10 * time.Minute

// ContactSubject is the person asked about and what is known of their safety.
type ContactSubject struct {
	Person *Person
	// Violence: a referral they are in, and that was not withdrawn, tells of
	// domestic violence. ViolenceKnown is since when; zero is always.
	Violence      bool
	ViolenceKnown time.Time
	// ChildOnly: every referral they are in has them as a child.
	ChildOnly bool
	// Others are the contacts of the adults around them, and whatever contact of
	// anybody around them is recorded as unsafe.
	Others []Contact
}

// ContactDecision says whether and how somebody may be contacted, until when.
type ContactDecision struct {
	Allowed    bool
	ReasonCode string
	Contact    Contact // kind is email, sms or phone
	Language   string
	ExpiresAt  time.Time
}

// DecideContact decides now whether a person may be contacted, how and in which
// language. The rules, in this order:
//
//  1. who asked not to be contacted is not (do_not_contact); nor is a child (child)
//  2. a contact recorded as unsafe is never used, however it is written and
//     whosever record says so
//  3. where there is word of domestic violence, only a contact recorded as safe
//     is used, and none that reaches another adult around them too, whoever calls
//     it safe; without one there is no contact at all (no_safe_contact)
//  4. a contact is used only for its purposes (no_contact_for_purpose) and at its
//     times of day (outside_hours)
//  5. of several: the channel preferred, then safe before unknown, then e-mail, SMS, telephone
//
// What a worker and the person settled (ContactRules) stands against what records
// of others say; but not against violence that became known after it was settled.
// Then what they called safe is as any other contact until they settle it again.
func DecideContact(s ContactSubject, purpose, preference string, a *Agency, now time.Time) ContactDecision {
	return DecideContactOfParts([]ContactSubject{s}, purpose, preference, a, now)
}

// DecideContactOfParts decides about a person whom several records are of, the
// oldest first, each a part with its own word. Every part is asked, and one that
// says no is enough: nobody is easier to reach for having been merged. A part has
// nothing to say about a contact it does not know, unless it has contact rules,
// which name all that may be used, or knows of violence.
func DecideContactOfParts(parts []ContactSubject, purpose, preference string, a *Agency, now time.Time) ContactDecision {
	d := ContactDecision{ExpiresAt: now.Add(contactHolds), Language: languageOf(parts, a)}
	for _, s := range parts {
		if rules := s.Person.ContactRules; rules != nil && rules.DoNotContact {
			d.ReasonCode = "do_not_contact"
			return d
		}
	}
	for _, s := range parts {
		if s.ChildOnly && s.Person.ContactRules == nil {
			d.ReasonCode = "child"
			return d
		}
	}
	var usable []offer
	for i, s := range parts {
		for _, c := range known(s.Person) {
			usable = append(usable, offer{c, i})
		}
	}
	if len(usable) == 0 {
		d.ReasonCode = "no_contact_recorded"
		return d
	}
	local := now.In(a.Calendar.Zone())
	narrow := func(reason string, keep func(p *part, c ContactRule, own bool) bool) bool {
		for i, s := range parts {
			p := s.part(a.Country)
			usable = slices.DeleteFunc(usable, func(o offer) bool { return !keep(p, o.ContactRule, o.part == i) })
		}
		if len(usable) == 0 {
			d.ReasonCode = reason
		}
		return len(usable) > 0
	}
	ok := narrow("no_safe_contact", (*part).safe) &&
		narrow("no_contact_for_purpose", func(p *part, c ContactRule, own bool) bool {
			return p.any(c, own, func(r ContactRule) bool { return len(r.Purposes) == 0 || slices.Contains(r.Purposes, purpose) })
		}) &&
		narrow("outside_hours", func(p *part, c ContactRule, own bool) bool {
			return p.any(c, own, func(r ContactRule) bool { return r.allows(local) })
		})
	if !ok {
		return d
	}
	slices.SortStableFunc(usable, func(x, y offer) int {
		return cmp.Or(later(x.Kind != preference, y.Kind != preference), later(x.Safe != "yes", y.Safe != "yes"), cmp.Compare(channel(x.Kind), channel(y.Kind)))
	})
	best := usable[0]
	d.Allowed, d.ReasonCode, d.Contact = true, "allowed", best.Contact
	for i, s := range parts {
		for _, r := range s.part(a.Country).rulesOf(best.ContactRule, i == best.part) {
			if end, bounded := r.ends(local); bounded && r.allows(local) && end.Before(d.ExpiresAt) {
				d.ExpiresAt = end.UTC()
			}
		}
	}
	return d
}

// offer is a contact one of the parts knows.
type offer struct {
	ContactRule
	part int
}

// part is one record's say about contacts.
type part struct {
	ContactSubject
	country string
	unsafe  map[string]bool
}

func (s ContactSubject) part(country string) *part {
	return &part{s, country, s.unsafe(country)}
}

// rulesOf is what the part knows of a contact: of its own the very entry asked
// about, of another part's all that reach the same.
func (p *part) rulesOf(c ContactRule, own bool) []ContactRule {
	if own {
		return []ContactRule{c}
	}
	var same []ContactRule
	for _, r := range recorded(p.Person) {
		if reach(r.Contact, p.country) == reach(c.Contact, p.country) {
			same = append(same, r)
		}
	}
	return same
}

func (p *part) any(c ContactRule, own bool, allows func(ContactRule) bool) bool {
	rules := p.rulesOf(c, own)
	return len(rules) == 0 || slices.ContainsFunc(rules, allows)
}

// safe says whether nothing the part knows is against using a contact.
func (p *part) safe(c ContactRule, own bool) bool {
	if p.unsafe[reach(c.Contact, p.country)] {
		return false
	}
	rules := p.rulesOf(c, own)
	if len(rules) == 0 {
		return p.Person.ContactRules == nil && !p.Violence
	}
	return !p.Violence || !p.outdated() && slices.ContainsFunc(rules, func(r ContactRule) bool { return r.Safe == "yes" })
}

// outdated says whether what was settled is older than the word of violence.
func (s ContactSubject) outdated() bool {
	rules := s.Person.ContactRules
	return rules != nil && s.Violence && rules.SetAt.Before(s.ViolenceKnown)
}

// languageOf is the language settled last, or else the first one recorded.
func languageOf(parts []ContactSubject, a *Agency) string {
	var settled *ContactRules
	for _, s := range parts {
		if r := s.Person.ContactRules; r != nil && r.Language != "" && (settled == nil || r.SetAt.After(settled.SetAt)) {
			settled = r
		}
	}
	if settled != nil {
		return settled.Language
	}
	for _, s := range parts {
		if len(s.Person.Languages) > 0 {
			return s.Person.Languages[0]
		}
	}
	return a.language()
}

// DecideReporterContact decides whether the reporter may be contacted: only to
// tell what became of the referral, only if they asked, and never where they
// said it is not safe. Who told of violence in their own family (violence) is
// contacted only where they said it is.
func DecideReporterContact(who Reporter, violence bool, purpose, preference string, a *Agency, now time.Time) ContactDecision {
	d := ContactDecision{ExpiresAt: now.Add(contactHolds), Language: a.language()}
	switch {
	case purpose != PurposeFeedback:
		d.ReasonCode = "purpose_not_allowed"
		return d
	case who.Anonymous:
		d.ReasonCode = "anonymous"
		return d
	case !who.WantsFeedback:
		d.ReasonCode = "feedback_not_wanted"
		return d
	}
	person := &Person{Contacts: who.Contacts}
	decided := DecideContact(ContactSubject{Person: person, Violence: violence}, purpose, preference, a, now)
	decided.Language = d.Language
	return decided
}

// unsafe is what must not be written or called to, by reach.
func (s ContactSubject) unsafe(country string) map[string]bool {
	unsafe := map[string]bool{}
	for _, c := range recorded(s.Person) {
		if c.Safe == "no" {
			unsafe[reach(c.Contact, country)] = true
		}
	}
	if s.Person.ContactRules != nil && !s.outdated() {
		return unsafe
	}
	for _, c := range s.Others {
		if c.Safe == "no" || s.Violence {
			unsafe[reach(c, country)] = true
		}
	}
	return unsafe
}

// SameReach says whether two contacts reach the same telephone or mailbox, as far as
// that can be told without a country: a number in the national form is not taken for
// one in the international.
func SameReach(a, b Contact) bool { return reach(a, "") == reach(b, "") }

// reach is the same for two contacts that reach the same telephone or mailbox,
// however each is written: a number in the national or the international form,
// with or without spaces, as telephone or for text messages.
func reach(c Contact, country string) string {
	value := strings.ToLower(strings.TrimSpace(c.Value))
	if c.Kind == "email" {
		return value
	}
	if n, err := phonenumbers.Parse(value, country); err == nil {
		return phonenumbers.Format(n, phonenumbers.E164)
	}
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, value)
}

// known are the contacts to choose from, by channel a message can go by.
func known(p *Person) []ContactRule {
	var usable []ContactRule
	for _, c := range recorded(p) {
		switch {
		case c.Kind == "phone" && mobile(c.Value):
			c.Kind = "sms"
		case !slices.Contains([]string{"email", "sms", "phone"}, c.Kind):
			continue
		}
		usable = append(usable, c)
	}
	return usable
}

// recorded are the contacts that count: those of the rules, or else of referrals.
func recorded(p *Person) []ContactRule {
	if p.ContactRules != nil {
		return p.ContactRules.Contacts
	}
	var all []ContactRule
	for _, c := range p.Contacts {
		all = append(all, ContactRule{Contact: c})
	}
	return all
}

// mobile says whether a number takes text messages for certain: one sent to a
// telephone at home may be read aloud to whoever is there.
func mobile(number string) bool {
	n, err := phonenumbers.Parse(number, "")
	if err != nil {
		return false
	}
	return phonenumbers.GetNumberType(n) == phonenumbers.MOBILE
}

func (a *Agency) language() string {
	if len(a.Languages) > 0 {
		return a.Languages[0]
	}
	return ""
}

// allows says whether the time of day is one the contact may be used at.
func (c ContactRule) allows(local time.Time) bool {
	at := local.Format("15:04")
	from, until := cmp.Or(c.From, "00:00"), cmp.Or(c.Until, "24:00")
	if from <= until {
		return from <= at && at < until
	}
	return at >= from || at < until
}

// ends is when the hours that hold now end.
func (c ContactRule) ends(local time.Time) (time.Time, bool) {
	if c.Until == "" {
		return time.Time{}, false
	}
	clockTime, err := time.Parse("15:04", c.Until)
	if err != nil {
		return time.Time{}, false
	}
	end := time.Date(local.Year(), local.Month(), local.Day(), clockTime.Hour(), clockTime.Minute(), 0, 0, local.Location())
	if end.Before(local) {
		end = end.AddDate(0, 0, 1)
	}
	return end, true
}

func later(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

func channel(kind string) int { return slices.Index([]string{"email", "sms", "phone"}, kind) }

// OwnViolence says whether somebody tells of domestic violence in their own family.
func (c *Content) OwnViolence() bool {
	own := c.Kind == "self_referral" || c.Channel == "self"
	return own && (slices.Contains(c.SafetyFlags, "domestic_violence") || slices.Contains(c.ConcernCodes(), "domestic_violence"))
}

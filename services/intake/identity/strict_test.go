package identity_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/pkg/clock"
	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/intake/identity"
	"github.com/hearthfps/hearth/services/intake/referral"
)

func finnish(t testing.TB) *referral.Agency {
	t.Helper()
	calendar, err := clock.NewCalendar("fi", time.UTC, clock.Spec{WorkingDays: []clock.Weekday{"mon", "tue", "wed", "thu", "fri"}})
	if err != nil {
		t.Fatal(err)
	}
	return &referral.Agency{Country: "FI", Calendar: calendar, Languages: []string{"fi"}}
}

// anyContact draws from few, so that records share some.
func anyContact(rt *rapid.T) referral.Contact {
	return referral.Contact{Kind: "email", Value: fmt.Sprintf("c%d@example.org", rapid.IntRange(0, 2).Draw(rt, "contact")), Safe: rapid.SampledFrom(referral.Safeties).Draw(rt, "safe")}
}

func seldom(rt *rapid.T, what string) bool { return rapid.IntRange(0, 5).Draw(rt, what) == 5 }

func anyRecord(rt *rapid.T, n int) *identity.Record {
	r := &identity.Record{Person: &referral.Person{ID: recordID(n), Version: 1}}
	r.Contacts = rapid.SliceOfNDistinct(rapid.Custom(anyContact), 0, 3, func(c referral.Contact) string { return c.Value }).Draw(rt, "contacts")
	r.Safety = identity.Safety{
		Violence: seldom(rt, "violence"), ViolenceKnown: noon, ChildOnly: seldom(rt, "child"),
		Others: rapid.SliceOfN(rapid.Custom(anyContact), 0, 1).Draw(rt, "others"),
	}
	if rapid.Bool().Draw(rt, "settled") {
		r.ContactRules = &referral.ContactRules{
			DoNotContact: seldom(rt, "asked not to"), SetAt: noon.Add(time.Duration(rapid.IntRange(-1, 1).Draw(rt, "set")) * time.Hour),
		}
		for _, c := range rapid.SliceOfNDistinct(rapid.Custom(anyContact), 1, 3, func(c referral.Contact) string { return c.Value }).Draw(rt, "rules") {
			rule := referral.ContactRule{Contact: c}
			if rapid.Bool().Draw(rt, "for a purpose") {
				rule.Purposes = []string{rapid.SampledFrom([]string{"visit_reminder", "survey"}).Draw(rt, "purpose")}
			}
			if rapid.Bool().Draw(rt, "by night") {
				rule.From, rule.Until = "20:00", "06:00"
			}
			r.ContactRules.Contacts = append(r.ContactRules.Contacts, rule)
		}
	}
	return r
}

// Whatever a merged person is contacted by, no record of theirs says no to: each is
// asked by itself, as if it had that contact and no other.
func TestGuarantee5_NobodyIsEasierToReachForBeingMerged(t *testing.T) {
	a := finnish(t)
	allowed := 0
	rapid.Check(t, func(rt *rapid.T) {
		i := &identity.Identity{}
		for n := range rapid.IntRange(1, 4).Draw(rt, "records") {
			i.Records = append(i.Records, anyRecord(rt, n))
		}
		parts := i.Subjects()
		d := referral.DecideContactOfParts(parts, "visit_reminder", "", a, noon)
		if !d.Allowed {
			return
		}
		allowed++
		for n, s := range parts {
			alone := s
			p := *s.Person
			has := func(c referral.Contact) bool { return c.Value == d.Contact.Value }
			if p.ContactRules == nil && !slices.ContainsFunc(p.Contacts, has) {
				p.Contacts = append(slices.Clone(p.Contacts), referral.Contact{Kind: "email", Value: d.Contact.Value, Safe: "unknown"})
			}
			p.Contacts = slices.DeleteFunc(slices.Clone(p.Contacts), func(c referral.Contact) bool { return !has(c) })
			if p.ContactRules != nil {
				rules := *p.ContactRules
				rules.Contacts = slices.DeleteFunc(slices.Clone(rules.Contacts), func(c referral.ContactRule) bool { return !has(c.Contact) })
				p.ContactRules = &rules
			}
			alone.Person = &p
			if own := referral.DecideContact(alone, "visit_reminder", "", a, noon); !own.Allowed {
				rt.Fatalf("merged, %s is contacted; record %d by itself says %s", d.Contact.Kind, n, own.ReasonCode)
			}
		}
	})
	if allowed < 5 {
		t.Errorf("only %d drawn were contacted at all: nothing is shown", allowed)
	}
}

func with(change func(r *identity.Record)) *identity.Identity {
	r := &identity.Record{Person: &referral.Person{ID: "a", Version: 1, Name: referral.Name{Given: []string{"Mia"}, Family: "Koski"}, BirthDate: "2020-01-02", Sex: "female"}}
	change(r)
	return &identity.Identity{Records: []*identity.Record{r}}
}

func TestObstacles_EachIsNamedOrNothingIsMerged(t *testing.T) {
	for want, other := range map[identity.Obstacle]func(r *identity.Record){
		"":                         func(*identity.Record) {},
		identity.NamedApart:        func(r *identity.Record) { r.Referrals = []identity.Appearance{{Referral: "rf-1", Ref: "p2"}} },
		identity.PerhapsTwins:      func(r *identity.Record) { r.Name.Given = []string{"Noa"} },
		identity.MultipleBirth:     func(r *identity.Record) { r.MultipleBirth = true },
		identity.Unborn:            func(r *identity.Record) { r.Unborn = true },
		identity.BirthDatesDiffer:  func(r *identity.Record) { r.BirthDate = "2020-02-01" },
		identity.SexesDiffer:       func(r *identity.Record) { r.Sex = "male" },
		identity.IdentifiersDiffer: func(r *identity.Record) { r.Identifiers = []referral.Identifier{{System: "school", Value: "2"}} },
		identity.AddressConfidential: func(r *identity.Record) {
			r.Addresses = []referral.Address{{Lines: []string{"Katu 1"}, Confidential: true}}
		},
		identity.Sealed: func(r *identity.Record) { r.Seal = referral.SealAdoption },
	} {
		t.Run(string(want), func(t *testing.T) {
			i := with(func(r *identity.Record) {
				r.Referrals = []identity.Appearance{{Referral: "rf-1", Ref: "p1"}}
				r.Identifiers = []referral.Identifier{{System: "school", Value: "1"}}
			})
			j := with(func(r *identity.Record) { r.ID = "b"; other(r) })
			m := identity.Merge{ID: "m", A: "a", B: "b"}
			_, err := i.Join(j, m)
			m.Despite = identity.Between(i, j)
			_, despite := i.Join(j, m)
			switch want {
			case "":
				if err != nil {
					t.Errorf("nothing speaks against it, and: %v", err)
				}
			case identity.Sealed:
				if !fault.Is(err, "sealed") || !fault.Is(despite, "sealed") {
					t.Errorf("across a seal: %v, and %v when named", err, despite)
				}
			default:
				f, ok := fault.As(err)
				if !ok || f.Code != "merge_needs_reason" || len(f.Fields) != 1 || f.Fields[0].Code != string(want) || despite != nil {
					t.Errorf("got %v, and %v when named", err, despite)
				}
			}
		})
	}
}

func TestJoin_TakesKnownObstaclesAlone(t *testing.T) {
	i, j := with(func(*identity.Record) {}), with(func(r *identity.Record) { r.ID = "b" })
	if _, err := i.Join(j, identity.Merge{ID: "m", A: "a", B: "b", Despite: []identity.Obstacle{"sealed"}}); !fault.Is(err, "obstacle_unknown") {
		t.Errorf("got %v", err)
	}
	if _, err := i.Join(i, identity.Merge{ID: "m", A: "a", B: "a"}); !fault.Is(err, "already_one") {
		t.Errorf("with itself: %v", err)
	}
	if _, err := i.Join(j, identity.Merge{ID: "m", A: "a", B: "c"}); !fault.Is(err, "merge_misplaced") {
		t.Errorf("of a record of neither: %v", err)
	}
}

// What was settled with one person of two records, as they part and come together.
func TestGuarantee3_RulesSettledForSeveral(t *testing.T) {
	w := newWorld(2)
	a, b := recordID(0), recordID(1)
	mail := func(n int) referral.ContactRule {
		return referral.ContactRule{Contact: referral.Contact{Kind: "email", Value: fmt.Sprintf("own%d@example.org", n), Safe: "yes"}}
	}
	said := func(id referral.PersonID) string {
		i := w.identities[id]
		r := i.Rules(i.Record(id))
		if r == nil {
			return "nothing"
		}
		out := ""
		if r.DoNotContact {
			out = "not "
		}
		for _, c := range r.Contacts {
			out += c.Value + " "
		}
		return out
	}
	expect := func(when, first, second string) {
		t.Helper()
		if gotA, gotB := said(a), said(b); gotA != first || gotB != second {
			t.Errorf("%s: %q and %q, want %q and %q", when, gotA, gotB, first, second)
		}
	}
	w.settle(a, referral.ContactRules{Contacts: []referral.ContactRule{mail(0)}})
	m, err := w.merge(a, b)
	if err != nil {
		t.Fatal(err)
	}
	expect("before", "own0@example.org ", "nothing")
	w.settle(a, referral.ContactRules{DoNotContact: true, Contacts: []referral.ContactRule{mail(0), mail(1)}})
	both := "not own0@example.org own1@example.org "
	expect("settled for both", both, both)
	if err := w.unmerge(a, m); err != nil {
		t.Fatal(err)
	}
	expect("parted, each with what it knew and what was forbidden", "not own0@example.org ", "not own1@example.org ")
	if _, err = w.merge(a, b); err != nil {
		t.Fatal(err)
	}
	expect("one again", both, both)
	if err := w.unmerge(a, identity.MergeID("m0002")); err != nil {
		t.Fatal(err)
	}
	w.settle(b, referral.ContactRules{Contacts: []referral.ContactRule{mail(1)}})
	expect("settled anew with one", "not own0@example.org ", "own1@example.org ")
}

func TestBreach_ASealPartsEveryMergeOfItsRecord(t *testing.T) {
	w := newWorld(4)
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {2, 3}} {
		if _, err := w.merge(recordID(pair[0]), recordID(pair[1])); err != nil {
			t.Fatal(err)
		}
	}
	i := w.identities[recordID(0)]
	if got := i.Breach(); len(got) != 0 {
		t.Errorf("no seal, and %v", got)
	}
	w.records[recordID(1)].Seal = referral.SealProtected
	if got := i.Breach(); !slices.Equal(got, []identity.MergeID{"m0001", "m0002"}) {
		t.Errorf("got %v", got)
	}
}

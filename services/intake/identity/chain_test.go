package identity_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hearthfps/hearth/services/intake/identity"
	"github.com/hearthfps/hearth/services/intake/referral"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// world is the identities of a handful of records, as package identity keeps them.
type world struct {
	records    map[referral.PersonID]*identity.Record
	identities map[referral.PersonID]*identity.Identity // by record
	merges     int
	settled    int
	now        time.Time
}

func recordID(n int) referral.PersonID { return referral.PersonID(fmt.Sprintf("r%02d", n)) }

func newWorld(n int) *world {
	w := &world{records: map[referral.PersonID]*identity.Record{}, identities: map[referral.PersonID]*identity.Identity{}, now: noon}
	for i := range n {
		r := &identity.Record{Person: &referral.Person{
			ID: recordID(i), Version: 1, Name: referral.Name{Given: []string{fmt.Sprint("Given", i)}, Family: "Koski"},
			Contacts:   []referral.Contact{{Kind: "email", Value: fmt.Sprintf("own%d@example.org", i), Safe: "unknown"}},
			Households: []referral.HouseholdID{referral.HouseholdID(fmt.Sprint("h", i/2))},
		}}
		w.records[r.ID] = r
		w.identities[r.ID] = &identity.Identity{Records: []*identity.Record{r}}
	}
	return w
}

func (w *world) place(identities ...*identity.Identity) {
	for _, i := range identities {
		for _, r := range i.Records {
			w.identities[r.ID] = i
		}
	}
}

func (w *world) merge(a, b referral.PersonID) (identity.MergeID, error) {
	w.merges++
	w.now = w.now.Add(time.Minute)
	m := identity.Merge{ID: identity.MergeID(fmt.Sprintf("m%04d", w.merges)), A: min(a, b), B: max(a, b), Decision: identity.Decision{By: "officer", At: w.now, Reason: "reviewed"}}
	m.Despite = identity.Between(w.identities[a], w.identities[b])
	one, err := w.identities[a].Join(w.identities[b], m)
	if err == nil {
		w.place(one)
	}
	return m.ID, err
}

func (w *world) unmerge(of referral.PersonID, id identity.MergeID) error {
	w.now = w.now.Add(time.Minute)
	a, b, _, err := w.identities[of].Cut(id, identity.Decision{By: "officer", At: w.now, Reason: "mistake"})
	if err == nil {
		w.place(a, b)
	}
	return err
}

// settle settles contact rules with the person a record is of: for all their records.
func (w *world) settle(of referral.PersonID, rules referral.ContactRules) {
	w.now, w.settled = w.now.Add(time.Minute), w.settled+1
	rules.SetAt, rules.SetBy = w.now, "worker"
	i := w.identities[of]
	if len(i.Records) == 1 {
		i.Records[0].ContactRules = &rules
		i.Records[0].Version++
		return
	}
	s := identity.Settlement{ID: fmt.Sprintf("s%04d", w.settled), For: i.Members(), Rules: rules}
	for _, r := range i.Records {
		r.Version++
	}
	// A record parted later takes it along: every identity knows all of its records'.
	i.Settlements = append(i.Settlements, s)
}

// shown is what is to be the same again: all of the person but the version.
func shown(p *referral.Person) string {
	q := *p
	q.Version = 0
	b, err := json.Marshal(q)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// model is what should be so, kept the plainest way: edges, and each record alone.
type model struct {
	edges map[identity.MergeID][2]referral.PersonID
	alone *world // where nothing is ever merged
	joint map[referral.PersonID]bool
}

// reach is who is one with whom, by going over all edges until nothing changes.
func (m *model) reach(ids []referral.PersonID) map[referral.PersonID]referral.PersonID {
	name := map[referral.PersonID]referral.PersonID{}
	for _, id := range ids {
		name[id] = id
	}
	for changed := true; changed; {
		changed = false
		for _, e := range m.edges {
			low := min(name[e[0]], name[e[1]])
			for _, id := range e {
				if name[id] != low {
					name[id], changed = low, true
				}
			}
		}
	}
	return name
}

// Any chain of 1,000 merges, edits and unmerges: who is one is what the merges that
// hold say; a merge taken back at once leaves everything as it was; and when all are
// taken back, in whatever order, everybody is, to the byte, who they would be had
// nobody ever been merged.
func TestGuarantee1_AnyChainComesBack(t *testing.T) {
	const steps, chains = 1000, 30
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		if run++; run > chains {
			return // as many as a test of everything has time for
		}
		n := rapid.IntRange(2, 9).Draw(rt, "records")
		w := newWorld(n)
		m := &model{edges: map[identity.MergeID][2]referral.PersonID{}, alone: newWorld(n), joint: map[referral.PersonID]bool{}}
		var ids []referral.PersonID
		for i := range n {
			ids = append(ids, recordID(i))
		}
		// One number a step keeps a failing chain short to draw and to shrink.
		chain := rapid.SliceOfN(rapid.Uint32(), steps, steps).Draw(rt, "chain")
		versions := map[referral.PersonID]int64{}
		for step, x := range chain {
			a, b := ids[int(x>>8)%n], ids[int(x>>16)%n]
			before := map[referral.PersonID]int64{}
			for _, id := range ids {
				before[id] = w.identities[id].Version()
			}
			touched := []referral.PersonID{}
			switch x % 8 {
			case 0, 1, 2:
				one := w.identities[a] == w.identities[b]
				was := shown(w.identities[a].Person()) + shown(w.identities[b].Person())
				members := append(w.identities[a].Members(), w.identities[b].Members()...)
				id, err := w.merge(a, b)
				if one != (err != nil) {
					rt.Fatalf("step %d: merge of one person's records %v: %v", step, one, err)
				}
				if err != nil {
					break
				}
				if err := w.unmerge(a, id); err != nil {
					rt.Fatal(err)
				}
				if now := shown(w.identities[a].Person()) + shown(w.identities[b].Person()); now != was {
					rt.Fatalf("step %d: merged and unmerged: %s", step, cmp.Diff(was, now))
				}
				if id, err = w.merge(a, b); err != nil {
					rt.Fatal(err)
				}
				m.edges[id], touched = [2]referral.PersonID{a, b}, members
			case 3, 4:
				id, ok := pick(m.edges, x>>4)
				if !ok {
					break
				}
				e := m.edges[id]
				touched = w.identities[e[0]].Members()
				if err := w.unmerge(e[x%2], id); err != nil {
					rt.Fatalf("step %d: %v", step, err)
				}
				delete(m.edges, id)
			case 5: // a further referral tells of the record
				touched = []referral.PersonID{a}
				for _, v := range []*world{w, m.alone} {
					r := v.records[a]
					safe := []string{"unknown", "yes", "no"}[int(x>>20)%3]
					c := referral.Contact{Kind: "phone", Value: fmt.Sprintf("+3584%07d", x>>12%4), Safe: safe}
					r.Contacts = slices.DeleteFunc(slices.Clone(r.Contacts), func(old referral.Contact) bool { return old.Value == c.Value })
					r.Contacts = append(r.Contacts, c)
					r.Version++
				}
			case 6: // a correction
				touched = []referral.PersonID{a}
				for _, v := range []*world{w, m.alone} {
					r := v.records[a]
					r.Name.Family, r.BirthDate = fmt.Sprint("Family", x>>20), referral.PartialDate(fmt.Sprint(1950+x>>24%60))
					r.Contacts = r.Contacts[:1]
					r.Version++
				}
			case 7:
				rules := referral.ContactRules{DoNotContact: x>>20%7 == 0, Contacts: []referral.ContactRule{{Contact: referral.Contact{Kind: "email", Value: fmt.Sprintf("own%d@example.org", x>>12%9), Safe: "yes"}}}}
				touched = w.identities[a].Members()
				if len(touched) > 1 {
					for _, id := range touched {
						m.joint[id] = true
					}
				} else {
					m.alone.now = w.now
					m.alone.settle(a, rules)
				}
				w.settle(a, rules)
			}
			check(rt, step, w, m, ids)
			for _, id := range touched {
				if v := w.identities[id].Version(); v <= before[id] {
					rt.Fatalf("step %d: version of %s was %d and is %d", step, id, before[id], v)
				}
			}
			for _, id := range ids {
				if v := w.identities[id].Version(); v < versions[id] {
					rt.Fatalf("step %d: version of %s went down from %d to %d", step, id, versions[id], v)
				} else {
					versions[id] = v
				}
			}
		}
		for len(m.edges) > 0 {
			id, _ := pick(m.edges, rapid.Uint32().Draw(rt, "which first"))
			if err := w.unmerge(m.edges[id][1], id); err != nil {
				rt.Fatal(err)
			}
			delete(m.edges, id)
		}
		check(rt, steps, w, m, ids)
		for _, id := range ids {
			record, alone := *w.records[id].Person, *m.alone.records[id].Person
			if m.joint[id] {
				record.ContactRules, alone.ContactRules = nil, nil
			}
			if shown(&record) != shown(&alone) {
				rt.Fatalf("record %s was rewritten: %s", id, cmp.Diff(shown(&alone), shown(&record)))
			}
			got, want := w.identities[id].Person(), m.alone.identities[id].Person()
			if m.joint[id] { // what was settled with several is judged by its own rule
				got.ContactRules, want.ContactRules = nil, nil
				clean(got, want)
			}
			if shown(got) != shown(want) {
				rt.Fatalf("%s did not come back: %s", id, cmp.Diff(shown(want), shown(got)))
			}
		}
	})
}

// clean leaves the word on safety out where rules settled with several bear on it.
func clean(persons ...*referral.Person) {
	for _, p := range persons {
		for n := range p.Contacts {
			p.Contacts[n].Safe = ""
		}
	}
}

func pick(edges map[identity.MergeID][2]referral.PersonID, x uint32) (identity.MergeID, bool) {
	var all []identity.MergeID
	for id := range edges {
		all = append(all, id)
	}
	if all == nil {
		return "", false
	}
	slices.Sort(all)
	return all[int(x)%len(all)], true
}

func check(rt *rapid.T, step int, w *world, m *model, ids []referral.PersonID) {
	name := m.reach(ids)
	for _, id := range ids {
		i := w.identities[id]
		if step%10 == 0 {
			checkUnion(rt, w, name, i.Person())
		}
		if i.ID() != name[id] {
			rt.Fatalf("step %d: %s is of %s, want %s", step, id, i.ID(), name[id])
		}
		if len(i.Merges) != len(i.Records)-1 {
			rt.Fatalf("step %d: %d merges hold %d records", step, len(i.Merges), len(i.Records))
		}
		for _, other := range ids {
			if in := i.Record(other) != nil; in != (name[other] == name[id]) {
				rt.Fatalf("step %d: %s with %s: %v", step, id, other, in)
			}
		}
	}
}

// checkUnion: a person has every contact of their records and no other, and one that
// is unsafe in any of them and not settled otherwise is not called safe.
func checkUnion(rt *rapid.T, w *world, name map[referral.PersonID]referral.PersonID, p *referral.Person) {
	want, unsafe := map[string]bool{}, map[string]bool{}
	for id, r := range w.records {
		if name[id] == p.ID {
			for _, c := range r.Contacts {
				want[c.Value] = true
				unsafe[c.Value] = unsafe[c.Value] || c.Safe == "no"
			}
		}
	}
	got := map[string]bool{}
	for _, c := range p.Contacts {
		got[c.Value] = true
		if unsafe[c.Value] && c.Safe == "yes" {
			rt.Fatalf("%s: unsafe in one record, and shown as safe", p.ID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		rt.Fatal(diff)
	}
}

package identity

import (
	"cmp"
	"log/slog"
	"slices"
	"time"

	"github.com/hearthfps/hearth/pkg/fault"
	"github.com/hearthfps/hearth/services/intake/referral"
)

// MergeID names a merge.
type MergeID string

// Record is what referrals made known of somebody, with what is needed to judge
// whether they are somebody else.
type Record struct {
	*referral.Person
	// Referrals are those they are in, by the ref they have there.
	Referrals []Appearance
	// Cases are those the referrals opened: who works on one may see the record.
	Cases []string
	// Safety is what those referrals say of how careful to be.
	Safety Safety
}

// Appearance is a person of a referral.
type Appearance struct {
	Referral referral.ReferralID
	Ref      string
}

// Safety is as in referral.ContactSubject.
type Safety struct {
	Flags         []string
	Violence      bool
	ViolenceKnown time.Time
	ChildOnly     bool
	Others        []referral.Contact
}

// LogValue keeps personal data out of logs.
func (r *Record) LogValue() slog.Value { return r.Person.LogValue() }

// Decision is who decided something, when and why. Reason is a code; Note is for
// people and leaves the database in no event.
type Decision struct {
	By     string
	At     time.Time
	Reason string
	Note   string
}

// Merge is the decision that two records are of one person.
type Merge struct {
	ID MergeID
	// A and B are the records, A the older.
	A, B referral.PersonID
	// Pair is the pair it was decided about; "" when nobody asked.
	Pair string
	// Despite are the obstacles the decision names.
	Despite []Obstacle
	Decision
	// Undone is set once it was taken back.
	Undone *Decision
}

// Holds says whether the merge was not taken back.
func (m *Merge) Holds() bool { return m.Undone == nil }

// Settlement is a set of contact rules settled with a person of several records.
type Settlement struct {
	ID    string
	For   []referral.PersonID // in order
	Rules referral.ContactRules
}

// Identity is a person: one record, or several that people decided are of one.
type Identity struct {
	// Records, the oldest first: in the order of their ids, which are made in the
	// order of time.
	Records []*Record
	// Merges are those that hold them together: one less than there are records.
	Merges []Merge
	// Settlements are all that were settled for any of the records.
	Settlements []Settlement
	// Base is what the version counts from.
	Base int64
}

// ID names the identity: it is the id of its oldest record.
func (i *Identity) ID() referral.PersonID { return i.Records[0].ID }

// LogValue keeps personal data out of logs.
func (i *Identity) LogValue() slog.Value { return i.Records[0].LogValue() }

// Version goes up with every change of the identity.
func (i *Identity) Version() int64 { return i.Base + i.edits() }

func (i *Identity) edits() (n int64) {
	for _, r := range i.Records {
		n += r.Version
	}
	return n
}

// Members are the ids of the records.
func (i *Identity) Members() []referral.PersonID {
	ids := make([]referral.PersonID, len(i.Records))
	for n, r := range i.Records {
		ids[n] = r.ID
	}
	return ids
}

// Record is a record by its id; nil when the identity has no such record.
func (i *Identity) Record(id referral.PersonID) *Record {
	if n := slices.IndexFunc(i.Records, func(r *Record) bool { return r.ID == id }); n >= 0 {
		return i.Records[n]
	}
	return nil
}

// Join makes one identity of two. m names a record of each. It fails with Conflict
// (already_one), Forbidden (sealed) and Unprocessable (merge_needs_reason, with an
// error for each obstacle m does not name; obstacle_unknown).
func (i *Identity) Join(j *Identity, m Merge) (*Identity, error) {
	if i.ID() == j.ID() {
		return nil, fault.New(fault.Conflict, "already_one", "These are one person already.")
	}
	if i.Record(m.A) == nil {
		i, j = j, i
	}
	if i.Record(m.A) == nil || j.Record(m.B) == nil || m.A >= m.B {
		return nil, fault.New(fault.Internal, "merge_misplaced", "A merge is of a record of each person, the older first.")
	}
	if err := clear(Between(i, j), m.Despite); err != nil {
		return nil, err
	}
	one := assemble(append(slices.Clone(i.Records), j.Records...), append(append(slices.Clone(i.Merges), j.Merges...), m), append(slices.Clone(i.Settlements), j.Settlements...))
	one.after(max(i.Version(), j.Version()))
	return one, nil
}

// Cut takes a merge back. What it held together are two identities again: the one
// with record A of the merge, and the one with B. It fails with NotFound
// (merge_not_found) when no such merge holds here.
func (i *Identity) Cut(id MergeID, undo Decision) (a, b *Identity, undone Merge, err error) {
	n := slices.IndexFunc(i.Merges, func(m Merge) bool { return m.ID == id })
	if n < 0 {
		return nil, nil, Merge{}, fault.New(fault.NotFound, "merge_not_found", "No such merge holds for this person: it may have been taken back already.")
	}
	undone = i.Merges[n]
	undone.Undone = &undo
	left := slices.Delete(slices.Clone(i.Merges), n, n+1)
	a, b = i.part(undone.A, left), i.part(undone.B, left)
	a.after(i.Version())
	b.after(i.Version())
	return a, b, undone, nil
}

// part is the identity of a record by the given merges.
func (i *Identity) part(id referral.PersonID, merges []Merge) *Identity {
	members := Component(id, merges)
	in := func(id referral.PersonID) bool { return slices.Contains(members, id) }
	var records []*Record
	for _, r := range i.Records {
		if in(r.ID) {
			records = append(records, r)
		}
	}
	own := slices.DeleteFunc(slices.Clone(merges), func(m Merge) bool { return !in(m.A) })
	settled := slices.DeleteFunc(slices.Clone(i.Settlements), func(s Settlement) bool { return !slices.ContainsFunc(s.For, in) })
	return assemble(records, own, settled)
}

func assemble(records []*Record, merges []Merge, settlements []Settlement) *Identity {
	slices.SortFunc(records, func(a, b *Record) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(merges, func(a, b Merge) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(settlements, func(a, b Settlement) int {
		return cmp.Or(a.Rules.SetAt.Compare(b.Rules.SetAt), cmp.Compare(a.ID, b.ID))
	})
	settlements = slices.CompactFunc(settlements, func(a, b Settlement) bool { return a.ID == b.ID })
	return &Identity{Records: records, Merges: merges, Settlements: settlements}
}

// after puts the base where the version is above all versions before.
func (i *Identity) after(version int64) { i.Base = max(0, version+1-i.edits()) }

// Component is every record that merges tie to one, itself among them, in order.
func Component(id referral.PersonID, merges []Merge) []referral.PersonID {
	found := []referral.PersonID{id}
	for next := 0; next < len(found); next++ {
		for _, m := range merges {
			other := referral.PersonID("")
			switch {
			case !m.Holds():
				continue
			case m.A == found[next]:
				other = m.B
			case m.B == found[next]:
				other = m.A
			default:
				continue
			}
			if !slices.Contains(found, other) {
				found = append(found, other)
			}
		}
	}
	slices.Sort(found)
	return found
}

// Only is one of the records by itself, as if it had never been merged.
func (i *Identity) Only(id referral.PersonID) *Identity {
	return &Identity{Records: []*Record{i.Record(id)}, Settlements: i.Settlements}
}

package identity

import (
	"time"

	"github.com/hearthfps/hearth/services/intake/referral"
)

// The types of the events, and the key of all of them: one order for an agency, since
// a merge can touch what any other made.
const (
	TypeMerged   = "org.hearth.intake.person.merged.v1"
	TypeUnmerged = "org.hearth.intake.person.unmerged.v1"
	Key          = "persons"
)

// ReasonSealed is the reason of a merge that a seal took back.
const ReasonSealed = "sealed"

// PersonMerged is the data of person.merged.
type PersonMerged struct {
	Merge     MergeID             `json:"merge_id"`
	Person    referral.PersonID   `json:"person_id"`
	Absorbed  referral.PersonID   `json:"absorbed_id"`
	Records   []referral.PersonID `json:"record_ids"`
	Reason    string              `json:"reason_code"`
	DecidedBy string              `json:"decided_by"`
	DecidedAt time.Time           `json:"decided_at"`
}

// PersonUnmerged is the data of person.unmerged.
type PersonUnmerged struct {
	Merge         MergeID             `json:"merge_id"`
	Person        referral.PersonID   `json:"person_id"`
	Records       []referral.PersonID `json:"record_ids"`
	Parted        referral.PersonID   `json:"parted_id"`
	PartedRecords []referral.PersonID `json:"parted_record_ids"`
	Reason        string              `json:"reason_code"`
	DecidedBy     string              `json:"decided_by"`
	DecidedAt     time.Time           `json:"decided_at"`
}

// Merged tells that one came of two.
func Merged(m Merge, a, b, one *Identity) referral.Announcement {
	return referral.Announcement{Type: TypeMerged, Subject: string(one.ID()), Key: Key, Version: one.Version(), Data: PersonMerged{
		Merge: m.ID, Person: one.ID(), Absorbed: max(a.ID(), b.ID()), Records: one.Members(), Reason: m.Reason, DecidedBy: m.By, DecidedAt: m.At,
	}}
}

// Unmerged tells that a merge was taken back.
func Unmerged(m Merge, a, b *Identity) referral.Announcement {
	if b.ID() < a.ID() {
		a, b = b, a
	}
	return referral.Announcement{Type: TypeUnmerged, Subject: string(a.ID()), Key: Key, Version: a.Version(), Data: PersonUnmerged{
		Merge: m.ID, Person: a.ID(), Records: a.Members(), Parted: b.ID(), PartedRecords: b.Members(), Reason: m.Undone.Reason, DecidedBy: m.Undone.By, DecidedAt: m.Undone.At,
	}}
}

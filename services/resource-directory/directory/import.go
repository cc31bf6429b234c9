package directory

import "github.com/hearthfps/hearth/pkg/fault"

// Status is the verdict on one record of an import.
type Status string

// What can become of a record. Repeated and conflict are about the records of
// one import; created, updated and unchanged compare with what was there before it.
const (
	Created   Status = "created"
	Updated   Status = "updated"
	Unchanged Status = "unchanged"
	Repeated  Status = "repeated"
	Conflict  Status = "conflict"
	Refused   Status = "refused"
)

// Mode says what a record that is already there becomes.
type Mode string

// Replace takes the record for all there is; Merge keeps members it lacks.
const (
	Replace Mode = "replace"
	Merging Mode = "merge"
)

// Verdict is what became of one record.
type Verdict struct {
	Index    int
	Entity   Entity
	ID       string
	Status   Status
	Problems []fault.Field
	Warnings []fault.Field
}

// Totals counts the verdicts of an import.
type Totals struct {
	Records int
	Counts  map[Status]int
	Stopped *fault.Field // why the body was not read to its end; nil when it was
}

// Add counts one verdict.
func (t *Totals) Add(v Verdict) {
	if t.Counts == nil {
		t.Counts = map[Status]int{}
	}
	t.Records++
	t.Counts[v.Status]++
}

// Seen remembers the records of one import, so that two with the same id and
// different content cannot make the outcome hang on their order: published files
// do hold them. It keeps 32 bytes and the id for each record.
type Seen struct{ first map[string]string }

// NewSeen starts an import.
func NewSeen() *Seen { return &Seen{first: map[string]string{}} }

// Check says whether rec may be stored. When an earlier record of this import
// had its id, it may not: the status is Repeated for the same content, Conflict for other.
func (s *Seen) Check(rec Record) (Status, bool) {
	key := string(rec.Entity) + "/" + rec.ID
	hash, again := s.first[key]
	switch {
	case !again:
		s.first[key] = rec.Hash
		return "", true
	case hash == rec.Hash:
		return Repeated, false
	default:
		return Conflict, false
	}
}

// ConflictField explains a Conflict.
func ConflictField() fault.Field {
	return field("/id", "id_conflict", "An earlier record of this import has the same id and other content; that one was kept. Ids must be unique.")
}

package identity

import (
	"github.com/hearthfps/hearth/pkg/fault"
)

// Answer is what is known of a question whether two are one person.
type Answer string

// The answers.
//
//	open ──▶ same         they are merged; who thinks otherwise takes the merge back
//	     ──▶ different    and may be decided otherwise later, despite this (decided_apart)
//	     ──▶ cannot_tell  and may be decided later
//	     ──▶ superseded   what is known of them changed, or they became one by another merge
//
// A question that was answered is not asked again until what is known of either
// changes; then it is another question.
const (
	Open       Answer = "open"
	Same       Answer = "same"
	Different  Answer = "different"
	CannotTell Answer = "cannot_tell"
	Superseded Answer = "superseded"
)

// Decidable fails with Conflict (already_decided) when a question with the given
// answer cannot be given another.
func Decidable(now Answer) error {
	switch now {
	case Same:
		return fault.New(fault.Conflict, "already_decided", "These were decided to be one person; take the merge back if they are not.")
	case Superseded:
		return fault.New(fault.Conflict, "already_decided", "What is known of these changed, and this question with it: look for the one that took its place.")
	}
	return nil
}

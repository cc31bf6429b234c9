// Package casefile holds the rules of a case from its opening to its closing:
// who has it, the plan and its versions, the safety plan, reviews and the
// timeline. It is pure: time, ids and what was decided elsewhere are passed in,
// and every refusal is a fault with a code.
//
// Guarantees:
//
//  1. A plan version is approved only by someone who neither began, changed nor
//     submitted it, and an approved version never changes again.
//  2. At most one version of a plan is approved at a time.
//  3. A case has at most one lead and at most one safety plan in force.
//  4. A case with a safety plan in force does not close; a closed case does not
//     change.
//  5. An excluded worker is never assigned.
package casefile

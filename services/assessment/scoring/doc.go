// Package scoring turns answers to an instrument into scores, needs and a
// proposed safety decision. It is pure: the same instrument and answers give
// the same result, field for field.
//
// Guarantees:
//
//  1. An answer to an item that is not asked changes nothing. It is listed as
//     set aside, so that it can come back when its item does.
//  2. A missing answer, or one that says "not known", is never taken for any
//     other. A subscale with too few answers has no score, and says so.
//  3. The order in which answers were given does not matter.
//  4. The result is its own explanation: each item's standing and points, each
//     subscale's sum, count and rounding, and each decision rule's truth.
//     Score of the same answers gives an equal result.
package scoring

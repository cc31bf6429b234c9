// Package optimise schedules home visits: who goes where, when, alone or
// together. It is pure: no clock but the deadline given, no I/O.
//
//  1. Every answer keeps every hard rule: windows, skills, languages,
//     exclusions, shifts, absences, travel, limits a day and a week, workers
//     together or in order, locked visits. Package check verifies it with code of its own.
//  2. An answer is never worse than the start it was given.
//  3. Same problem, seed and work units: same answer, byte for byte.
//  4. Cancelled at any moment, it returns a valid schedule of what it has.
//  5. Every visit is placed or reported unplaced, none twice.
//  6. Every reason given for an unplaced visit is proved: with that rule relaxed
//     the visit was placed, and the place is part of the reason.
package optimise

// Package optimise schedules home visits: who goes where, when, alone or
// together. It is pure: no clock but the deadline given, no I/O.
//
//  1. Every answer keeps every hard rule: of visits, patterns, workers, families
//     and travel (README.md lists them). Package check verifies it, and the cost,
//     with code of its own.
//  2. An answer is never worse than the start it was given.
//  3. Same problem, seed, work units and searches: same answer, byte for byte, on
//     every machine and any number of threads.
//  4. Cancelled at any moment, it returns a valid schedule of what it has.
//  5. Every visit is placed or reported unplaced, none twice.
//  6. Every reason given for an unplaced visit is proved: with that rule relaxed
//     the visit was placed, and the place is part of the reason.
//  7. With a worker more or wider windows, from the schedule without them, the
//     answer is never worse; from nothing, in the tests, within two per cent.
package optimise

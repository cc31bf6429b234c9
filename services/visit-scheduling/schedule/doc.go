// Package schedule is the domain of visit scheduling, without I/O: workers and
// their hours, the visit series of an approved plan, a visit's life, and the
// planning of a week.
//
// What it promises:
//
//  1. A visit keeps its id from planning to the end. The id follows from the
//     series and the visit's number in it, so making a series twice gives the
//     same visits.
//  2. A series always adds up: scheduled + unplaced + completed + attempted +
//     cancelled = planned, where a visit under way counts as scheduled.
//  3. A visit has all its workers or none: a pair is never made single.
//  4. A schedule that Problem.Check finds no fault in books nobody twice, keeps
//     hours, absences, exclusions, skills and language, and leaves time to get
//     from each visit to the next.
//  5. The simple planner gives the same plan for the same problem, and never
//     one that Check finds a fault in.
//  6. Every visit a planner leaves out has at least one reason.
//
// Weeks, days and times of day are those of the agency's calendar; everything
// else is an instant in UTC.
package schedule

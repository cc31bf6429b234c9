// Package clock tells the time, counts working days and computes deadlines.
//
// Guarantees:
//
//  1. Nothing in Hearth that decides by time reads it anywhere but from a Clock
//     handed in, so tests and the development clock move all of it together.
//  2. Manual and Adjustable never go back by themselves, and may be used from
//     many goroutines.
//  3. Deadlines are decided in the agency's zone and calendar: a day is a day on
//     the wall there, also when it has 23 or 25 hours, and the answer is an
//     instant on the last day, so that its date reads as the day that is meant.
//  4. The day something is received is never counted.
//  5. Holidays are data (Rule); Easter and what hangs on it are computed for any
//     year from 1583 on.
package clock

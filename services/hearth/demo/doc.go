// Package demo plays a file of referral events through a running suite, by its
// public API alone: it sends the events, plays the workers until families have
// had a visit, a resource and a closing, and adds up what came of it.
//
//  1. Every number in the ledger is read back from the suite after the last
//     step; none is counted along the way by the demo itself, but for the lines sent.
//  2. The ledger says which of its sums do not add up, and Run fails then.
//  3. The demo can be run again on the same suite: what is done stays done.
package demo

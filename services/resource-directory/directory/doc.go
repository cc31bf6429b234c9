// Package directory knows the services of the community an agency may
// send a family to, in the Open Referral HSDS shape, and follows each referral
// made to one of them until the loop is closed.
//
// Guarantees:
//
//  1. Directory data and referrals belong to one agency; no query crosses agencies.
//  2. A record loaded again with the same content changes nothing; every
//     attribute its publisher gave is served as it came, known to HSDS or not.
//  3. Within one import the first record of an id counts; a later one with other
//     content is reported as a conflict and never silently wins.
//  4. A referral moves only along its states, and each move publishes one event
//     in the same transaction.
//  5. What an outside organisation is given holds nothing of the family but the
//     case reference.
package directory

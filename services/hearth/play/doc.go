// Package play does what the people of an agency do, through the public API
// alone: it takes up and screens referrals, answers assessments, writes and
// approves plans, goes on visits, finds resources and closes cases. The demo,
// the end-to-end tests and the chaos load all play with it.
//
//  1. A step that was interrupted can be played again: every request that has an
//     effect names itself with an Idempotency-Key made of the step and what it is about.
//  2. A request is sent again while the service is away (no connection, 429, 502,
//     503, 504), until its context ends; any other refusal is an *Answer error.
//  3. Nothing is read but what a person with that role may read.
package play

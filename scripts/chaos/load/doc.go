// Package load sends referrals at a steady rate, over HTTP and Kafka in turn,
// each until it is answered, and plays the workers who screen them and go on with
// the cases. It writes a journal of all that was answered, for package check.
//
//  1. What was begun is brought to its end or is an error of Finish: nothing is given up quietly.
//  2. A line of the journal is written after the answer, never before.
//  3. The same stream sends the same referrals, whenever it is run.
package load

// Package parts starts the real things Hearth runs on — an Apache Kafka broker
// and a Redis server — as child processes, for end-to-end and chaos tests.
//
//  1. A part listens on loopback only, on a port that was free when it was made,
//     and keeps that port and its data folder over Kill and Start.
//  2. Start returns when the part answers, or with the end of its log as the error.
//  3. Kill is SIGKILL: the part gets no chance to tidy up.
//  4. Stop ends only the process this package started, and waits for it.
//
// PostgreSQL has its own launcher, in package launch, because the hearth binary
// starts it too.
package parts

// Package events is the backbone: what one service says, every other hears, at
// least once on the wire and with effect exactly once, in order by key.
//
// Guarantees:
//
//  1. An event is sent if and only if the transaction that published it commits
//     (outbox). It is sent again after any failure, until the broker has it in
//     all replicas.
//  2. Events of one key reach the topic, the first time each, in the order they
//     were published in. One relay serves a shard at a time, under a lease with a
//     term; keys do not change shards or partitions.
//  3. A handler's effects happen exactly once for each event: the inbox row is
//     written in their transaction.
//  4. A handler sees the events of a key in their order, through rebalances,
//     crashes and consumers that do not know yet that they were replaced.
//  5. No offset is committed before all messages below it are done or parked,
//     and none goes back: commits are fenced by the group's generation.
//  6. What fails for a passing reason is tried again; then its key is parked:
//     the event and all later ones of the key wait in a table, in order, while
//     other keys go on. What fails for good is parked at once, as poison, and
//     alarmed. Nothing is dropped.
//  7. A parked key goes on by itself once its cause has passed, or when an
//     operator has its first event retried or skipped; in order either way.
//  8. Topics are never made here, and no partition is chosen but by the key.
//  9. An event's data has at most 64 KiB. Malformed messages are errors with the
//     place of each fault, never a panic.
//  10. A consumer's span is a child of the span the event was made in when the
//     event is fresh and tried for the first time; else it begins a trace of its
//     own that is linked to it.
//  11. When its context ends, an Engine stops fetching, lets running handlers end
//     within a deadline, commits, leaves the group and gives its leases back.
//
// The envelope is CloudEvents 1.0; messages are in binary mode, with these
// extensions: agencyid, correlationid, causationid, aggregateversion, traceparent,
// partitionkey.
package events

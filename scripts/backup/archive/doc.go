// Package archive takes a backup of a whole suite, six databases and the topics
// between them, as of one moment, and restores it into an empty one.
//
// A backup of each database at its own time is not a backup of the suite: an event
// that one has sent and another has not taken in would be in neither. The moment
// here is a cut. It begins when the outbox of every database is locked against
// writing: no transaction that publishes commits, and no relay takes away what it
// has sent, so that everything committed so far is in a topic or in an outbox. Then
// the ends of the topics and a snapshot of each database are noted, and the outboxes
// are let go. What is copied afterwards, at leisure, is as of then: the snapshots by
// pg_dump, the topics up to the ends that were noted.
//
// Guarantees:
//
//  1. An event published before the moment is in a copied topic or in a copied outbox.
//  2. An event that a copied database has taken in is in the copy of the database it
//     came from: no copied effect lacks its cause.
//  3. Services go on throughout. Transactions that publish wait while the moment
//     lasts; it is given up and tried again when it would last longer than its bound.
//  4. The offsets of the consumer groups are noted too, and never lie beyond what the
//     copied databases have taken in.
//  5. Restore writes only into databases without tables and topics without records,
//     and refuses a backup that is not whole.
//
// A base backup with archived WAL (CloudNativePG) restores to any moment, but knows
// nothing of the topics. Options.Point makes a restore point of that name at the
// moment, so that recovery_target_name = it, and the topics of the archive, make the
// same cut without a dump.
package archive

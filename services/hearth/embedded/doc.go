// Package embedded runs the parts Hearth needs inside or beside its own process,
// for trying, developing and small agencies: a broker, a cache and PostgreSQL.
//
//  1. The broker speaks the Kafka protocol on loopback only and keeps its
//     topics and its groups' offsets in a folder; an acknowledged event is on
//     disk before it is acknowledged.
//  2. The cache holds rate limits only; it is empty after a restart, which
//     forgives and never refuses.
//  3. PostgreSQL is started from the programs on the machine, with its data in a
//     folder, and ends with the process that started it.
package embedded

// Package telemetry makes the log, the traces and the metrics of a process.
//
// Guarantees:
//
//  1. A log line written with a context carries the trace and span in force.
//  2. What a log line says of an error holds no value of a row, a document or a
//     query: PostgreSQL errors show their SQLSTATE and the table and constraint,
//     anything in quotes, and what looks like an e-mail address or a telephone
//     number, is left out. Attributes named like personal data or secrets are
//     redacted whatever they hold.
//  3. Spans hold names, codes and ids. Without an exporter nothing is recorded, and
//     trace ids are made and passed on all the same.
//  4. Several services share one process, registry and tracer: their metrics differ
//     by the label service.
package telemetry

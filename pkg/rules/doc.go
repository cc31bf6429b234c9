// Package rules reads what agencies decide by: versioned files in plain language
// that live outside the code.
//
// Guarantees:
//
//  1. A file is read whole or not at all: an unknown or repeated field, a second
//     document or a wrong value is refused with the file, the line and what to mend.
//  2. Every file has a name, a version and the day it takes effect; the version in
//     force on a day is the one with the latest such day not after it. Old versions
//     stay readable, and two files never claim the same name and version.
//  3. A Ref names exactly what decided: name, version and the SHA-256 of the bytes.
//  4. A condition (CEL) is checked against declared variables when it is read.
//     Evaluating it never panics, ends within a bounded cost, and fails, rather
//     than guesses, when a variable is missing.
//
// A rule file begins
//
//	name: priority
//	version: "2026.1"
//	effective_from: 2026-01-01
package rules

// Package instruments holds assessment instruments as versioned packages: the
// items, their options, which answers enable which items, subscales, bands,
// missing-data rules, licence and attribution of one questionnaire, read from
// one YAML file.
//
// Guarantees:
//
//  1. A file is either read whole or refused with what is wrong and where;
//     unknown fields, anchors and aliases are refused.
//  2. An instrument that was read can be scored: every item, option, subscale
//     and band a rule names exists, and enablement never goes in a circle,
//     because a condition may name earlier items alone.
//  3. An instrument is known by its code, its version and the SHA-256 of its
//     file. A published file never changes; a change is a new version.
package instruments

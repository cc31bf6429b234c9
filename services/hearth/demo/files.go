package demo

import _ "embed"

// Events is the demo's stream of referral events, one a line, in the order
// they arrive: eighteen families made up for it, with re-sends, corrections
// (one before what it corrects), a withdrawal, an event edited without a new
// id, two that must be refused, and one family referred twice.
//
//go:embed events.ndjson
var Events []byte

// Directory is a small directory of services in HSDS 3, one a line.
//
//go:embed directory.ndjson
var Directory []byte

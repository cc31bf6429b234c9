package testkit

import "crypto/rand"

// uniqueName is a word no other test of any process draws.
func uniqueName() string { return rand.Text() }

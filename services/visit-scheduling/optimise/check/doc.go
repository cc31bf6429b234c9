// Package check verifies answers against every hard constraint. It shares no
// evaluation code with the searches: it starts from the problem as given and
// the answer as printed, and recomputes everything in the plainest way.
package check

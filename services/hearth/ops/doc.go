// Package ops is what operators do to a deployment by hand: look at parked events
// and have them go on, have a service take a topic in again, and ask a deployment
// what is wrong with it.
package ops

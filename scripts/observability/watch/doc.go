// Package watch does what Prometheus does, in memory and at any time one likes: it
// keeps samples, evaluates queries with Prometheus's own engine, and rule files
// with records, pending and firing alerts, so that tests can say what is alerted.
package watch

// Package conformance checks a receiver: it sends good and forged deliveries to a URL
// and judges the answers.
//
// [Cases] is the list of what is sent, and what a receiver should answer. [Checker.Run]
// sends the cases one after the other, each as one request with an event id of its own,
// but for the repeated delivery. Nothing is stored. [Forger] is the same forging for a
// single delivery, as `publish --forge` sends it.
//
// The requests go out through the client that is handed in, which is the guard's.
package conformance

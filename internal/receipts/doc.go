// Package receipts watches an Ethereum node for the receipts that held events
// wait for, over JSON-RPC.
//
// Nothing but the database says what is watched: each round reads it, asks the
// node, and attaches what is certain, so a restart forgets nothing. A receipt
// counts when it names the transaction that was asked for and lies deep enough
// under the head that was read before it in the same round; what an earlier
// round saw counts for nothing, so a chain that changes its mind within the
// confirmations releases nothing.
//
// The node is not trusted with more than its answer: each has its chain id with
// it and is bounded, and whatever does not fit leaves the event waiting. While
// nothing waits, nothing is asked. See watcher.go for the rounds, node.go for
// the wire and keys.go for what is never shown of it.
package receipts

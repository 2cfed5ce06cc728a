// Package guard decides which URLs and addresses may be called, and makes
// every HTTP client in the tree.
//
// One policy gives one verdict, asked twice: when a URL is stored
// ([Guard.Check]: every address that its name resolves to must pass), and
// again for each connection, on the address really dialled ([Guard.Client]).
// A name that changes its mind in between gains nothing.
//
// Read url.go for what a URL may look like, address.go for where it may lead,
// exception.go for what an operator can allow, and client.go for the two kinds
// of client: the guarded one for receivers, and pinned ones for endpoints that
// the operator configured and that may call nothing but their own origin.
//
// Everything fails closed: what can't be read, resolved or placed is refused.
package guard

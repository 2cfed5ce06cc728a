// Package wire exchanges HTTP/1.1 messages with receivers: one request written,
// one answer read, both on the goroutine that asks (RFC 9112).
//
// [Transport] is an [net/http.RoundTripper]. It differs from the one of
// net/http in what a sender of webhooks needs and in what it does not:
//
//   - A connection has no goroutines. net/http keeps two for each and hands every
//     request through both; for a body of 1 KiB that costs more than the exchange.
//   - A request is written once. Nothing is ever sent a second time by itself,
//     whatever its method or headers; only a connection that proves closed before a
//     byte of the request was written is replaced.
//   - Where a connection leads is the business of whoever dials: there is no
//     proxy, no cookie, no redirect, no decompression, no other protocol.
//
// What is subtle about reading answers, chunks and header fields included, is left
// to [net/http.ReadResponse]. DESIGN.md says why the package is there.
package wire

// Package listen is a receiver to try deliveries against: it takes a request,
// verifies its signatures, and answers as it was told, with a status, late, or
// with one of the faults that real receivers have.
//
//	request ─▶ read (bounded) ─▶ verify each scheme ─▶ plan the answer ─▶ tell ─▶ answer
//	                                                     └─ or ask the forward target
//
// [ParseAnswers] reads what to answer, [Receiver] is the HTTP handler, and
// [SelfSigned] makes a certificate for it. Nothing here prints: whoever made
// the receiver is told of each request through [Options].Tell.
package listen

// Package webhook is the language that the rest of sealpost speaks: what an
// event, a webhook, a delivery and an attempt are, which names they may have,
// which states they pass through, and how each looks in JSON.
//
//   - A [Config] says where one organization's events go: a default URL, URLs
//     per event type, and which types are wanted.
//   - A [Draft] is an event on its way in; [Draft.Build] makes the exact bytes
//     that are stored, signed and sent, once.
//   - A [Delivery] is one event on its way to one webhook; an [Attempt] is one
//     HTTP request of it; a [RetryPolicy] says when the next one is due.
//   - An [Error] is a fault with a stable [Code]; every edge (HTTP, command
//     line) maps codes to its own status through one table.
//
// Nothing here does I/O, reads a clock or knows of SQL and HTTP.
package webhook

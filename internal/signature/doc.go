// Package signature signs what sealpost sends, verifies what a receiver got,
// and explains why a signature doesn't match.
//
// Two schemes go out with every request:
//
//   - Signature: lower-case hex HMAC-SHA256 of the exact body.
//   - The Standard Webhooks triple: webhook-id, webhook-timestamp and
//     webhook-signature, the latter v1,<base64> of HMAC-SHA256 over
//     id.timestamp.body (https://www.standardwebhooks.com, "Symmetric").
//
// All functions are pure: secret, id, time and body in, verdict out.
package signature

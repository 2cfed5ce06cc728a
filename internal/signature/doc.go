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
// [Signer] signs, [Verify] judges, [Explain] judges and says why. An
// explanation is a search: the value is recomputed under hypotheses about the
// body, the secret, the signed content, the digest and its encoding, one fault
// at a time and then two at once. What gives the value is proven, for no two
// inputs share an HMAC-SHA256; anything else is suspected at most. The search
// is bounded ([MaxTrials], [MaxSearch]), and can't change a verdict.
//
// All functions are pure: secret, id, time and body in, verdict out.
package signature

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
// [Verify] knows those of GitHub, Stripe and Svix and Ed25519 (v1a) as well.
//
// [Signer] signs, [Verify] judges, [Explain] judges and says why. An
// explanation is a search: the value is recomputed under hypotheses about the
// body, the secret, the signed content, the digest and its encoding, one fault
// at a time and then two at once. What gives the value is proven, for no two
// inputs share an HMAC-SHA256; anything else is suspected at most. The search
// is bounded by work ([MaxTrials], [MaxWork]), never by time: the result is the
// same on every machine. It can't change a verdict.
//
// The changes that programs make to a body stand in one table, each with both
// directions where they exist (changes.go): forward is what the program does,
// backward finds the body that it was done to. JSON that was written again is
// turned back into the form that sealpost sends (jsonrestore.go); who wrote it is
// found by writing it again (rewrite.go), and what differs follows from the two
// texts (jsoncompare.go), so that a code never depends on the way of the search.
//
// All functions are pure: secret, id, time and body in, verdict out.
package signature

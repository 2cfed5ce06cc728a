package access

import "time"

// NonceLife is how long a nonce can be used.
const NonceLife = 15 * time.Minute

// MaxNonces bounds how many nonces wait to be used, over all callers.
const MaxNonces = 100_000

// NewNonce makes a nonce: 22 letters and digits, 130 random bits.
func NewNonce() string { return randomText(shortText) }

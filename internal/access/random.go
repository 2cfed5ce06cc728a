package access

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Lengths of random text over base62, 5.95 bits a character.
const (
	shortText = 22 // 130 bits: invitations, which live for days
	longText  = 43 // 256 bits: tokens
)

// randomText returns n random characters of base62, each equally likely.
func randomText(n int) string {
	const fair = 256 / len(base62) * len(base62) // bytes from here on would favour some characters
	text := make([]byte, 0, n)
	var raw [64]byte
	for len(text) < n {
		rand.Read(raw[:]) // never returns an error
		for _, b := range raw {
			if int(b) < fair && len(text) < n {
				text = append(text, base62[int(b)%len(base62)])
			}
		}
	}
	return string(text)
}

// isBase62 reports whether s is n characters of base62.
func isBase62(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool        { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool        { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isAlphanumeric(c byte) bool { return isAlpha(c) || isDigit(c) }

// Digest is what is stored of a token: its SHA-256. A fast hash is enough,
// since the text behind it has 256 random bits.
type Digest [sha256.Size]byte

// Equal compares in constant time.
func (d Digest) Equal(other Digest) bool {
	return subtle.ConstantTimeCompare(d[:], other[:]) == 1
}

func digest(text string) Digest { return sha256.Sum256([]byte(text)) }

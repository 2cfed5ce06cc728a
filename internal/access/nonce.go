package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// NonceLife is how long a nonce can be used.
const NonceLife = 15 * time.Minute

// noncePurpose is the purpose of the key under which nonces are made; see [SignIns].
const noncePurpose = "nonce"

// A nonce is a text of 74 hexadecimal digits that says by itself what it is worth:
// 16 random bytes, when it expires (seconds since 1970, 5 bytes), and the first 16
// bytes of an HMAC over both and over whom it belongs to. So asking for one stores nothing, and any
// process on the database accepts those of the others.
const (
	nonceRandom = 16
	nonceBody   = nonceRandom + 5
	nonceSize   = nonceBody + 16
)

// NonceID is the random part of a nonce, which tells it from all others.
type NonceID [nonceRandom]byte

// NonceOwner is whom a nonce belongs to: a wallet on a chain, as clients of
// better-auth 1.6 ask for it. The zero owner is nobody in particular.
type NonceOwner struct {
	Address Address
	ChainID uint64
}

// NewNonce makes a nonce under a key.
func NewNonce(key []byte, owner NonceOwner, now time.Time) string {
	var raw [nonceSize]byte
	_, _ = rand.Read(raw[:nonceRandom]) // never fails
	putSeconds(raw[nonceRandom:nonceBody], now.Add(NonceLife))
	copy(raw[nonceBody:], owner.seal(key, raw[:nonceBody]))
	return hex.EncodeToString(raw[:])
}

// ReadNonce reports whether a nonce was made under the key for the owner, or for
// nobody in particular, and has not expired.
func ReadNonce(key []byte, nonce string, owner NonceOwner, now time.Time) (id NonceID, expires time.Time, live bool) {
	raw, err := hex.DecodeString(nonce)
	if err != nil || len(raw) != nonceSize || hex.EncodeToString(raw) != nonce {
		return id, expires, false
	}
	body, seal := raw[:nonceBody], raw[nonceBody:]
	if !hmac.Equal(seal, owner.seal(key, body)) && !hmac.Equal(seal, NonceOwner{}.seal(key, body)) {
		return id, expires, false
	}
	var seconds [8]byte
	copy(seconds[3:], body[nonceRandom:])
	expires = time.Unix(int64(binary.BigEndian.Uint64(seconds[:])), 0)
	// One that ends later than any does was made by a clock ahead of this one.
	return NonceID(body[:nonceRandom]), expires, now.Before(expires) && !expires.After(now.Add(NonceLife+time.Second))
}

// putSeconds writes a time in 5 bytes. Parts of a second count as a whole one: no nonce lives
// for less than [NonceLife].
func putSeconds(into []byte, t time.Time) {
	var seconds [8]byte
	binary.BigEndian.PutUint64(seconds[:], uint64(t.Add(time.Second-1).Unix()))
	copy(into, seconds[3:])
}

func (o NonceOwner) seal(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	if o != (NonceOwner{}) {
		mac.Write(o.Address[:])
		var chain [8]byte
		binary.BigEndian.PutUint64(chain[:], o.ChainID)
		mac.Write(chain[:])
	}
	return mac.Sum(nil)[:nonceSize-nonceBody]
}

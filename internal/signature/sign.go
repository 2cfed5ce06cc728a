package signature

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strconv"
	"sync"
	"time"
)

// The headers that carry signatures.
const (
	HeaderSignature = "Signature"
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderStandard  = "webhook-signature"
)

// Version is the mark of a symmetric signature in [HeaderStandard].
const Version = "v1,"

// Hex returns the value of the Signature header: lower-case hex
// HMAC-SHA256 (RFC 2104) of the body.
func Hex(key, body []byte) string {
	return hex.EncodeToString(hmacSum(sha256.New, key, body))
}

// Standard returns one signature of the webhook-signature header: v1, and the
// base64 HMAC-SHA256 of id.timestamp.body, the time in Unix seconds.
func Standard(key []byte, id string, at int64, body []byte) string {
	before := id + "." + strconv.FormatInt(at, 10) + "."
	return Version + base64.StdEncoding.EncodeToString(hmacSum(sha256.New, key, []byte(before), body))
}

func hmacSum(algorithm func() hash.Hash, key []byte, parts ...[]byte) []byte {
	mac := hmac.New(algorithm, key)
	for _, part := range parts {
		mac.Write(part)
	}
	return mac.Sum(nil)
}

// Headers are the values that one request carries.
type Headers struct {
	Signature string // of HeaderSignature
	ID        string // of HeaderID
	Timestamp string // of HeaderTimestamp, Unix seconds
	Standard  string // of HeaderStandard; several signatures are separated by spaces
}

// Keys are the key bytes that sign at one time.
type Keys struct {
	Hex      []byte   // for the Signature header
	Standard [][]byte // for the triple, the newest first
}

// Signer signs many requests with the same keys. It is safe for concurrent
// use and keeps the key schedules: a signature costs one hash of the body a
// key, and the three strings that are returned are all that it allocates.
type Signer struct{ states sync.Pool }

// signing is what one goroutine signs with.
type signing struct {
	hex      hash.Hash
	standard []hash.Hash
	buffer   []byte
}

// NewSigner makes a signer for keys.
func NewSigner(keys Keys) *Signer {
	return &Signer{states: sync.Pool{New: func() any {
		s := &signing{hex: hmac.New(sha256.New, keys.Hex)}
		for _, key := range keys.Standard {
			s.standard = append(s.standard, hmac.New(sha256.New, key))
		}
		return s
	}}}
}

// Sign signs one request that is sent at a time.
func (s *Signer) Sign(id string, at time.Time, body []byte) Headers {
	state := s.states.Get().(*signing)
	defer s.states.Put(state)
	h := Headers{ID: id, Timestamp: strconv.FormatInt(at.Unix(), 10)}

	state.hex.Reset()
	state.hex.Write(body)
	sum := state.hex.Sum(state.buffer[:0])
	out := hex.AppendEncode(sum, sum)
	h.Signature = string(out[len(sum):])

	// The content's head and the sum stand in front of what is written.
	buffer := append(append(append(append(out[:0], id...), '.'), h.Timestamp...), '.')
	head, start := len(buffer), len(buffer)+sha256.Size
	for i, mac := range state.standard {
		mac.Reset()
		mac.Write(buffer[:head])
		mac.Write(body)
		if i == 0 {
			buffer = mac.Sum(buffer)
		} else {
			mac.Sum(buffer[:head]) // over the sum before
			buffer = append(buffer, ' ')
		}
		buffer = append(buffer, Version...)
		buffer = base64.StdEncoding.AppendEncode(buffer, buffer[head:start])
	}
	if len(state.standard) > 0 {
		h.Standard = string(buffer[start:])
	}
	state.buffer = buffer
	return h
}

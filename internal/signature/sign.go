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
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// Standard returns one signature of the webhook-signature header: v1, and the
// base64 HMAC-SHA256 of id.timestamp.body, the time in Unix seconds.
func Standard(key []byte, id string, at int64, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at, 10) + "."))
	mac.Write(body)
	return Version + base64.StdEncoding.EncodeToString(mac.Sum(nil))
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
// use and keeps the key schedules, so signing costs two hashes of the body.
type Signer struct {
	hex      sync.Pool
	standard []*sync.Pool
}

// NewSigner makes a signer for keys.
func NewSigner(keys Keys) *Signer {
	s := &Signer{hex: pool(keys.Hex)}
	for _, key := range keys.Standard {
		p := pool(key)
		s.standard = append(s.standard, &p)
	}
	return s
}

func pool(key []byte) sync.Pool {
	return sync.Pool{New: func() any { return hmac.New(sha256.New, key) }}
}

// Sign signs one request that is sent at a time.
func (s *Signer) Sign(id string, at time.Time, body []byte) Headers {
	h := Headers{ID: id, Timestamp: strconv.FormatInt(at.Unix(), 10)}
	var sum [sha256.Size]byte

	mac := s.hex.Get().(hash.Hash)
	mac.Reset()
	mac.Write(body)
	h.Signature = hex.EncodeToString(mac.Sum(sum[:0]))
	s.hex.Put(mac)

	prefix := make([]byte, 0, 256)
	prefix = append(append(append(append(prefix, id...), '.'), h.Timestamp...), '.')
	out := make([]byte, 0, 48*max(len(s.standard), 1))
	for i, p := range s.standard {
		mac := p.Get().(hash.Hash)
		mac.Reset()
		mac.Write(prefix)
		mac.Write(body)
		if i > 0 {
			out = append(out, ' ')
		}
		out = append(out, Version...)
		out = base64.StdEncoding.AppendEncode(out, mac.Sum(sum[:0]))
		p.Put(mac)
	}
	h.Standard = string(out)
	return h
}

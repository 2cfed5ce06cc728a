package signature

import (
	"crypto/ed25519"
	"encoding/base64"
	"slices"
	"strings"
)

// Scheme is a way of signing.
type Scheme string

// The schemes. Auto judges each scheme that the request carries.
const (
	SchemeAuto      Scheme = "auto"
	SchemeSignature Scheme = "signature" // Signature: hex of the body
	SchemeStandard  Scheme = "standard"  // webhook-signature: v1, of id.timestamp.body
	SchemeGitHub    Scheme = "github"    // X-Hub-Signature-256: sha256= and hex of the body
	SchemeStripe    Scheme = "stripe"    // Stripe-Signature: t=,v1= of timestamp.body
	SchemeSvix      Scheme = "svix"      // svix-signature: v1, of id.timestamp.body
	SchemeEd25519   Scheme = "ed25519"   // webhook-signature: v1a, of id.timestamp.body
)

// Schemes returns all schemes but auto, in the order in which they are shown.
func Schemes() []Scheme {
	return []Scheme{SchemeSignature, SchemeStandard, SchemeGitHub, SchemeStripe, SchemeSvix, SchemeEd25519}
}

// The headers of the schemes that other senders use.
const (
	HeaderGitHub        = "X-Hub-Signature-256"
	HeaderStripe        = "Stripe-Signature"
	HeaderSvixID        = "svix-id"
	HeaderSvixTimestamp = "svix-timestamp"
	HeaderSvix          = "svix-signature"
)

// VersionEd25519 is the mark of an asymmetric signature in [HeaderStandard].
const VersionEd25519 = "v1a,"

// PublicPrefix marks a public key whose remainder is base64 of its 32 bytes, as
// Standard Webhooks serialises Ed25519 keys.
const PublicPrefix = "whpk_"

// Header returns the name of the header that carries the signature.
func (s Scheme) Header() string {
	switch s {
	case SchemeStandard, SchemeEd25519:
		return HeaderStandard
	case SchemeGitHub:
		return HeaderGitHub
	case SchemeStripe:
		return HeaderStripe
	case SchemeSvix:
		return HeaderSvix
	}
	return HeaderSignature
}

// triple returns the headers of id and timestamp; "" where the scheme has none.
func (s Scheme) triple() (id, timestamp string) {
	switch s {
	case SchemeStandard, SchemeEd25519:
		return HeaderID, HeaderTimestamp
	case SchemeSvix:
		return HeaderSvixID, HeaderSvixTimestamp
	}
	return "", ""
}

// standardLike reports whether the scheme signs id.timestamp.body.
func (s Scheme) standardLike() bool { id, _ := s.triple(); return id != "" }

// isHex reports whether the scheme writes its sums as hex.
func (s Scheme) isHex() bool { return s == SchemeSignature || s == SchemeGitHub || s == SchemeStripe }

// carried is what a request carries of one scheme.
type carried struct {
	scheme  Scheme
	present bool   // the header stands there, whatever its value
	text    string // the value of the header; "" when it can't be believed
	id, at  string // as they stand in the request
	sums    [][]byte
}

// complete reports whether everything that the scheme signs is there.
func (c *carried) complete() bool {
	switch {
	case c.scheme.standardLike():
		return c.id != "" && c.at != ""
	case c.scheme == SchemeStripe:
		return c.at != ""
	}
	return true
}

// head is what the scheme signs before the body.
func (c *carried) head() []byte {
	switch {
	case c.scheme.standardLike():
		return []byte(c.id + "." + c.at + ".")
	case c.scheme == SchemeStripe:
		return []byte(c.at + ".")
	}
	return nil
}

// read returns what the request carries of a scheme.
func (h *headers) read(s Scheme) carried {
	c := carried{scheme: s}
	c.text, c.present = h.value(s.Header())
	if id, at := s.triple(); id != "" {
		c.id, _ = h.value(id)
		c.at, _ = h.value(at)
	}
	switch s {
	case SchemeSignature:
		c.sums = strictHex(c.text)
	case SchemeGitHub:
		if bare, found := strings.CutPrefix(c.text, "sha256="); found {
			c.sums = strictHex(bare)
		}
	case SchemeStripe:
		c.at, c.sums = readStripe(c.text)
	case SchemeEd25519:
		c.sums = versions(c.text, VersionEd25519, ed25519.SignatureSize)
		c.present = strings.Contains(c.text, VersionEd25519)
	case SchemeStandard:
		c.sums = ParseStandard(c.text)
		fields := strings.Fields(c.text)
		if len(fields) > 0 && !slices.ContainsFunc(fields, func(f string) bool { return !strings.HasPrefix(f, VersionEd25519) }) {
			c.present = false // v1a alone is the other scheme
		}
	default:
		c.sums = ParseStandard(c.text)
	}
	return c
}

// readStripe reads t=TIME,v1=HEX[,v1=HEX]: other versions are left out, and a
// second time makes all of it unreadable.
func readStripe(text string) (at string, sums [][]byte) {
	for part := range strings.SplitSeq(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case name == "t" && at != "" && at != value:
			return "", nil
		case name == "t":
			at = value
		case name == "v1" && len(sums) < maxSignatures:
			sums = append(sums, strictHex(value)...)
		}
	}
	return at, sums
}

// publicKey reads whpk_ and base64; nil when it is no Ed25519 public key.
func (c *Candidate) publicKey() ed25519.PublicKey {
	encoded, found := strings.CutPrefix(strings.TrimSpace(c.Secret.Reveal()), PublicPrefix)
	if !found {
		return nil
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding} {
		if key, err := encoding.DecodeString(encoded); err == nil && len(key) == ed25519.PublicKeySize {
			return key
		}
	}
	return nil
}

// IsPublicKey reports whether a text is a public key of Ed25519, whpk_….
func IsPublicKey(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), PublicPrefix) }

// key returns the bytes that make an HMAC; nil for a public key, which everybody
// may know and which signs nothing.
func (c *Candidate) key() []byte {
	if IsPublicKey(c.Secret.Reveal()) {
		return nil
	}
	if key := c.Secret.Key(); len(key) > 0 {
		return key
	}
	return nil
}

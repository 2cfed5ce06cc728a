// Package secret holds the one type for values that must never be shown:
// signing secrets, bearer tokens, private keys.
//
// A [Text] redacts itself wherever Go code would print it: fmt verbs,
// log/slog, encoding/json, encoding.TextMarshaler. The only way to the value
// is [Text.Reveal] (the text as given) or [Text.Key] (the bytes that sign), so
// every place that handles a secret can be found by searching for two words.
package secret

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Redacted is what a secret prints as.
const Redacted = "redacted"

// MinBytes is the shortest signing key that is accepted, in bytes. It is the
// lower bound that Standard Webhooks sets (24 to 64 bytes).
const MinBytes = 24

// MaxBytes bounds the text of a secret; longer ones are mistakes, not secrets.
const MaxBytes = 1024

// Prefix marks a secret whose remainder is base64 of the key bytes, as
// Standard Webhooks serialises symmetric secrets.
const Prefix = "whsec_"

// Errors that [Parse] returns; each is a sentence part for people.
var (
	ErrEmpty   = errors.New("the secret is empty")
	ErrShort   = fmt.Errorf("the secret is shorter than %d bytes", MinBytes)
	ErrLong    = fmt.Errorf("the secret is longer than %d bytes", MaxBytes)
	ErrUnclean = errors.New("the secret holds a NUL or control character, or is not UTF-8")
	ErrBase64  = errors.New("the secret starts with whsec_ but the rest is not base64")
)

// Text is a secret. The zero Text is "no secret".
//
// The value hangs on a pointer: fmt can't call methods of an unexported field,
// and would print what stands there.
type Text struct{ value *string }

// New wraps a value without judging it; see [Parse] for secrets from outside.
// The empty value is no secret.
func New(value string) Text {
	if value == "" {
		return Text{}
	}
	return Text{&value}
}

// Parse wraps a signing secret from outside, refusing one that is empty,
// shorter than [MinBytes], longer than [MaxBytes], or not clean text.
func Parse(value string) (Text, error) {
	switch {
	case value == "":
		return Text{}, ErrEmpty
	case len(value) > MaxBytes:
		return Text{}, ErrLong
	case !utf8.ValidString(value) || strings.ContainsFunc(value, isControl):
		return Text{}, ErrUnclean
	}
	key, err := decode(value)
	if err != nil {
		return Text{}, err
	}
	if len(key) < MinBytes {
		return Text{}, ErrShort
	}
	return New(value), nil
}

// Generate makes a signing secret: 32 random bytes as 64 hex characters.
func Generate() Text {
	var raw [32]byte
	rand.Read(raw[:]) // never returns an error
	return New(hex.EncodeToString(raw[:]))
}

// Reveal returns the secret itself. Call it only where the value is meant to
// leave: showing it once, storing it, sending it to its owner.
func (t Text) Reveal() string {
	if t.value == nil {
		return ""
	}
	return *t.value
}

// Key returns the bytes that sign: the text's own UTF-8 bytes (all 64
// characters of a hex secret), or, for whsec_<base64>, the decoded bytes.
func (t Text) Key() []byte {
	key, err := decode(t.Reveal())
	if err != nil {
		return []byte(t.Reveal())
	}
	return key
}

// IsZero reports whether there is no secret.
func (t Text) IsZero() bool { return t.value == nil }

// String implements [fmt.Stringer]; it never shows the value.
func (t Text) String() string { return Redacted }

// GoString implements [fmt.GoStringer]; it never shows the value.
func (t Text) GoString() string { return Redacted }

// Format implements [fmt.Formatter], so that no verb shows the value.
func (t Text) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, Redacted) }

// LogValue implements [slog.LogValuer]; it never shows the value.
func (t Text) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalText implements [encoding.TextMarshaler]; it never shows the value.
// JSON goes through it as well.
func (t Text) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

func decode(value string) ([]byte, error) {
	rest, found := strings.CutPrefix(value, Prefix)
	if !found {
		return []byte(value), nil
	}
	key, err := base64.StdEncoding.DecodeString(rest)
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(rest)
	}
	if err != nil {
		return nil, ErrBase64
	}
	return key, nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

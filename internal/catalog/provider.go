package catalog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"slices"

	"sealpost/internal/secret"
)

// Why a provider's signature is refused; the answer is 401 to each.
var (
	ErrNoKey        = errors.New("no key is configured for this provider")
	ErrNoSignature  = errors.New("the signature header is missing")
	ErrBadSignature = errors.New("the signature does not fit the body and the configured key")
)

// Provider is a card provider whose events are taken in.
type Provider interface {
	// Name is the last segment of the route and the middle of the setting
	// provider.NAME.secret.
	Name() string

	// Check begins to check a request's signature, before its body is read;
	// header returns the value of a header by name, as [net/http.Header.Get]
	// does. A request without a well-formed signature is refused here. The
	// error is one of the Err values of this package.
	Check(key secret.Text, header func(name string) string) (*Check, error)

	// Map reads an event. Where it does not fit, the error is an
	// [*IntakeError], and Intake.ID is set nevertheless when it could be
	// read, so that an event known already can be told before its shape is
	// judged.
	Map(raw []byte) (Intake, error)
}

// providers are all there are. A second one is one more file and one more
// element here.
var providers = []Provider{panda{}}

// Providers lists the providers.
func Providers() []Provider { return slices.Clone(providers) }

// ProviderByName finds a provider.
func ProviderByName(name string) (p Provider, found bool) {
	i := slices.IndexFunc(providers, func(p Provider) bool { return p.Name() == name })
	if i < 0 {
		return nil, false
	}
	return providers[i], true
}

// Check is the check of one signature. The raw body is written to it as it
// comes, in pieces of any size.
type Check struct {
	given [sha256.Size]byte
	mac   hash.Hash
}

// checkHex begins to check a signature that is the hex HMAC-SHA256 of the raw
// body, in either case. The key is the secret's text itself.
func checkHex(key secret.Text, signature string) (*Check, error) {
	if key.IsZero() {
		return nil, ErrNoKey
	}
	if signature == "" {
		return nil, ErrNoSignature
	}
	c := &Check{}
	if len(signature) != hex.EncodedLen(len(c.given)) {
		return nil, ErrBadSignature
	}
	if _, err := hex.Decode(c.given[:], []byte(signature)); err != nil {
		return nil, ErrBadSignature
	}
	c.mac = hmac.New(sha256.New, []byte(key.Reveal()))
	return c, nil
}

// Write implements [io.Writer]. It never fails.
func (c *Check) Write(piece []byte) (int, error) { return c.mac.Write(piece) }

// Verify returns nil when the signature is that of all that was written, and
// otherwise [ErrBadSignature]. Only the comparison of two whole digests depends
// on the key, and it takes the same time wherever they differ.
func (c *Check) Verify() error {
	if !hmac.Equal(c.given[:], c.mac.Sum(nil)) {
		return ErrBadSignature
	}
	return nil
}

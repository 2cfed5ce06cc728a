package catalog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
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

	// Verify checks the signature of the bytes as they came; header returns
	// the value of a header by name, as [net/http.Header.Get] does. The
	// error is one of the Err values of this package.
	Verify(key secret.Text, header func(name string) string, raw []byte) error

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

// verifyHex checks a signature that is the hex HMAC-SHA256 of raw, in either
// case. The key is the secret's text itself. Only the comparison of two whole
// digests depends on the key, and it takes the same time wherever they differ.
func verifyHex(key secret.Text, signature string, raw []byte) error {
	if key.IsZero() {
		return ErrNoKey
	}
	if signature == "" {
		return ErrNoSignature
	}
	var given [sha256.Size]byte
	if len(signature) != hex.EncodedLen(len(given)) {
		return ErrBadSignature
	}
	if _, err := hex.Decode(given[:], []byte(signature)); err != nil {
		return ErrBadSignature
	}
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(raw)
	if !hmac.Equal(given[:], mac.Sum(nil)) {
		return ErrBadSignature
	}
	return nil
}

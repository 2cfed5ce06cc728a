package access

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"

	"sealpost/internal/secret"
)

// Address is an Ethereum account.
type Address [20]byte

// ParseAddress reads 0x and 40 hex digits, in any case: the checksum that
// mixed case carries is not asked for. Compare with [Address.String] where it is.
func ParseAddress(text string) (Address, error) {
	var address Address
	digits, found := strings.CutPrefix(text, "0x")
	if !found || len(digits) != 2*len(address) {
		return Address{}, fmt.Errorf("address %s is not 0x and 40 hex digits", quote(text))
	}
	if _, err := hex.Decode(address[:], []byte(digits)); err != nil {
		return Address{}, fmt.Errorf("address %s is not 0x and 40 hex digits", quote(text))
	}
	return address, nil
}

// String writes the address with its checksum in the case of its letters
// (EIP-55).
func (a Address) String() string {
	text := []byte(a.Lower())
	sum := keccak(text[2:])
	for i := range text[2:] {
		nibble := sum[i/2] >> (4 * (1 - i%2)) & 0xf
		if c := &text[2+i]; *c >= 'a' && nibble >= 8 {
			*c -= 'a' - 'A'
		}
	}
	return string(text)
}

// Lower writes the address in lower case, as in derived e-mail addresses.
func (a Address) Lower() string { return "0x" + hex.EncodeToString(a[:]) }

// Signature is r, s and v of a recoverable secp256k1 signature, 65 bytes.
type Signature [65]byte

// What a signature can be refused for.
var (
	ErrSignatureForm = errors.New("the signature is not 0x and 130 hex digits (r, s and v); contract wallets are not supported")
	ErrSignatureV    = errors.New("the signature's v is none of 0, 1, 27 and 28")
	ErrSignatureHigh = errors.New("the signature's s is in the upper half of the curve's order (EIP-2)")
	ErrSignature     = errors.New("no account has made this signature")
)

// ParseSignature reads a signature as wallets give it: 0x and 130 hex digits.
func ParseSignature(text string) (Signature, error) {
	var signature Signature
	digits, found := strings.CutPrefix(text, "0x")
	if !found || len(digits) != 2*len(signature) {
		return Signature{}, ErrSignatureForm
	}
	if _, err := hex.Decode(signature[:], []byte(digits)); err != nil {
		return Signature{}, ErrSignatureForm
	}
	return signature, nil
}

// String writes the signature as 0x and 130 hex digits.
func (s Signature) String() string { return "0x" + hex.EncodeToString(s[:]) }

// Recover returns the account that has signed a text with personal_sign
// (EIP-191, version 0x45). Each signed text has one valid signature per nonce
// of the curve only: the twin with a high s is refused, as are r and s out of
// range and any other v.
func Recover(text string, signature Signature) (Address, error) {
	v := signature[64]
	if v == 27 || v == 28 {
		v -= 27
	}
	if v > 1 {
		return Address{}, ErrSignatureV
	}
	var s secp256k1.ModNScalar
	if overflow := s.SetByteSlice(signature[32:64]); overflow {
		return Address{}, ErrSignature
	}
	if s.IsOverHalfOrder() {
		return Address{}, ErrSignatureHigh
	}
	compact := append([]byte{27 + v}, signature[:64]...)
	key, _, err := ecdsa.RecoverCompact(compact, personalHash(text))
	if err != nil {
		return Address{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return addressOf(key), nil
}

// Wallet signs for one account. Its key stands in an exported field because fmt
// asks only those to redact themselves.
type Wallet struct {
	Address Address
	Key     secret.Text
}

// ParseWallet reads a private key: 64 hex digits, with or without 0x. Its
// error never holds the key's text.
func ParseWallet(key secret.Text) (Wallet, error) {
	private, err := privateKey(key)
	if err != nil {
		return Wallet{}, err
	}
	defer private.Zero()
	return Wallet{Address: addressOf(private.PubKey()), Key: key}, nil
}

// Sign signs a text with personal_sign (EIP-191): deterministic (RFC 6979),
// low s, v 27 or 28.
func (w Wallet) Sign(text string) (Signature, error) {
	private, err := privateKey(w.Key)
	if err != nil {
		return Signature{}, err
	}
	defer private.Zero()
	compact := ecdsa.SignCompact(private, personalHash(text), false)
	var signature Signature
	copy(signature[:64], compact[1:])
	signature[64] = compact[0]
	return signature, nil
}

func privateKey(key secret.Text) (*secp256k1.PrivateKey, error) {
	raw, err := hex.DecodeString(strings.TrimPrefix(key.Reveal(), "0x"))
	if err != nil || len(raw) != 32 {
		return nil, errors.New("the wallet key is not 64 hex digits")
	}
	defer clear(raw)
	var scalar secp256k1.ModNScalar
	if overflow := scalar.SetByteSlice(raw); overflow || scalar.IsZero() {
		return nil, errors.New("the wallet key is zero or not below the order of secp256k1")
	}
	return secp256k1.NewPrivateKey(&scalar), nil
}

// personalHash is what personal_sign signs of a text (EIP-191).
func personalHash(text string) []byte {
	sum := keccak([]byte("\x19Ethereum Signed Message:\n" + strconv.Itoa(len(text)) + text))
	return sum[:]
}

func addressOf(key *secp256k1.PublicKey) Address {
	sum := keccak(key.SerializeUncompressed()[1:])
	return Address(sum[12:])
}

func keccak(data []byte) (sum [32]byte) {
	hash := sha3.NewLegacyKeccak256()
	hash.Write(data)
	hash.Sum(sum[:0])
	return sum
}

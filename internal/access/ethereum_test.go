package access

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"pgregory.net/rapid"

	"sealpost/internal/secret"
)

// The test vectors of EIP-55.
var checksummed = []string{
	"0x52908400098527886E0F7030069857D2E4169EE7",
	"0x8617E340B3D01FA5F11F306F4090FD50E238070D",
	"0xde709f2102306220921060314715629080e2fb77",
	"0x27b1fdb04752bbc536007a920d24acb045561c26",
	"0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
	"0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
	"0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
	"0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
}

// curveOrder is n of secp256k1 (SEC 2, section 2.4.1).
const curveOrder = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"

func TestAddressChecksum(t *testing.T) {
	for _, want := range checksummed {
		for _, text := range []string{want, strings.ToLower(want), "0x" + strings.ToUpper(want[2:])} {
			address, err := ParseAddress(text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if address.String() != want || address.Lower() != strings.ToLower(want) {
				t.Errorf("%s is written %s and %s", text, address, address.Lower())
			}
		}
	}
}

func TestAddressRefused(t *testing.T) {
	good := checksummed[4]
	for _, text := range []string{"", "0x", good[2:], good + "0", good[:41], "0X" + good[2:], " " + good, good + "\n", "0x" + strings.Repeat("g", 40), "0x" + strings.Repeat("é", 20)} {
		if address, err := ParseAddress(text); err == nil {
			t.Errorf("%q was read as %s", text, address)
		}
	}
}

func TestRecoverWhatViemSigns(t *testing.T) {
	for _, vector := range viem(t).Text {
		signature, err := ParseSignature(vector.Signature)
		if err != nil {
			t.Fatal(err)
		}
		signer, err := Recover(vector.Message, signature)
		if err != nil || signer.String() != vector.Address {
			t.Errorf("%q: signer %s, %v; want %s", vector.Message, signer, err, vector.Address)
		}
		if hash := "0x" + hex.EncodeToString(personalHash(vector.Message)); hash != vector.Hash {
			t.Errorf("%q: hash %s, want %s", vector.Message, hash, vector.Hash)
		}
		w, err := ParseWallet(secret.New(vector.Key))
		if err != nil || w.Address.String() != vector.Address {
			t.Fatalf("wallet %s, %v; want %s", w.Address, err, vector.Address)
		}
		// Both sides sign deterministically (RFC 6979), so byte for byte.
		if mine, err := w.Sign(vector.Message); err != nil || mine.String() != vector.Signature {
			t.Errorf("%q: signed as %s, %v; viem signs %s", vector.Message, mine, err, vector.Signature)
		}
	}
}

func TestRecoverRefuses(t *testing.T) {
	good, err := wallet(t, "1").Sign("hello")
	if err != nil {
		t.Fatal(err)
	}
	order, err := hex.DecodeString(curveOrder)
	if err != nil {
		t.Fatal(err)
	}
	zero := make([]byte, 32)
	change := func(at int, value []byte) Signature {
		s := good
		copy(s[at:], value)
		return s
	}
	for _, test := range []struct {
		name      string
		signature Signature
		want      error
	}{
		{"r is zero", change(0, zero), ErrSignature},
		{"r is the order", change(0, order), ErrSignature},
		{"s is zero", change(32, zero), ErrSignature},
		{"s is the order", change(32, order), ErrSignature},
		{"v is 2", change(64, []byte{2}), ErrSignatureV},
		{"v is 26", change(64, []byte{26}), ErrSignatureV},
		{"v is 29", change(64, []byte{29}), ErrSignatureV},
		{"v is 37, as chain 1 has it in transactions", change(64, []byte{37}), ErrSignatureV},
		{"nothing at all", Signature{}, ErrSignature},
	} {
		if signer, err := Recover("hello", test.signature); !errors.Is(err, test.want) {
			t.Errorf("%s: %s, %v; want %v", test.name, signer, err, test.want)
		}
	}
}

func TestSignatureForm(t *testing.T) {
	good := viem(t).Text[0].Signature
	if s, err := ParseSignature("0x" + strings.ToUpper(good[2:])); err != nil || s.String() != good {
		t.Errorf("upper case: %s, %v", s, err)
	}
	for _, text := range []string{"", "0x", good[2:], good[:130], good + "00", good[:131] + "g", " " + good, good[:2+128]} {
		if _, err := ParseSignature(text); !errors.Is(err, ErrSignatureForm) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestWalletKeyRefused(t *testing.T) {
	for _, key := range []string{"", "0x", "1", strings.Repeat("0", 64), curveOrder, strings.Repeat("f", 64), strings.Repeat("1", 66), strings.Repeat("g", 64)} {
		if _, err := ParseWallet(secret.New(key)); err == nil {
			t.Errorf("%q was taken for a key", key)
		} else if len(key) > 8 && strings.Contains(err.Error(), key) {
			t.Errorf("the error shows the key: %v", err)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v", wallet(t, "1"), wallet(t, "1"), wallet(t, "1")); strings.Contains(shown, "1111") {
		t.Errorf("a wallet shows its key: %s", shown)
	}
}

// drawWallet makes a wallet of any key below 2^248, all of which are keys.
func drawWallet(t *rapid.T) Wallet {
	key := append([]byte{0}, rapid.SliceOfN(rapid.Byte(), 31, 31).Draw(t, "key")...)
	key[31] |= 1 // not zero
	w, err := ParseWallet(secret.New(hex.EncodeToString(key)))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestEverySignatureHasOneForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, text := drawWallet(t), rapid.String().Draw(t, "text")
		signature, err := w.Sign(text)
		if err != nil {
			t.Fatal(err)
		}
		short := signature
		short[64] -= 27 // some wallets give v as 0 or 1
		for _, form := range []Signature{signature, short} {
			if signer, err := Recover(text, form); err != nil || signer != w.Address {
				t.Fatalf("own signature gives %s, %v", signer, err)
			}
		}
		twin := signature
		var s secp256k1.ModNScalar
		s.SetByteSlice(signature[32:64])
		high := s.Negate().Bytes()
		copy(twin[32:], high[:])
		twin[64] ^= 27 ^ 28
		if signer, err := Recover(text, twin); !errors.Is(err, ErrSignatureHigh) {
			t.Fatalf("the twin with a high s gives %s, %v", signer, err)
		}
	})
}

func TestEveryBitCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, text := drawWallet(t), []byte(rapid.StringN(1, -1, 200).Draw(t, "text"))
		signature, err := w.Sign(string(text))
		if err != nil {
			t.Fatal(err)
		}
		bit := byte(1) << rapid.IntRange(0, 7).Draw(t, "bit")
		changed := append([]byte(nil), text...)
		changed[rapid.IntRange(0, len(text)-1).Draw(t, "byte of the text")] ^= bit
		if signer, err := Recover(string(changed), signature); err == nil && signer == w.Address {
			t.Fatalf("%q passes for %q", changed, text)
		}
		signature[rapid.IntRange(0, 64).Draw(t, "byte of the signature")] ^= bit
		if signer, err := Recover(string(text), signature); err == nil && signer == w.Address {
			t.Fatal("a changed signature passes")
		}
	})
}

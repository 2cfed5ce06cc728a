package catalog

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"testing"

	"sealpost/internal/secret"
)

// hexMAC signs as the provider does.
func hexMAC(key string, raw []byte) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write(raw)
	return hex.EncodeToString(mac.Sum(nil))
}

// verify checks a request's signature, with the body in two pieces.
func verify(key string, header func(string) string, raw []byte) error {
	check, err := (panda{}).Check(secret.New(key), header)
	if err != nil {
		return err
	}
	for _, piece := range [][]byte{raw[:len(raw)/2], raw[len(raw)/2:]} {
		if _, err := check.Write(piece); err != nil {
			return err
		}
	}
	return check.Verify()
}

// TestPandaRefusesBeforeTheBody checks that a signature which can fit no body is
// refused before the body is there.
func TestPandaRefusesBeforeTheBody(t *testing.T) {
	for _, signature := range []string{"", "00", strings.Repeat("0", 63), strings.Repeat("0", 65), strings.Repeat("g", 64), " " + strings.Repeat("0", 63), strings.Repeat("é", 32)} {
		if _, err := (panda{}).Check(secret.New("key"), func(string) string { return signature }); err == nil {
			t.Errorf("the signature %q is checked against a body", signature)
		}
	}
}

func TestPandaVerify(t *testing.T) {
	const key = "provider-key"
	raw := []byte("{\"id\":\"evt-1\" }\n")
	good := hexMAC(key, raw)
	tests := map[string]struct {
		key       string
		signature string
		raw       string
		want      error
	}{
		"right":              {key, good, string(raw), nil},
		"upper case":         {key, strings.ToUpper(good), string(raw), nil},
		"mixed case":         {key, strings.ToUpper(good[:20]) + good[20:], string(raw), nil},
		"no key":             {"", hexMAC("", raw), string(raw), ErrNoKey},
		"no signature":       {key, "", string(raw), ErrNoSignature},
		"another key":        {key, hexMAC("other", raw), string(raw), ErrBadSignature},
		"another body":       {key, good, "{\"id\":\"evt-1\" }", ErrBadSignature},
		"last digit":         {key, flip(good), string(raw), ErrBadSignature},
		"cut short":          {key, good[:62], string(raw), ErrBadSignature},
		"half of it":         {key, good[:32], string(raw), ErrBadSignature},
		"too long":           {key, good + "00", string(raw), ErrBadSignature},
		"odd length":         {key, good[:63], string(raw), ErrBadSignature},
		"not hex":            {key, strings.Repeat("zz", 32), string(raw), ErrBadSignature},
		"with a prefix":      {key, "sha256=" + good, string(raw), ErrBadSignature},
		"whsec is no base64": {"whsec_AAAA", hexMAC("whsec_AAAA", raw), string(raw), nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			header := http.Header{}
			header.Set("Signature", test.signature)
			if got := verify(test.key, header.Get, []byte(test.raw)); !errors.Is(got, test.want) {
				t.Errorf("the verdict is %v, want %v", got, test.want)
			}
		})
	}
}

// flip changes the last digit of a signature.
func flip(signature string) string {
	if signature[63] == '0' {
		return signature[:63] + "1"
	}
	return signature[:63] + "0"
}

func TestProviders(t *testing.T) {
	for _, p := range Providers() {
		if found, ok := ProviderByName(p.Name()); !ok || found.Name() != p.Name() {
			t.Errorf("%s can't be found", p.Name())
		}
		if _, there := builtin()[p.Name()+"/envelope.json"]; !there {
			t.Errorf("%s has no schema for its envelope", p.Name())
		}
	}
	if _, ok := ProviderByName("koala"); ok {
		t.Error("a provider was found that is not there")
	}
}

func FuzzPandaVerify(f *testing.F) {
	raw := []byte(`{"id":"e"}`)
	good := hexMAC("key", raw)
	f.Add(good, raw)
	f.Add(strings.ToUpper(good), raw)
	f.Add(good[:63], raw)
	f.Add("", raw)
	f.Add(strings.Repeat("é", 32), []byte{})
	f.Fuzz(func(t *testing.T, signature string, raw []byte) {
		err := verify("key", func(string) string { return signature }, raw)
		if (err == nil) != strings.EqualFold(signature, hexMAC("key", raw)) {
			t.Errorf("%q over %q: %v", signature, raw, err)
		}
	})
}

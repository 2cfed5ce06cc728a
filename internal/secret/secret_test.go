package secret

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestNeverPrinted(t *testing.T) {
	const canary = "canary-0123456789abcdef0123456789"
	text := New(canary)
	type holder struct {
		Shown  Text
		hidden Text
		inside *Text
		list   []Text
		named  map[string]Text
	}
	h := holder{text, text, &text, []Text{text}, map[string]Text{"x": text}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T", "%10s"} {
		fmt.Fprintf(&out, verb+verb+verb, text, &text, h)
	}
	raw, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(raw)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("x", "secret", text, "holder", h, "error", fmt.Errorf("with %v", text))
	}
	for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary)} {
		if strings.Contains(out.String(), form) {
			t.Errorf("the secret was printed: %s", out.String())
		}
	}
	if text.Reveal() != canary {
		t.Error("the secret can't be revealed")
	}
}

func TestParse(t *testing.T) {
	for value, want := range map[string]error{
		"":                                       ErrEmpty,
		strings.Repeat("a", 23):                  ErrShort,
		strings.Repeat("a", 24):                  nil,
		strings.Repeat("a", MaxBytes+1):          ErrLong,
		strings.Repeat("a", 24) + "\x00":         ErrUnclean,
		strings.Repeat("a", 24) + "\n":           ErrUnclean,
		strings.Repeat("a", 24) + "\xff":         ErrUnclean,
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": nil,
		"whsec_MfKQ9r8G":                         ErrShort,
		"whsec_not base64 at all, is it?":        ErrBase64,
	} {
		if _, err := Parse(value); !errors.Is(err, want) {
			t.Errorf("%q: %v, not %v", value, err, want)
		}
	}
}

func TestKey(t *testing.T) {
	made := Generate()
	if text := made.Reveal(); len(text) != 64 || string(made.Key()) != text {
		t.Errorf("a made secret has %d characters, its key %d bytes", len(text), len(made.Key()))
	}
	if made.Reveal() == Generate().Reveal() {
		t.Error("two secrets are the same")
	}
	if key := New("whsec_AAEC").Key(); !bytes.Equal(key, []byte{0, 1, 2}) {
		t.Errorf("whsec_AAEC has the key %v", key)
	}
	if !New("").IsZero() || !(Text{}).IsZero() || made.IsZero() || (Text{}).Reveal() != "" || len((Text{}).Key()) != 0 {
		t.Error("no secret and a secret are confused")
	}
}

package access

import (
	"encoding/json"
	"errors"
	"os"
	"testing"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// noon is when most tests happen.
var noon = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// vectors are what viem 2.57 signs: testdata/viem.json.
type vectors struct {
	SIWE []struct{ Address, Message, Signature string }
	Text []struct{ Key, Address, Message, Hash, Signature string }
}

func viem(t testing.TB) vectors {
	t.Helper()
	raw, err := os.ReadFile("testdata/viem.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.SIWE) == 0 || len(v.Text) == 0 {
		t.Fatal("testdata/viem.json is empty")
	}
	return v
}

func wallet(t testing.TB, digit string) Wallet {
	t.Helper()
	key := ""
	for len(key) < 64 {
		key += digit
	}
	w, err := ParseWallet(secret.New(key))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// wantCode fails unless err is an [*Error] with the code, and unwraps to a
// [webhook.Error] as well; code empty wants no error.
func wantCode(t testing.TB, err error, code Code) {
	t.Helper()
	if code == "" {
		if err != nil {
			t.Fatalf("refused: %v", err)
		}
		return
	}
	var fault *Error
	if !errors.As(err, &fault) || fault.Code != code {
		t.Fatalf("error %v (%T), want the code %s", err, err, code)
	}
	if kind := webhook.CodeOf(err); kind == webhook.CodeInternal || kind != fault.Kind() {
		t.Fatalf("%s unwraps to %q", code, kind)
	}
}

func wantKind(t testing.TB, err error, kind webhook.Code) {
	t.Helper()
	if err == nil || webhook.CodeOf(err) != kind {
		t.Fatalf("error %v, want the code %q", err, kind)
	}
}

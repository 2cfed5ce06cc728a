package access

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

func newToken(t testing.TB, lifetime time.Duration) (Token, secret.Text) {
	t.Helper()
	token, text, err := NewToken("org_1", "ci", Publisher, Owner, lifetime, noon)
	if err != nil {
		t.Fatal(err)
	}
	return token, text
}

func TestTokenRoundTrip(t *testing.T) {
	token, text := newToken(t, 0)
	presented, err := ParseToken(text.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Check(presented, noon.AddDate(100, 0, 0)); err != nil {
		t.Errorf("a token without expiry: %v", err)
	}
	if caller := token.Caller(); caller != (Caller{Organization: "org_1", Role: Publisher, Token: token.ID}) {
		t.Errorf("presented by %+v", caller)
	}
	if stored := fmt.Sprintf("%+v", token); strings.Contains(stored, text.Reveal()[len(TokenPrefix)+tokenIDText+1:][:longText]) {
		t.Error("the secret is stored")
	}
}

func TestTokenLifetime(t *testing.T) {
	token, text := newToken(t, time.Hour)
	presented, err := ParseToken(text.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Check(presented, noon.Add(time.Hour-1)); err != nil {
		t.Errorf("before it expires: %v", err)
	}
	wantKind(t, token.Check(presented, noon.Add(time.Hour)), webhook.CodeUnauthorized)
	token.Revoked = noon
	wantKind(t, token.Check(presented, noon), webhook.CodeUnauthorized)
}

func TestNoTokenIsNobodys(t *testing.T) {
	wantKind(t, Token{}.Check(Presented{}, noon), webhook.CodeUnauthorized)
}

// TestTokenSaysNothingToStrangers: without the secret, nobody learns whether a
// token is revoked or expired.
func TestTokenSaysNothingToStrangers(t *testing.T) {
	token, _ := newToken(t, time.Hour)
	_, other := newToken(t, 0)
	stranger, err := ParseToken(other.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	stranger.ID = token.ID
	fresh := token.Check(stranger, noon)
	wantKind(t, fresh, webhook.CodeUnauthorized)
	expired := token.Check(stranger, noon.Add(2*time.Hour))
	token.Revoked = noon
	revoked := token.Check(stranger, noon)
	if fresh.Error() != expired.Error() || fresh.Error() != revoked.Error() || fresh.Error() != unknownToken().Error() {
		t.Errorf("a stranger can tell %q, %q and %q apart", fresh, expired, revoked)
	}
}

func TestNewTokenRefuses(t *testing.T) {
	for _, test := range []struct {
		name        string
		role, maker Role
		lifetime    time.Duration
		want        webhook.Code
	}{
		{"", Member, Owner, 0, webhook.CodeBadRequest},
		{strings.Repeat("ü", MaxTokenName+1), Member, Owner, 0, webhook.CodeBadRequest},
		{"a\x1b[31m", Member, Owner, 0, webhook.CodeBadRequest},
		{"a\xff", Member, Owner, 0, webhook.CodeBadRequest},
		{"ci", "root", Owner, 0, webhook.CodeBadRequest},
		{"ci", Member, Owner, -time.Second, webhook.CodeBadRequest},
		{"ci", Owner, Admin, 0, webhook.CodeNoPermission},
		{"ci", Member, Member, 0, webhook.CodeNoPermission},
		{"ci", Publisher, Publisher, 0, webhook.CodeNoPermission},
	} {
		_, text, err := NewToken("org_1", test.name, test.role, test.maker, test.lifetime, noon)
		wantKind(t, err, test.want)
		if !text.IsZero() {
			t.Errorf("%+v is refused with a token", test)
		}
	}
	if _, _, err := NewToken("org_1", strings.Repeat("ü", MaxTokenName), Owner, Owner, 0, noon); err != nil {
		t.Error(err)
	}
}

func TestParseTokenRefuses(t *testing.T) {
	_, secretText := newToken(t, 0)
	text := secretText.Reveal()
	for _, bad := range []string{"", "sp_", text[1:], text[:len(text)-1], text + "0", text + "\n", " " + text, strings.ToUpper(text),
		strings.Replace(text, "_", "-", 2), "sp_" + strings.Repeat("_", len(text)-3), strings.Repeat("é", len(text)/2), strings.Repeat("sp_", 1<<16)} {
		presented, err := ParseToken(bad)
		wantKind(t, err, webhook.CodeUnauthorized)
		if presented != (Presented{}) {
			t.Errorf("%q was refused with %+v", bad, presented)
		}
		if len(bad) > 20 && strings.Contains(err.Error(), bad[10:20]) {
			t.Errorf("the error shows the token: %v", err)
		}
	}
}

func TestEveryTypoIsCaught(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, secretText, err := NewToken("o", "n", Admin, Owner, 0, noon)
		if err != nil {
			t.Fatal(err)
		}
		text := []byte(secretText.Reveal())
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		others := strings.ReplaceAll(base62, string(text[at]), "")
		text[at] = others[rapid.IntRange(0, len(others)-1).Draw(t, "typo")]
		if _, err := ParseToken(string(text)); err == nil {
			t.Fatalf("%s passes for %s", text, secretText.Reveal())
		}
	})
}

// FuzzParseToken: whatever parses has the form of a token, and its checksum.
func FuzzParseToken(f *testing.F) {
	_, text := newToken(f, 0)
	f.Add(text.Reveal())
	f.Add("")
	f.Add("sp_000000000000_" + strings.Repeat("0", longText+checksumText))
	body := "sp_000000000000_" + strings.Repeat("z", longText)
	f.Add(body + checksum(body))
	f.Fuzz(func(t *testing.T, text string) {
		presented, err := ParseToken(text)
		if err != nil {
			wantKind(t, err, webhook.CodeUnauthorized)
			return
		}
		body := TokenPrefix + presented.ID + "_" + text[len(TokenPrefix)+tokenIDText+1:][:longText]
		if text != body+checksum(body) {
			t.Fatalf("%q was read as %+v", text, presented)
		}
	})
}

func TestRandomText(t *testing.T) {
	seen := make(map[string]bool)
	counts := make(map[rune]int)
	const rounds = 2000
	for range rounds {
		text := randomText(shortText)
		if !isBase62(text, shortText) || seen[text] {
			t.Fatalf("the text %q", text)
		}
		seen[text] = true
		for _, c := range text {
			counts[c]++
		}
	}
	// Each character is expected 709 times, give or take 27; six times that
	// would not happen in a lifetime, and a modulo bias of 256 shows more.
	expected := rounds * shortText / len(base62)
	for _, c := range base62 {
		if counts[c] < expected-165 || counts[c] > expected+165 {
			t.Errorf("%c comes %d times of %d expected", c, counts[c], expected)
		}
	}
}

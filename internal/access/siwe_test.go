package access

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// whole is a message with every field.
const whole = "https://example.com:8443 wants you to sign in with your Ethereum account:\n" +
	"0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A\n" +
	"\n" +
	"Sign in, please.\n" +
	"\n" +
	"URI: https://example.com/login?next=%2Fhome#top\n" +
	"Version: 1\n" +
	"Chain ID: 10\n" +
	"Nonce: abcdefgh12345678\n" +
	"Issued At: 2026-01-05T11:59:00.123Z\n" +
	"Expiration Time: 2026-01-05T12:10:00Z\n" +
	"Not Before: 2026-01-05T13:00:00+01:00\n" +
	"Request ID: r-1\n" +
	"Resources:\n" +
	"- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/\n" +
	"- https://example.com/claim.json"

// bare is one with the required fields alone.
const bare = "example.com wants you to sign in with your Ethereum account:\n" +
	"0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A\n" +
	"\n\n" +
	"URI: https://example.com\n" +
	"Version: 1\n" +
	"Chain ID: 1\n" +
	"Nonce: abcdefgh\n" +
	"Issued At: 2026-01-05T11:59:00Z"

func TestParseMessage(t *testing.T) {
	m, err := ParseMessage(whole)
	if err != nil {
		t.Fatal(err)
	}
	id := "r-1"
	want := &Message{
		Scheme: "https", Domain: "example.com:8443", Address: wallet(t, "1").Address, Statement: "Sign in, please.",
		URI: "https://example.com/login?next=%2Fhome#top", ChainID: 10, Nonce: "abcdefgh12345678",
		IssuedAt:       Instant{time.Date(2026, 1, 5, 11, 59, 0, 123e6, time.UTC), "2026-01-05T11:59:00.123Z"},
		ExpirationTime: Instant{time.Date(2026, 1, 5, 12, 10, 0, 0, time.UTC), "2026-01-05T12:10:00Z"},
		NotBefore:      m.NotBefore, RequestID: &id,
		Resources: []string{"ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/", "https://example.com/claim.json"},
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got %+v\nwant %+v", m, want)
	}
	if !m.NotBefore.Time.Equal(noon) {
		t.Errorf("Not Before is %s", m.NotBefore.Time)
	}
}

func TestParseMessageAccepts(t *testing.T) {
	for name, text := range map[string]string{
		"required fields alone":  bare,
		"every field":            whole,
		"empty request id":       bare + "\nRequest ID: ",
		"no resource":            bare + "\nResources:",
		"IPv6 domain":            strings.Replace(bare, "example.com wants", "[::1]:3000 wants", 1),
		"statement like a field": strings.Replace(bare, "\n\n\nURI", "\n\nURI: https://other.example\n\nURI", 1),
		"longest nonce":          strings.Replace(bare, "abcdefgh", strings.Repeat("a", maxNonce), 1),
		"most resources":         bare + "\nResources:" + strings.Repeat("\n- a:", MaxResources),
	} {
		if m, err := ParseMessage(text); err != nil {
			t.Errorf("%s: %v", name, err)
		} else if m.String() != text {
			t.Errorf("%s is rendered as %q", name, m)
		}
	}
}

func TestParseMessageAcceptsViem(t *testing.T) {
	for _, vector := range viem(t).SIWE {
		m, err := ParseMessage(vector.Message)
		if err != nil {
			t.Errorf("%v in %q", err, vector.Message)
			continue
		}
		if m.String() != vector.Message || m.Address.String() != vector.Address {
			t.Errorf("%q is rendered as %q", vector.Message, m)
		}
	}
}

func TestParseMessageRefuses(t *testing.T) {
	edit := func(old, new string) string {
		if !strings.Contains(whole, old) {
			t.Fatalf("%q is not in the message", old)
		}
		return strings.Replace(whole, old, new, 1)
	}
	for _, test := range []struct {
		name, text string
		line       int
	}{
		{"nothing", "", 1},
		{"too long", whole + strings.Repeat("a", MaxMessage), 0},
		{"line feed at the end", whole + "\n", 17},
		{"carriage returns", strings.ReplaceAll(whole, "\n", "\r\n"), 1},
		{"one carriage return", edit("Version: 1\n", "Version: 1\r\n"), 7},
		{"byte order mark", "\ufeff" + whole, 1},
		{"space before", " " + whole, 1},
		{"NUL in the domain", edit("example.com:8443", "example.com\x00.evil.example"), 1},
		{"look-alike in the domain", edit("example.com:8443", "ex\u0430mple.com"), 1},
		{"path in the domain", edit("example.com:8443", "example.com/x"), 1},
		{"empty domain", edit("https://example.com:8443", ""), 1},
		{"empty domain after a scheme", edit("example.com:8443", ""), 1},
		{"two schemes", edit("https://example", "https://https://example"), 1},
		{"bad scheme", edit("https://example.com:", "1https://example.com:"), 1},
		{"half an escape in the domain", edit("example.com:8443", "example.com%2"), 1},
		{"another headline", edit("your Ethereum account", "your ethereum account"), 1},
		{"address in lower case", edit("0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A", "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"), 2},
		{"address with a wrong checksum", edit("0x19E7", "0x19e7"), 2},
		{"short address", edit("ff2A", "ff2"), 2},
		{"no empty line after the address", edit("ff2A\n\n", "ff2A\n"), 3},
		{"one empty line for no statement", strings.Replace(bare, "\n\n\n", "\n\n", 1), 5},
		{"two statements", edit("Sign in, please.", "Sign in,\nplease."), 5},
		{"empty statement", edit("Sign in, please.", ""), 5},
		{"statement outside ASCII", edit("please.", "bitte schön."), 4},
		{"quotation mark in the statement", edit("please.", `"please".`), 4},
		{"URI without a scheme", edit("https://example.com/login", "//example.com/login"), 6},
		{"space in the URI", edit("next=", "next= "), 6},
		{"two fragments in the URI", edit("#top", "#top#top"), 6},
		{"version 2", edit("Version: 1", "Version: 2"), 7},
		{"chain 0", edit("Chain ID: 10", "Chain ID: 0"), 8},
		{"leading zero", edit("Chain ID: 10", "Chain ID: 010"), 8},
		{"sign", edit("Chain ID: 10", "Chain ID: +10"), 8},
		{"hex chain", edit("Chain ID: 10", "Chain ID: 0xa"), 8},
		{"chain beyond 2^53", edit("Chain ID: 10", "Chain ID: 9007199254740993"), 8},
		{"space after the chain", edit("Chain ID: 10", "Chain ID: 10 "), 8},
		{"short nonce", edit("abcdefgh12345678", "abcdefg"), 9},
		{"long nonce", edit("abcdefgh12345678", strings.Repeat("a", maxNonce+1)), 9},
		{"hyphen in the nonce", edit("abcdefgh12345678", "abcdefgh-12345678"), 9},
		{"no colon", edit("Nonce: ", "Nonce "), 9},
		{"two spaces", edit("Nonce: ", "Nonce:  "), 9},
		{"two nonces", edit("Issued At", "Nonce: abcdefgh\nIssued At"), 10},
		{"date alone", edit("2026-01-05T11:59:00.123Z", "2026-01-05"), 10},
		{"comma in a time", edit("11:59:00.123Z", "11:59:00,123Z"), 10},
		{"hour of one digit", edit("T11:59:00.123Z", "T1:59:00.123Z"), 10},
		{"no such day", edit("2026-01-05T11", "2026-02-30T11"), 10},
		{"no zone", edit("11:59:00.123Z", "11:59:00.123"), 10},
		{"zone out of range", edit("+01:00", "+25:00"), 12},
		{"endless fraction", edit("11:59:00.123Z", "11:59:00."+strings.Repeat("1", 40)+"Z"), 10},
		{"fields in another order", edit("Expiration Time: 2026-01-05T12:10:00Z\nNot Before: 2026-01-05T13:00:00+01:00", "Not Before: 2026-01-05T13:00:00+01:00\nExpiration Time: 2026-01-05T12:10:00Z"), 12},
		{"a field twice", edit("Request ID: r-1", "Request ID: r-1\nRequest ID: r-2"), 14},
		{"an unknown field", edit("Request ID", "Request Name"), 13},
		{"slash in the request id", edit("r-1", "r/1"), 13},
		{"text after Resources", edit("Resources:", "Resources: 2"), 14},
		{"resource that is no URI", edit("- https://example.com/claim.json", "- claim"), 16},
		{"text after the resources", whole + "\nThanks", 17},
		{"too many resources", bare + "\nResources:" + strings.Repeat("\n- a:", MaxResources+1), 10 + MaxResources + 1},
		{"cut short", bare[:strings.Index(bare, "Issued")-1], 9},
	} {
		m, err := ParseMessage(test.text)
		var fault *SyntaxError
		if !errors.As(err, &fault) {
			t.Errorf("%s: %+v, %v", test.name, m, err)
		} else if fault.Line != test.line {
			t.Errorf("%s: refused for line %d, not %d: %v", test.name, fault.Line, test.line, err)
		}
	}
}

// FuzzParseMessage holds the parser to its promise: what it takes renders to
// the text that was signed, and is within bounds.
func FuzzParseMessage(f *testing.F) {
	f.Add(whole)
	f.Add(bare)
	f.Add(bare + "\nResources:")
	f.Add(bare + "\nRequest ID: \nResources:\n- a:")
	f.Add(strings.ReplaceAll(bare, "\n", "\r\n"))
	for _, vector := range viem(f).SIWE {
		f.Add(vector.Message)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMessage(text)
		if err != nil {
			var fault *SyntaxError
			if m != nil || !errors.As(err, &fault) || fault.Line < 0 || fault.Line > strings.Count(text, "\n")+2 {
				t.Fatalf("%v, %v", m, err)
			}
			return
		}
		if m.String() != text {
			t.Fatalf("%q is rendered as %q", text, m)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && (r < ' ' || r > '~') }) {
			t.Fatalf("%q was taken", text)
		}
		if len(text) > MaxMessage || len(m.Resources) > MaxResources || m.ChainID == 0 || m.Domain == "" || m.IssuedAt.Time.IsZero() && !strings.Contains(m.IssuedAt.text, "0001-") {
			t.Fatalf("out of bounds: %+v", m)
		}
	})
}

// TestEveryByteOfAMessageCounts changes one byte of a signed message: either
// it is no message any more, or another one, which nobody has signed.
func TestEveryByteOfAMessageCounts(t *testing.T) {
	w := wallet(t, "1")
	signature, err := w.Sign(whole)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		changed := []byte(whole)
		at := rapid.IntRange(0, len(changed)-1).Draw(t, "at")
		changed[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		m, err := ParseMessage(string(changed))
		if err != nil {
			return
		}
		if err := (Credentials{Message: m.String(), Signature: signature.String()}).signs(m); err == nil {
			t.Fatalf("%q passes", changed)
		}
	})
}

package access

import (
	"strings"
	"testing"
	"time"
)

var example = Policy{Domain: "example.com", ChainID: 1, Signup: SignupOpen}

func TestPolicyCheck(t *testing.T) {
	message := func(change func(*Message)) *Message {
		m, err := ParseMessage(bare) // issued a minute before noon
		if err != nil {
			t.Fatal(err)
		}
		change(m)
		return m
	}
	at := func(after time.Duration) Instant { return At(noon.Add(after)) }
	for _, test := range []struct {
		name   string
		change func(*Message)
		https  bool
		want   Code
		says   string
	}{
		{"as it should be", func(*Message) {}, false, "", ""},
		{"the domain in another case", func(m *Message) { m.Domain = "EXAMPLE.com" }, false, CodeMismatch, "EXAMPLE.com"},
		{"another domain", func(m *Message) { m.Domain = "evil.example" }, false, CodeMismatch, "evil.example"},
		{"a domain that begins alike", func(m *Message) { m.Domain = "example.com.evil.example" }, false, CodeMismatch, "domain"},
		{"a domain with a user", func(m *Message) { m.Domain = "example.com@evil.example" }, false, CodeMismatch, "domain"},
		{"a port that is not configured", func(m *Message) { m.Domain = "example.com:443" }, false, CodeMismatch, "domain"},
		{"another chain", func(m *Message) { m.ChainID = 5 }, false, CodeMismatch, "chain 5"},
		{"another URI", func(m *Message) { m.URI = "https://elsewhere.example" }, true, "", ""},
		{"any scheme over http", func(m *Message) { m.Scheme = "https" }, false, "", ""},
		{"no scheme over https", func(m *Message) { m.Scheme = "" }, true, "", ""},
		{"https over https", func(m *Message) { m.Scheme = "HTTPS" }, true, "", ""},
		{"http over https", func(m *Message) { m.Scheme = "http" }, true, CodeMismatch, "scheme"},
		{"before it expires", func(m *Message) { m.ExpirationTime = at(time.Millisecond) }, false, "", ""},
		{"as it expires", func(m *Message) { m.ExpirationTime = at(0) }, false, CodeExpired, "at 2026-01-05T12:00:00.000Z"},
		{"long expired", func(m *Message) { m.ExpirationTime = at(-time.Hour) }, false, CodeExpired, ""},
		{"as it becomes valid", func(m *Message) { m.NotBefore = at(0) }, false, "", ""},
		{"valid within the leeway", func(m *Message) { m.NotBefore = at(notBeforeLeeway) }, false, "", ""},
		{"not yet valid", func(m *Message) { m.NotBefore = at(notBeforeLeeway + time.Millisecond) }, false, CodeNotYetValid, "not before"},
		{"issued long ago", func(m *Message) { m.IssuedAt = at(-time.Hour) }, false, "", ""},
		{"issued by a clock that is fast", func(m *Message) { m.IssuedAt = at(issuedLeeway) }, false, "", ""},
		{"issued in the future", func(m *Message) { m.IssuedAt = at(issuedLeeway + time.Millisecond) }, false, CodeNotYetValid, "issued at"},
	} {
		t.Run(test.name, func(t *testing.T) {
			policy := example
			policy.HTTPS = test.https
			err := policy.Check(message(test.change), noon)
			wantCode(t, err, test.want)
			if err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("%q does not say %q", err, test.says)
			}
		})
	}
}

func TestCheckDomain(t *testing.T) {
	for _, domain := range []string{"example.com", "a.b-c.example", "localhost", "localhost:3000", "127.0.0.1:8787", "EXAMPLE.com", "x:1", "x:65535"} {
		if err := CheckDomain(domain); err != nil {
			t.Error(err)
		}
	}
	for _, domain := range []string{"", "https://example.com", "example.com/", "example.com:", "example.com:0", "example.com:08", "example.com:65536", "example.com:x",
		"a..b", ".a", "a.", "-a", "a-", "exämple.com", "a b", "user@example.com", "[::1]", strings.Repeat("a", 64), strings.Repeat("a.", 127) + "a"} {
		if CheckDomain(domain) == nil {
			t.Errorf("%q was taken", domain)
		}
	}
}

func TestDerivedEmail(t *testing.T) {
	address := wallet(t, "1").Address
	for domain, want := range map[string]string{
		"example.com":      "example.com",
		"Example.COM:8443": "example.com",
		"localhost":        "localhost.com",
		"localhost:3000":   "localhost.com",
		"sub.localhost":    "sub.localhost",
		"127.0.0.1:8787":   "127.0.0.1",
	} {
		p := Policy{Domain: domain}
		email := p.Email(address)
		if email != "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a@"+want {
			t.Errorf("%s derives %s", domain, email)
		}
		if back, err := ParseEmail(email); err != nil || back != email {
			t.Errorf("%s is no address to invite: %v", email, err)
		}
		if owner, derived := p.Derived(email); !derived || owner != address {
			t.Errorf("%s is derived from %s, %t", email, owner, derived)
		}
	}
}

func TestClaim(t *testing.T) {
	own, other := wallet(t, "1").Address, wallet(t, "2").Address
	for _, test := range []struct {
		email, claim string
		want         Code
	}{
		{"", "", ""},
		{"Someone@Example.ORG", "someone@example.org", ""},
		{example.Email(own), example.Email(own), ""},
		{own.String() + "@EXAMPLE.com", example.Email(own), ""},
		{example.Email(other), "", CodeInvalidEmail},
		{other.String() + "@Example.com", "", CodeInvalidEmail},
		{other.Lower() + "@elsewhere.example", other.Lower() + "@elsewhere.example", ""},
		{"nobody", "", CodeInvalidEmail},
	} {
		claim, err := example.Claim(own, test.email)
		wantCode(t, err, test.want)
		if claim != test.claim {
			t.Errorf("%s claims %q", test.email, claim)
		}
	}
}

func TestParseEmail(t *testing.T) {
	for _, email := range []string{"a@b", "first.last+tag@example.com", "o'hara@x-y.example", strings.Repeat("a", 64) + "@example.com"} {
		if got, err := ParseEmail(email); err != nil || got != email {
			t.Errorf("%s: %q, %v", email, got, err)
		}
	}
	for _, email := range []string{"", "@", "a", "a@", "@b", "a@b@c", "a b@c", ".a@b", "a.@b", "a..b@c", `"a"@b`, "a@b.", "a@-b", "a@b\n", "ä@b", "a@ö.example",
		"a@[127.0.0.1]", "a@b:25", strings.Repeat("a", 65) + "@b", "<a@b>", "a@b, c@d", "a%\x00@b", "a@" + strings.Repeat("b.", 127) + "b"} {
		if got, err := ParseEmail(email); err == nil {
			t.Errorf("%q was read as %q", email, got)
		} else {
			wantCode(t, err, CodeInvalidEmail)
		}
	}
}

package access

import (
	"fmt"
	"hash/crc32"
	"strings"
	"time"
	"unicode/utf8"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// TokenPrefix begins every bearer token, so that people and secret scanners
// know one when they see it.
const TokenPrefix = "sp_"

// A token's text is
//
//	sp_ ID _ SECRET CHECKSUM
//
// with 12 characters of id, 43 of secret (256 bits) and 6 of CRC-32 over all
// that comes before, everything base62. The checksum tells a mistyped or cut
// token from a revoked one without a look into the database.
const (
	tokenIDText  = 12
	checksumText = 6
	tokenText    = len(TokenPrefix) + tokenIDText + 1 + longText + checksumText
)

// MaxTokenName bounds a token's name, in characters.
const MaxTokenName = 64

// Token is a bearer token as it is stored: everything but the secret.
type Token struct {
	ID           string
	Organization string // id
	Name         string
	Role         Role
	Digest       Digest // of the secret part
	Created      time.Time
	Expires      time.Time // zero: never
	Revoked      time.Time // zero: not
	Suspended    bool      // its organization is suspended
	AsOf         uint64    // for one that was remembered: see [Caller]
}

// Presented is what a well-formed token says of itself. It proves nothing
// until [Token.Check].
type Presented struct {
	ID     string
	Digest Digest
}

// NewToken makes a token, and its text, which is shown once and kept nowhere.
// A lifetime of zero means no expiry.
func NewToken(organization, name string, role Role, maker Role, lifetime time.Duration, now time.Time) (Token, secret.Text, error) {
	var faults []string
	if length := utf8.RuneCountInString(name); length < 1 || length > MaxTokenName || !isClean(name) {
		faults = append(faults, fmt.Sprintf("token name %s is not 1 to %d printable characters", quote(name), MaxTokenName))
	}
	if !role.ForTokens() {
		faults = append(faults, fmt.Sprintf("role %s is none of owner, admin, member and publisher", quote(string(role))))
	}
	if lifetime < 0 {
		faults = append(faults, fmt.Sprintf("the token would have expired %s ago", -lifetime))
	}
	if faults != nil {
		return Token{}, secret.Text{}, &webhook.Error{Code: webhook.CodeBadRequest, Messages: faults}
	}
	if !maker.MayGrant(role) {
		return Token{}, secret.Text{}, webhook.Errorf(webhook.CodeNoPermission,
			fmt.Sprintf("the role %s may not make a token with the role %s", maker, role)).
			WithHint("a token's role is no higher than its maker's, and only owners and admins make tokens")
	}
	id, random := randomText(tokenIDText), randomText(longText)
	token := Token{ID: id, Organization: organization, Name: name, Role: role, Digest: digest(random), Created: now}
	if lifetime > 0 {
		token.Expires = now.Add(lifetime)
	}
	body := TokenPrefix + id + "_" + random
	return token, secret.New(body + checksum(body)), nil
}

// ParseToken reads a presented token. Its error never holds the token's text.
func ParseToken(text string) (Presented, error) {
	fault := func(why string) (Presented, error) {
		return Presented{}, webhook.Errorf(webhook.CodeUnauthorized, why).
			WithHint("copy the whole token as `sealpost token create` printed it, or make a new one")
	}
	rest, found := strings.CutPrefix(text, TokenPrefix)
	switch {
	case !found:
		return fault("the bearer token does not begin with " + TokenPrefix)
	case len(text) != tokenText:
		return fault(fmt.Sprintf("the bearer token has %d characters; a whole one has %d", len(text), tokenText))
	case rest[tokenIDText] != '_' || !isBase62(rest[:tokenIDText], tokenIDText) ||
		!isBase62(rest[tokenIDText+1:], longText+checksumText):
		return fault("the bearer token holds a character that no token has")
	}
	body, sum := text[:tokenText-checksumText], text[tokenText-checksumText:]
	if checksum(body) != sum {
		return fault("the bearer token is mistyped: its checksum does not fit")
	}
	return Presented{ID: rest[:tokenIDText], Digest: digest(rest[tokenIDText+1 : tokenIDText+1+longText])}, nil
}

// Check returns nil when the presented token is this one, and it is live at
// the given time; otherwise a [webhook.Error] with the code unauthorized. It
// says why only to who holds the secret. The zero Token, which is what a store
// gives for an id that it doesn't know, is nobody's.
func (t Token) Check(presented Presented, now time.Time) error {
	switch {
	case t.ID == "" || t.ID != presented.ID || !t.Digest.Equal(presented.Digest):
		return unknownToken()
	case !t.Revoked.IsZero():
		return webhook.Errorf(webhook.CodeUnauthorized, "the bearer token "+t.ID+" is revoked").
			WithHint("make a new one with `sealpost token create`")
	case t.Expired(now):
		return webhook.Errorf(webhook.CodeUnauthorized, "the bearer token "+t.ID+" expired at "+webhook.Timestamp(t.Expires)).
			WithHint("make a new one with `sealpost token create`")
	}
	return nil
}

// Expired reports whether the token's time is over.
func (t Token) Expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// Caller returns who presents the token. While the organization is suspended it is a
// caller without one.
func (t Token) Caller() Caller {
	if t.Suspended {
		return Caller{Token: t.ID, Suspended: true}
	}
	return Caller{Organization: t.Organization, Role: t.Role, Token: t.ID}
}

func unknownToken() error {
	return webhook.Errorf(webhook.CodeUnauthorized, "no such bearer token").
		WithHint("`sealpost token list` shows the tokens of this server; `sealpost token create` makes one")
}

// checksum writes CRC-32 (IEEE) of text as 6 characters of base62, which hold
// more than 32 bits.
func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var out [checksumText]byte
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = base62[sum%uint32(len(base62))]
		sum /= uint32(len(base62))
	}
	return string(out[:])
}

// isClean reports whether s is UTF-8 without control characters.
func isClean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// quote shows an outside value in an error, bounded.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

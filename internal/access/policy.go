package access

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Signup says who may make an organization over the API.
type Signup string

// The ways to sign up. Whoever is invited may sign in and join under both.
const (
	SignupOpen   Signup = "open"   // anyone who signs in
	SignupInvite Signup = "invite" // nobody: organizations are made with `sealpost org create`
)

// Policy is what sign-in goes by; the operator configures it.
type Policy struct {
	Domain  string // host or host:port that messages must name; see [CheckDomain]
	ChainID uint64 // chain that messages must name
	HTTPS   bool   // served over https: a scheme in a message must say so, cookies are Secure
	Signup  Signup

	Reserved string // slug that nobody gets by sign-up: that of the operator's own organization
}

// Leeways for clocks that differ. An expiry gets none: it is a promise of the
// wallet's owner.
const (
	notBeforeLeeway = 10 * time.Second
	issuedLeeway    = NonceLife
)

// CheckDomain returns nil for a domain that sign-in can be configured with: a
// host name or IPv4 address in ASCII, with an optional port.
func CheckDomain(domain string) error {
	host, port, hasPort := strings.Cut(domain, ":")
	if hasPort {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '0' {
			return fmt.Errorf("sign-in domain %s: the port is not 1 to 65535", quote(domain))
		}
	}
	if !isHost(host) {
		return fmt.Errorf("sign-in domain %s is no host or host:port, such as example.com or localhost:3000 (no scheme, no path)", quote(domain))
	}
	return nil
}

// Check compares a message with the policy at a time and returns nil, or an
// [*Error] whose code says what differs: [CodeMismatch], [CodeExpired] or
// [CodeNotYetValid]. The message's URI is not compared, and its scheme only
// over https: behind a proxy neither is what this server sees.
func (p Policy) Check(m *Message, now time.Time) error {
	switch {
	case m.Domain != p.Domain:
		return Fault(CodeMismatch, fmt.Sprintf("the message is for the domain %s, this server is %s", quote(m.Domain), quote(p.Domain)))
	case m.ChainID != p.ChainID:
		return Fault(CodeMismatch, fmt.Sprintf("the message is for chain %d, this server wants %d", m.ChainID, p.ChainID))
	case p.HTTPS && m.Scheme != "" && !strings.EqualFold(m.Scheme, "https"):
		return Fault(CodeMismatch, fmt.Sprintf("the message is for the scheme %s, this server is https", quote(m.Scheme)))
	case !m.ExpirationTime.IsZero() && !now.Before(m.ExpirationTime.Time):
		return Fault(CodeExpired, fmt.Sprintf("at %s; it is %s", m.ExpirationTime, At(now)))
	case !m.NotBefore.IsZero() && now.Add(notBeforeLeeway).Before(m.NotBefore.Time):
		return Fault(CodeNotYetValid, fmt.Sprintf("not before %s; it is %s", m.NotBefore, At(now)))
	case now.Add(issuedLeeway).Before(m.IssuedAt.Time):
		return Fault(CodeNotYetValid, fmt.Sprintf("issued at %s; it is %s", m.IssuedAt, At(now)))
	}
	return nil
}

// isHost: labels of letters, digits and hyphens, separated by dots; at most
// 253 characters.
func isHost(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' || !consistsOf(label, "-", false) {
			return false
		}
	}
	return true
}

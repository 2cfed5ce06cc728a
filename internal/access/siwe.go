package access

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bounds of a sign-in message.
const (
	MaxMessage   = 8192 // bytes
	MaxResources = 32
	minNonce     = 8 // characters, by ERC-4361
	maxNonce     = 250
	maxInstant   = 40
)

// Message is a sign-in message (ERC-4361, version 1) as a wallet signs it.
type Message struct {
	Scheme         string // of the origin; empty when the message names none
	Domain         string // an RFC 3986 authority, as given
	Address        Address
	Statement      string // empty: none
	URI            string
	ChainID        uint64
	Nonce          string
	IssuedAt       Instant
	ExpirationTime Instant  // zero: none
	NotBefore      Instant  // zero: none
	RequestID      *string  // nil: none
	Resources      []string // nil: none; the list may be empty as well
}

// Instant is a time together with the text that a message gives it in.
type Instant struct {
	Time time.Time
	text string
}

// At is the instant of a time, written as JavaScript's toISOString does.
func At(t time.Time) Instant {
	t = t.UTC().Truncate(time.Millisecond)
	return Instant{t, t.Format("2006-01-02T15:04:05.000Z")}
}

// IsZero reports whether there is no such time.
func (i Instant) IsZero() bool { return i.text == "" }

// String returns the text as the message has it.
func (i Instant) String() string { return i.text }

// A SyntaxError says where and why a text is no sign-in message.
type SyntaxError struct {
	Line   int // from 1; 0 for the whole text
	Reason string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	if e.Line == 0 {
		return "not an ERC-4361 message: " + e.Reason
	}
	return fmt.Sprintf("not an ERC-4361 message: line %d: %s", e.Line, e.Reason)
}

const headline = " wants you to sign in with your Ethereum account:"

// String renders the message by the grammar of ERC-4361. Lines end with a line
// feed alone, and the last one with nothing.
func (m *Message) String() string {
	var out strings.Builder
	if m.Scheme != "" {
		out.WriteString(m.Scheme + "://")
	}
	out.WriteString(m.Domain + headline + "\n" + m.Address.String() + "\n\n")
	if m.Statement != "" {
		out.WriteString(m.Statement + "\n")
	}
	out.WriteString("\nURI: " + m.URI + "\nVersion: 1\nChain ID: " + strconv.FormatUint(m.ChainID, 10) +
		"\nNonce: " + m.Nonce + "\nIssued At: " + m.IssuedAt.text)
	if !m.ExpirationTime.IsZero() {
		out.WriteString("\nExpiration Time: " + m.ExpirationTime.text)
	}
	if !m.NotBefore.IsZero() {
		out.WriteString("\nNot Before: " + m.NotBefore.text)
	}
	if m.RequestID != nil {
		out.WriteString("\nRequest ID: " + *m.RequestID)
	}
	if m.Resources != nil {
		out.WriteString("\nResources:")
		for _, resource := range m.Resources {
			out.WriteString("\n- " + resource)
		}
	}
	return out.String()
}

// ParseMessage reads a sign-in message by the grammar of ERC-4361, to the
// letter: what it returns renders to exactly the text that was signed, so that
// nothing in the text can mean one thing to the wallet that showed it and
// another here. The error is a [*SyntaxError].
func ParseMessage(text string) (*Message, error) {
	if len(text) > MaxMessage {
		return nil, &SyntaxError{0, fmt.Sprintf("%d bytes; at most %d are read", len(text), MaxMessage)}
	}
	r := reader{rest: text, more: true}
	m := r.message()
	if r.fault != nil {
		return nil, r.fault
	}
	if m.String() != text {
		return nil, &SyntaxError{0, "it is not in its canonical form"}
	}
	return m, nil
}

// reader walks over the lines of a message. After its first fault it reads on
// but keeps that one.
type reader struct {
	rest  string
	line  int  // number of the line read last
	more  bool // another line follows, even if empty
	fault *SyntaxError
}

func (r *reader) message() *Message {
	m := &Message{}
	m.Scheme, m.Domain = r.origin(r.next())
	address := r.next()
	m.Address = r.address(address)
	r.blank()
	if statement := r.next(); statement != "" {
		m.Statement = r.match("statement", statement, isStatement)
		r.blank()
	}
	m.URI = r.match("URI", r.field("URI"), isURI)
	if version := r.field("Version"); version != "1" {
		r.fail("version %s; only version 1 is known", quote(version))
	}
	m.ChainID = r.chainID(r.field("Chain ID"))
	m.Nonce = r.match("nonce", r.field("Nonce"), isNonce)
	m.IssuedAt = r.instant(r.field("Issued At"))
	if text, found := r.option("Expiration Time: "); found {
		m.ExpirationTime = r.instant(text)
	}
	if text, found := r.option("Not Before: "); found {
		m.NotBefore = r.instant(text)
	}
	if text, found := r.option("Request ID: "); found {
		id := r.match("request id", text, isPchars)
		m.RequestID = &id
	}
	if text, found := r.option("Resources:"); found {
		if text != "" {
			r.fail("text after Resources:")
		}
		m.Resources = r.resources()
	}
	if r.more {
		r.next()
		r.fail("nothing may follow here (fields have a fixed order, each at most once, and no line feed ends the last)")
	}
	return m
}

func (r *reader) resources() []string {
	resources := []string{}
	for {
		text, found := r.option("- ")
		if !found {
			return resources
		}
		if len(resources) == MaxResources {
			r.fail("more than %d resources", MaxResources)
			return resources
		}
		resources = append(resources, r.match("resource", text, isURI))
	}
}

// next takes one line, without its line feed.
func (r *reader) next() string {
	r.line++
	if !r.more {
		r.fail("the message ends too early")
		return ""
	}
	var line string
	line, r.rest, r.more = strings.Cut(r.rest, "\n")
	return line
}

func (r *reader) blank() {
	if line := r.next(); line != "" {
		r.fail("an empty line belongs here")
	}
}

func (r *reader) field(name string) string {
	value, found := strings.CutPrefix(r.next(), name+": ")
	if !found {
		r.fail("%q belongs here", name+": ")
	}
	return value
}

// option takes the next line only if it begins with prefix.
func (r *reader) option(prefix string) (value string, found bool) {
	if !r.more || !strings.HasPrefix(r.rest, prefix) {
		return "", false
	}
	return strings.TrimPrefix(r.next(), prefix), true
}

func (r *reader) match(what, value string, fits func(string) bool) string {
	if !fits(value) {
		r.fail("%s is no valid %s", quote(value), what)
	}
	return value
}

func (r *reader) origin(line string) (scheme, domain string) {
	origin, found := strings.CutSuffix(line, headline)
	if !found {
		r.fail("the first line must end with %q", headline[1:])
		return "", ""
	}
	if before, after, found := strings.Cut(origin, "://"); found {
		return r.match("scheme", before, isScheme), r.match("domain", after, isAuthority)
	}
	return "", r.match("domain", origin, isAuthority)
}

func (r *reader) address(line string) Address {
	address, err := ParseAddress(line)
	switch {
	case err != nil:
		r.fail("%v", err)
	case address.String() != line:
		r.fail("address %s lacks its checksum (EIP-55): %s", quote(line), address)
	}
	return address
}

func (r *reader) chainID(value string) uint64 {
	id, err := strconv.ParseUint(value, 10, 53)
	if err != nil || id == 0 || value[0] == '0' {
		r.fail("chain id %s is not a positive whole number", quote(value))
	}
	return id
}

func (r *reader) instant(value string) Instant {
	if len(value) <= maxInstant && isInstant.MatchString(value) {
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			return Instant{t, value}
		}
	}
	r.fail("%s is no date and time as RFC 3339 writes them", quote(value))
	return Instant{}
}

func (r *reader) fail(format string, args ...any) {
	if r.fault == nil {
		r.fault = &SyntaxError{r.line, fmt.Sprintf(format, args...)}
	}
}

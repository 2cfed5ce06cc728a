package guard

import (
	"fmt"
	"net/netip"
)

// Reason is a stable code for why a URL may not be called.
type Reason string

// The reasons of the contract (part 7).
const (
	URLSyntax      Reason = "url_syntax"
	Scheme         Reason = "scheme"
	Userinfo       Reason = "userinfo"
	Hostname       Reason = "hostname"
	Port           Reason = "port"
	IPLiteral      Reason = "ip_literal"
	IPEncoding     Reason = "ip_encoding"
	Zone           Reason = "zone"
	DNSNone        Reason = "dns_none"
	DNSError       Reason = "dns_error"
	Loopback       Reason = "loopback"
	Private        Reason = "private"
	LinkLocal      Reason = "link_local"
	Metadata       Reason = "metadata"
	CGNAT          Reason = "cgnat"
	ThisNetwork    Reason = "this_network"
	Unspecified    Reason = "unspecified"
	Benchmark      Reason = "benchmark"
	Documentation  Reason = "documentation"
	Multicast      Reason = "multicast"
	Broadcast      Reason = "broadcast"
	Reserved       Reason = "reserved"
	IETFProtocol   Reason = "ietf_protocol"
	SixToFourRelay Reason = "6to4_relay"
	ULA            Reason = "ula"
	SiteLocal      Reason = "site_local"
	NAT64          Reason = "nat64"
	SixToFour      Reason = "6to4"
	Teredo         Reason = "teredo"
	ORCHID         Reason = "orchid"
	SRv6           Reason = "srv6"
	Discard        Reason = "discard"
	IPv4Mapped     Reason = "ipv4_mapped"
	IPv4Compat     Reason = "ipv4_compat"
	IPv4Translated Reason = "ipv4_translated"
	NotGlobal      Reason = "not_global_unicast"
	Rebind         Reason = "rebind"
	Redirect       Reason = "redirect"
)

// messages say what is wrong, for people.
var messages = map[Reason]string{
	URLSyntax:      "this is not a URL",
	Scheme:         "only https is called",
	Userinfo:       "a user name or password in the URL is refused",
	Hostname:       "the host is not a public name",
	Port:           "the port is not one that may be called",
	IPLiteral:      "the host is an IP address; a name is needed",
	IPEncoding:     "the host is a number that some systems read as an IP address",
	Zone:           "the address carries a zone",
	DNSNone:        "the name has no address",
	DNSError:       "the name could not be resolved",
	Loopback:       "the address leads back to this machine",
	Private:        "the address is of a private network",
	LinkLocal:      "the address is link-local",
	Metadata:       "the address is a cloud's metadata service",
	CGNAT:          "the address is of a carrier's shared space",
	ThisNetwork:    "the address means this network",
	Unspecified:    "the address is the unspecified one",
	Benchmark:      "the address is reserved for benchmarks",
	Documentation:  "the address is reserved for documentation",
	Multicast:      "the address is a multicast one",
	Broadcast:      "the address is the broadcast one",
	Reserved:       "the address is reserved",
	IETFProtocol:   "the address is reserved for IETF protocols",
	SixToFourRelay: "the address is a 6to4 relay",
	ULA:            "the address is unique local",
	SiteLocal:      "the address is site-local",
	NAT64:          "the address is translated by NAT64",
	SixToFour:      "the address is a 6to4 one",
	Teredo:         "the address is a Teredo one",
	ORCHID:         "the address is a hash identifier, not a place",
	SRv6:           "the address is a segment identifier",
	Discard:        "the address is a discard-only one",
	IPv4Mapped:     "the address is an IPv4 one dressed as IPv6 (mapped)",
	IPv4Compat:     "the address is an IPv4 one dressed as IPv6 (compatible)",
	IPv4Translated: "the address is an IPv4 one dressed as IPv6 (translated)",
	NotGlobal:      "the address is not global unicast",
	Rebind:         "the name now leads to an address that may not be called",
	Redirect:       "redirects are not followed",
}

// Message says in a few words what the reason means.
func (r Reason) Message() string { return messages[r] }

// Verdict is what the policy says of one URL.
type Verdict struct {
	URL     string
	Allowed bool
	Reason  Reason       // empty when allowed
	Message string       // empty when allowed
	Addrs   []netip.Addr // what the name resolved to, when that was asked, in the order of dialling
	// Unanswered is the question, A or AAAA, that no name server answered while it
	// answered the other one; empty otherwise.
	Unanswered string
}

// RefusedError is a refusal at the time of a call.
type RefusedError struct {
	Reason Reason
	Host   string
	Addr   netip.Addr // the address that was refused; invalid when none was
	Detail string     // more than the reason's message, or empty
	Cause  Reason     // of a [Rebind]: what the address is
}

// Error implements error.
func (e *RefusedError) Error() string {
	message := e.Reason.Message()
	switch {
	case e.Detail != "":
		message = e.Detail
	case e.Reason == Rebind:
		message = fmt.Sprintf("%s now leads to %s: %s", e.Host, e.Addr, e.Cause.Message())
	case e.Addr.IsValid():
		message = fmt.Sprintf("%s: %s", e.Addr, message)
	}
	return "refused by policy: " + message
}

// ReasonCode returns the stable code, for those who don't import this package.
func (e *RefusedError) ReasonCode() string { return string(e.Reason) }

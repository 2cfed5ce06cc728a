package guard

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"
)

// MaxURL bounds a URL, in bytes, as it is given and with all escaped that must be.
const MaxURL = 2048

// destination is a URL as it is judged and dialled: its host in ASCII and
// lower case, without a final dot.
type destination struct {
	https bool
	host  string
	port  uint16
	addr  netip.Addr // when the host is an IP literal
}

// blockedPorts are those that the Fetch standard blocks ("bad port"), since
// other protocols that live there can be made to obey what HTTP sends.
var blockedPorts = func() map[uint16]bool {
	table := make(map[uint16]bool)
	for _, port := range []uint16{
		1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
		115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
		563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
		6668, 6669, 6679, 6697, 10080,
	} {
		table[port] = true
	}
	return table
}()

// names converts and checks international host names (UTS #46, as browsers do,
// STD3 rules on).
var names = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.StrictDomainName(true), idna.ValidateLabels(true), idna.VerifyDNSLength(true))

// read takes a URL apart. What is wrong with its form is a reason; what only
// an exception could make right (scheme, literal, single label) is left to
// judge.
func read(raw string) (d destination, reason Reason) {
	if raw == "" || len(raw) > MaxURL || strings.ContainsFunc(raw, unprintable) || strings.Contains(raw, `\`) {
		return d, URLSyntax
	}
	u, err := url.Parse(raw)
	if err != nil {
		switch {
		case strings.Contains(err.Error(), "invalid port"):
			return d, Port
		case strings.Contains(raw, "%25") || strings.Contains(raw, "[") && strings.Contains(raw, "%"):
			return d, Zone
		default:
			return d, URLSyntax
		}
	}
	if len(u.String()) > MaxURL { // as it is written when it is called, escaped
		return d, URLSyntax
	}
	if u.Scheme == "" || u.Opaque != "" || u.Host == "" && u.Scheme != "https" && u.Scheme != "http" {
		if u.Scheme != "" && u.Scheme != "https" && u.Scheme != "http" {
			return d, Scheme
		}
		return d, URLSyntax
	}
	switch u.Scheme {
	case "https":
		d.https = true
	case "http":
	default:
		return d, Scheme
	}
	if u.User != nil {
		return d, Userinfo
	}
	if d.port, reason = readPort(u, d.https); reason != "" {
		return d, reason
	}
	d.host, d.addr, reason = readHost(u)
	return d, reason
}

func unprintable(r rune) bool { return r <= ' ' || r == 0x7f }

func readPort(u *url.URL, https bool) (uint16, Reason) {
	text := u.Port()
	if text == "" {
		if strings.HasSuffix(u.Host, ":") {
			return 0, Port
		}
		if https {
			return 443, ""
		}
		return 80, ""
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 || blockedPorts[uint16(port)] {
		return 0, Port
	}
	return uint16(port), ""
}

// readHost brings a host into its normal form, or says why it has none.
func readHost(u *url.URL) (host string, addr netip.Addr, reason Reason) {
	host = u.Hostname()
	if host == "" {
		return "", addr, URLSyntax
	}
	if strings.Contains(host, "%") {
		return "", addr, Zone
	}
	if strings.HasPrefix(u.Host, "[") || strings.Contains(host, ":") {
		addr, err := netip.ParseAddr(host)
		if err != nil || !addr.Is6() {
			return "", addr, Hostname
		}
		return addr.String(), addr, ""
	}
	// Full-width and circled digits and dots become ASCII here, before
	// anything is judged by its look.
	ascii, err := names.ToASCII(host)
	if err != nil {
		if numeric(host) {
			return "", addr, IPEncoding
		}
		return "", addr, Hostname
	}
	ascii = strings.TrimSuffix(strings.ToLower(ascii), ".")
	if addr, err := netip.ParseAddr(ascii); err == nil {
		if ascii != strings.TrimSuffix(strings.ToLower(host), ".") {
			return "", addr, IPEncoding
		}
		return ascii, addr, ""
	}
	if numeric(ascii) {
		return "", addr, IPEncoding
	}
	if len(ascii) > 253 || strings.HasSuffix(ascii, ".") {
		return "", addr, Hostname
	}
	return ascii, addr, ""
}

// numeric reports whether the last label is a number in any base, which the
// URL standard ("ends in a number") and C resolvers read as an IPv4 address.
func numeric(host string) bool {
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndexByte(host, '.')+1:])
	if last == "" {
		return false
	}
	if strings.Trim(last, "0123456789") == "" {
		return true
	}
	digits, hex := strings.CutPrefix(last, "0x")
	return hex && strings.Trim(digits, "0123456789abcdef") == ""
}

// internalSuffixes are names that lead somewhere inside a network or a machine
// (RFC 6761, RFC 6762, ICANN's reservation of .internal).
var internalSuffixes = []string{".local", ".internal", ".localhost"}

// publicName reports whether a host name may stand for a public receiver.
func publicName(host string) bool {
	if !strings.Contains(host, ".") || host == "localhost" {
		return false
	}
	for _, suffix := range internalSuffixes {
		if strings.HasSuffix(host, suffix) {
			return false
		}
	}
	return true
}

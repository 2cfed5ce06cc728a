package guard

import (
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"sealpost/internal/webhook"
	"sealpost/internal/wire"
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

// names converts international host names and checks what must be true of any
// (UTS #46, as browsers do: hyphens in places 3 and 4 are fine). The characters of
// the result are checked by [asciiName]: STD3 rules would refuse the underscore.
var names = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.StrictDomainName(false),
	idna.ValidateLabels(true), idna.CheckHyphens(false), idna.VerifyDNSLength(true))

// asciiName brings a host name into the form in which it is judged and looked up:
// ASCII, lower case, without its one final dot. Labels are letters, digits,
// underscores and hyphens, the last not at an edge.
func asciiName(host string) (string, bool) {
	ascii, err := names.ToASCII(host)
	if err != nil {
		return "", false
	}
	ascii = strings.TrimSuffix(strings.ToLower(ascii), ".")
	for label := range strings.SplitSeq(ascii, ".") {
		if label == "" || label[0] == '-' || label[len(label)-1] == '-' || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return "", false
		}
	}
	return ascii, len(ascii) <= 253
}

// read takes a URL apart. What is wrong with its form is a reason; what only
// an exception could make right (scheme, literal, single label) is left to
// judge.
func read(raw string) (d destination, reason Reason) {
	if raw == "" || len(raw) > MaxURL || strings.ContainsFunc(raw, control) || raw != strings.TrimSpace(raw) {
		return d, URLSyntax
	}
	u, err := webhook.ParseURL(raw)
	if err != nil {
		return d, fault(raw, err)
	}
	switch {
	case strings.ContainsAny(authority(raw), " \\"): // some read a backslash as the end of the host
		return d, URLSyntax
	case len(called(u)) > MaxURL:
		return d, URLSyntax
	case u.Scheme == "https":
		d.https = true
	case u.Scheme != "http":
		return d, Scheme
	}
	switch {
	case u.Host == "" && u.User == nil:
		return d, URLSyntax
	case u.User != nil:
		return d, Userinfo
	}
	if d.port, reason = readPort(u, d.https); reason != "" {
		return d, reason
	}
	d.host, d.addr, reason = readHost(u)
	return d, reason
}

// fault says why a text is no URL.
func fault(raw string, err error) Reason {
	at := authority(raw)
	scheme, _, _ := strings.Cut(raw, ":")
	switch {
	case strings.Contains(err.Error(), "invalid port") && !strings.ContainsAny(at, " \\"):
		return Port
	case strings.Contains(at, "%25") || strings.Contains(at, "[") && strings.Contains(at, "%"):
		return Zone
	case at == "" && isScheme(scheme) && !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") && strings.Contains(raw, ":"):
		return Scheme // such as mailto:
	}
	return URLSyntax
}

// isScheme reports whether a text has the form of a scheme (RFC 3986, section 3.1).
func isScheme(text string) bool {
	return text != "" && (text[0]|0x20) >= 'a' && (text[0]|0x20) <= 'z' &&
		strings.Trim(strings.ToLower(text), "abcdefghijklmnopqrstuvwxyz0123456789+-.") == ""
}

// authority is the part of a URL from its scheme to its path.
func authority(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	if end := strings.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return rest
}

// called is a URL as it is judged when it is called: as it goes over the wire.
func called(u *url.URL) string { return u.Scheme + "://" + u.Host + wire.Target(u) }

func control(r rune) bool { return r < ' ' || r == 0x7f }

func readPort(u *url.URL, https bool) (uint16, Reason) {
	text := u.Port()
	if text == "" {
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
	if !utf8.ValidString(host) {
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
	ascii, ok := asciiName(host)
	if !ok {
		if numeric(host) {
			return "", addr, IPEncoding
		}
		return "", addr, Hostname
	}
	if addr, err := netip.ParseAddr(ascii); err == nil {
		if ascii != strings.TrimSuffix(strings.ToLower(host), ".") {
			return "", addr, IPEncoding
		}
		return ascii, addr, ""
	}
	if numeric(ascii) {
		return "", addr, IPEncoding
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

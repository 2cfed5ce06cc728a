package access

import (
	"regexp"
	"strings"
)

// The terminals of ERC-4361's grammar, which are RFC 3986's: ASCII throughout,
// so no carriage return, no control character and no look-alike gets in.

const (
	unreserved = "-._~"           // besides letters and digits
	subDelims  = "!$&'()*+,;="    //
	genDelims  = ":/?#[]@"        //
	pchars     = subDelims + ":@" //
)

// isStatement: reserved, unreserved and space; at least one character.
func isStatement(s string) bool {
	return s != "" && consistsOf(s, unreserved+subDelims+genDelims+" ", false)
}

// isURI: a scheme, a colon, and the characters of a URI.
func isURI(s string) bool {
	scheme, rest, found := strings.Cut(s, ":")
	return found && isScheme(scheme) && consistsOf(rest, unreserved+subDelims+genDelims, true) && strings.Count(rest, "#") <= 1
}

func isScheme(s string) bool {
	return s != "" && isAlpha(s[0]) && consistsOf(s, "+-.", false)
}

// isAuthority: the characters of a host, a port and user information.
func isAuthority(s string) bool {
	return s != "" && consistsOf(s, unreserved+subDelims+":@[]", true)
}

// isPchars: path characters; there may be none.
func isPchars(s string) bool { return consistsOf(s, unreserved+pchars, true) }

func isNonce(s string) bool {
	return len(s) >= minNonce && len(s) <= maxNonce && consistsOf(s, "", false)
}

// isInstant is the form of an RFC 3339 date-time. time.Parse knows which days
// there are, but lets a comma, hours of one digit and any zone pass.
var isInstant = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// consistsOf reports whether s holds only ASCII letters, digits, characters of
// also, and, when asked for, percent-encoded octets.
func consistsOf(s, also string, encoded bool) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isAlphanumeric(c) || strings.IndexByte(also, c) >= 0:
		case c == '%' && encoded && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			i += 2
		default:
			return false
		}
	}
	return true
}

func isHex(c byte) bool { return isDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

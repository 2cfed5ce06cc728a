package webhook

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
)

// MaxEventID bounds an event id, in characters.
const MaxEventID = 200

// ValidName reports whether s may name a webhook: ^[a-z0-9-]{1,64}$.
func ValidName(s string) bool {
	if len(s) < 1 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLower(c) && !isDigit(c) && c != '-' {
			return false
		}
	}
	return true
}

// ValidWord reports whether s may be a resource or an action:
// ^[a-z][a-z0-9_]{0,63}$.
func ValidWord(s string) bool {
	if len(s) < 1 || len(s) > 64 || !isLower(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !isLower(c) && !isDigit(c) && c != '_' {
			return false
		}
	}
	return true
}

// ValidType reports whether s is an event type, resource.action.
func ValidType(s string) bool {
	resource, action, found := strings.Cut(s, ".")
	return found && ValidWord(resource) && ValidWord(action)
}

// ValidPattern reports whether s may limit what a webhook receives: *,
// resource.* or resource.action.
func ValidPattern(s string) bool {
	if s == "*" {
		return true
	}
	resource, action, found := strings.Cut(s, ".")
	return found && ValidWord(resource) && (action == "*" || ValidWord(action))
}

// ValidEventID reports whether s may be an event id: 1 to [MaxEventID]
// characters of printable ASCII, with no dot (it separates the parts of the
// signed content) and no space.
func ValidEventID(s string) bool {
	if len(s) < 1 || len(s) > MaxEventID {
		return false
	}
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '.' {
			return false
		}
	}
	return true
}

// crockford is Crockford's base 32 in lower case: no i, l, o or u.
var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewEventID makes an event id: evt_ and 26 characters, 48 bits of the time in
// milliseconds followed by 80 random bits (the layout of a ULID), so that ids
// made later sort later.
func NewEventID(now time.Time) string {
	return "evt_" + NewID(now)
}

// NewID makes the 26 sortable characters of [NewEventID] without a prefix.
func NewID(now time.Time) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], uint64(now.UnixMilli())<<16)
	rand.Read(raw[6:]) // never returns an error
	return crockford.EncodeToString(raw[:])
}

// blanks are letters and marks without a picture, which Unicode counts among the
// visible: the combining grapheme joiner and the fillers of Hangul.
var blanks = []rune{0x034f, 0x115f, 0x1160, 0x3164, 0xffa0}

// Unseen says which character of a name can't be seen, or turns the text around it: a
// control, a zero-width or a bidirectional one. With it a name looks like another. It
// is empty when there is none.
func Unseen(what, name string) string {
	for _, r := range name {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) || slices.Contains(blanks, r) {
			return fmt.Sprintf("%s %s has the character U+%04X, which can't be seen", what, quote(strings.ReplaceAll(name, string(r), fmt.Sprintf("<U+%04X>", r))), r)
		}
	}
	return ""
}

// CheckUnseen refuses a name in which [Unseen] finds something.
func CheckUnseen(what, name string) error {
	if fault := Unseen(what, name); fault != "" {
		return Errorf(CodeInvalidName, fault).WithHint("type it anew: what was copied may hold more than it shows")
	}
	return nil
}

// nameFault is the error for a webhook name that may not be.
func nameFault(name string) *Error {
	hint := "use lower-case letters, digits and hyphens, for instance orders-2"
	if fault := Unseen("name", name); fault != "" {
		return Errorf(CodeInvalidName, fault).WithHint(hint)
	}
	return Errorf(CodeInvalidName, fmt.Sprintf("name %s does not match ^[a-z0-9-]{1,64}$", quote(name))).WithHint(hint)
}

// CheckName returns nil for a valid webhook name and an [Error] otherwise.
func CheckName(name string) error {
	if ValidName(name) {
		return nil
	}
	return nameFault(name)
}

// quote shows an outside value in an error, bounded.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return fmt.Sprintf("%q…", s[:most])
	}
	return fmt.Sprintf("%q", s)
}

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }
func isDigit(c byte) bool { return c >= '0' && c <= '9' }

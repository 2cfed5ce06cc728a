package receipts

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// keys finds what of a node's URL may be a key in what the node says: nodes,
// and the proxies before them, like to repeat what they refuse.
type keys struct{ pattern *regexp.Regexp }

// shortest is how long something must be to be taken for a key. What is
// shorter, a version or the name of a chain, stands in every other sentence.
const shortest = 6

// newKeys takes a URL apart. Each part is looked for in every [spelling], and
// the user's name and password also as the header that they are sent in.
func newKeys(u *url.URL) keys {
	path, query := u.EscapedPath(), u.RawQuery
	parts := append([]string{strings.Trim(path, "/"), query}, strings.Split(path, "/")...)
	for _, pair := range append(strings.Split(query, "&"), parts...) {
		name, value, _ := strings.Cut(pair, "=")
		parts = append(parts, name, value)
	}
	parts = append(parts, strings.FieldsFunc(path+"/"+query, func(r rune) bool { return strings.ContainsRune("/&=;", r) })...)
	texts := map[string]bool{}
	for _, part := range parts {
		for _, decode := range []func(string) (string, error){url.PathUnescape, url.QueryUnescape} {
			text, err := decode(part)
			if err != nil {
				text = part
			}
			texts[text] = true
		}
	}
	if u.User != nil {
		password, _ := u.User.Password()
		pair := u.User.Username() + ":" + password
		for _, text := range []string{u.User.Username(), password, pair, base64.RawStdEncoding.EncodeToString([]byte(pair)), base64.RawURLEncoding.EncodeToString([]byte(pair))} {
			texts[text] = true
		}
	}
	var found []string
	for text := range texts {
		if len(text) >= shortest {
			found = append(found, text)
		}
	}
	if found == nil {
		return keys{}
	}
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) }) // the whole, not its first half
	for i := range found {
		found[i] = spelling(found[i])
	}
	return keys{regexp.MustCompile("(?i)" + strings.Join(found, "|"))}
}

// spelling is a pattern for a text with any of its characters percent-encoded,
// or quoted as %q and JSON do, once or more often.
func spelling(text string) string {
	var pattern strings.Builder
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		encoded := ""
		for _, b := range []byte(text[:size]) {
			encoded += fmt.Sprintf("%%(?:25)*%02x", b)
		}
		quoted := strconv.QuoteRune(r)
		quoted = strings.TrimPrefix(quoted[1:len(quoted)-1], `\`)
		ways := []string{regexp.QuoteMeta(string(r)), regexp.QuoteMeta(quoted), fmt.Sprintf("u%04x", r), encoded} // r of what is no character is what JSON makes of it
		if r == ' ' {
			ways = append(ways, `\+`)
		}
		pattern.WriteString(`\\*(?:` + strings.Join(slices.Compact(ways), "|") + ")")
		text = text[size:]
	}
	return pattern.String()
}

const (
	most   = 400      // bytes that a node's words may take up in the log
	window = 64 << 10 // bytes in which a key that begins there has its end, however it is spelt
)

// hide takes them out of a text and then bounds it. The other way round, a key
// that stands across the bound would be shown in part. It looks no further than
// it shows: a node may say 8 MiB.
func (k keys) hide(text string) string {
	if k.pattern == nil {
		return cut(text)
	}
	var shown strings.Builder
	for shown.Len() <= most {
		near := text[:min(len(text), window)]
		at := k.pattern.FindStringIndex(near)
		if at == nil || at[0] > most {
			shown.WriteString(near[:min(len(near), most+1)])
			break
		}
		shown.WriteString(near[:at[0]] + "…")
		text = text[at[1]:]
	}
	return cut(shown.String())
}

// cut bounds a text.
func cut(text string) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

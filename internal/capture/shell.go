package capture

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// readCurl reads a request that a browser or tool copied as cURL, for bash or cmd.
func readCurl(text string) (Request, error) {
	shape := "a request copied as cURL for bash"
	var words []string
	if strings.Contains(text, "^\n") || strings.Contains(text, "^\r\n") || strings.Contains(text, `^"`) {
		shape = "a request copied as cURL for cmd"
		words = cmdWords(text)
	} else {
		words = bashWords(strings.TrimPrefix(text, "$ "))
	}
	r := Request{Shape: shape}
	var bodies []string
	for i := 1; i < len(words); i++ {
		option, value, joined := strings.Cut(words[i], "=")
		if !strings.HasPrefix(option, "--") {
			option, value, joined = words[i], "", false
			if strings.HasPrefix(option, "-H") && len(option) > 2 || strings.HasPrefix(option, "-d") && len(option) > 2 && option != "-dump" {
				option, value, joined = option[:2], option[2:], true
			}
		}
		next := func() string {
			if joined {
				return value
			}
			if i+1 < len(words) {
				i++
				return words[i]
			}
			return ""
		}
		switch option {
		case "-H", "--header":
			if name, value, found := strings.Cut(next(), ":"); found {
				r.add(name, strings.TrimSpace(value))
			}
		case "-d", "--data", "--data-ascii", "--data-binary", "--json":
			body := next()
			if file, found := strings.CutPrefix(body, "@"); found {
				r.Notes = append(r.Notes, "the body stands in the file "+bounded(file)+": give it with --body @"+bounded(file))
				continue
			}
			bodies = append(bodies, body)
		case "--data-raw":
			bodies = append(bodies, next())
		case "--data-urlencode", "-F", "--form":
			next()
			r.Notes = append(r.Notes, "curl writes the body of "+option+" itself: give the body with --body")
		}
	}
	if len(r.Headers) == 0 {
		return Request{}, &Error{shape, "it has no -H", "copy the request with its headers"}
	}
	if len(bodies) > 0 {
		r.Body, r.HasBody = []byte(strings.Join(bodies, "&")), true
	}
	return r, nil
}

// bashWords splits a command as bash does, without expanding anything.
func bashWords(text string) (words []string) {
	var word []byte
	open := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '$' && i+1 < len(text) && text[i+1] == '\'':
			inner, size := ansiQuoted(text[i+2:])
			word, open = append(word, inner...), true
			i += size + 1
		case c == '\'':
			end := strings.IndexByte(text[i+1:], '\'')
			if end < 0 {
				end = len(text) - i - 1
			}
			word, open = append(word, text[i+1:i+1+end]...), true
			i += end + 1
		case c == '"':
			open = true
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' && i+1 < len(text) && strings.IndexByte("\"\\$`\n", text[i+1]) >= 0 {
					i++
					if text[i] == '\n' {
						continue
					}
				}
				word = append(word, text[i])
			}
		case c == '\\' && i+1 < len(text):
			i++
			if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
				i++
			} else if text[i] != '\n' {
				word, open = append(word, text[i]), true
			}
		case strings.IndexByte(" \t\r\n", c) >= 0:
			if open {
				words, word, open = append(words, string(word)), nil, false
			}
		default:
			word, open = append(word, c), true
		}
	}
	if open {
		words = append(words, string(word))
	}
	return words
}

// ansiQuoted reads what stands in $'…', and returns how many bytes it took.
func ansiQuoted(text string) (out []byte, size int) {
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\'':
			return out, i + 1
		case c == '\\' && i+1 < len(text):
			i++
			digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[text[i]]
			if digits > 0 {
				end := i + 1
				for end < len(text) && end <= i+digits && strings.IndexByte("0123456789abcdefABCDEF", text[end]) >= 0 {
					end++
				}
				if v, err := strconv.ParseUint(text[i+1:end], 16, 32); err == nil {
					if text[i] == 'x' {
						out = append(out, byte(v))
					} else {
						out = append(out, string(rune(v))...)
					}
					i = end - 1
					continue
				}
			}
			if at := strings.IndexByte("ntrabfve", text[i]); at >= 0 {
				out = append(out, "\n\t\r\a\b\f\v\x1b"[at])
			} else {
				out = append(out, text[i])
			}
		default:
			out = append(out, c)
		}
	}
	return out, len(text)
}

// cmdWords takes the carets of cmd away and splits as programs on Windows do.
func cmdWords(text string) (words []string) {
	var plain []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '^' && i+1 < len(text) {
			i++
			if text[i] == '\r' && i+1 < len(text) && text[i+1] == '\n' {
				i++
			}
			if text[i] == '\n' {
				if i+1 < len(text) && (text[i+1] == '\n' || text[i+1] == '\r') { // a line break that is meant
					plain = append(plain, '\n')
					i++
				} else {
					plain = append(plain, ' ')
				}
				continue
			}
		}
		plain = append(plain, text[i])
	}
	var word []byte
	open, quoted := false, false
	for i := 0; i < len(plain); i++ {
		switch c := plain[i]; {
		case c == '\\':
			n := 1
			for i+n < len(plain) && plain[i+n] == '\\' {
				n++
			}
			open = true
			i += n - 1
			if i+1 < len(plain) && plain[i+1] == '"' { // 2n backslashes before a quote are n, one more takes the quote
				word = append(word, plain[i-n+1:i-n+1+n/2]...)
				if n%2 == 1 {
					word = append(word, '"')
					i++
				}
				continue
			}
			word = append(word, plain[i-n+1:i+1]...)
		case c == '"' && quoted && i+1 < len(plain) && plain[i+1] == '"':
			i++
			word = append(word, '"')
		case c == '"':
			quoted, open = !quoted, true
		case !quoted && strings.IndexByte(" \t\r\n", c) >= 0:
			if open {
				words, word, open = append(words, string(word)), nil, false
			}
		default:
			word, open = append(word, c), true
		}
	}
	if open {
		words = append(words, string(word))
	}
	return words
}

var (
	psPair = regexp.MustCompile(`(?m)^\s*(?:"((?:[^"` + "`" + `]|` + "`" + `.|"")*)"|'((?:[^']|'')*)'|([A-Za-z][\w-]*))\s*=\s*(?:"((?:[^"` + "`" + `]|` + "`" + `.|"")*)"|'((?:[^']|'')*)')\s*;?`)
	psBody = regexp.MustCompile(`(?s)-Body\s+(?:\(\[System\.Text\.Encoding\]::UTF8\.GetBytes\()?(?:"((?:[^"` + "`" + `]|` + "`" + `.|"")*)"|'((?:[^']|'')*)')`)
)

// readPowerShell reads a request that a browser copied as PowerShell.
func readPowerShell(text string) (Request, error) {
	r := Request{Shape: "a request copied as PowerShell"}
	if _, table, found := strings.Cut(text, "-Headers"); found {
		_, table, _ = strings.Cut(table, "@{")
		for _, m := range psPair.FindAllStringSubmatch(strings.ReplaceAll(table, ";", "\n"), -1) {
			r.add(psText(m[1])+psSingle(m[2])+m[3], psText(m[4])+psSingle(m[5]))
		}
	}
	if len(r.Headers) == 0 {
		return Request{}, &Error{r.Shape, "it has no -Headers @{…}", "copy the request with its headers"}
	}
	if m := psBody.FindStringSubmatch(text); m != nil {
		r.Body, r.HasBody = []byte(psText(m[1])+psSingle(m[2])), true
	}
	return r, nil
}

func psSingle(text string) string { return strings.ReplaceAll(text, "''", "'") }

// psText resolves what PowerShell escapes in double quotes.
func psText(text string) string {
	var out []byte
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '"' && i+1 < len(text) && text[i+1] == '"':
			i++
		case text[i] == '`' && i+1 < len(text):
			i++
			if at := strings.IndexByte("nrt0", text[i]); at >= 0 {
				out = append(out, "\n\r\t\x00"[at])
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}

// readFetch reads a request that a browser copied as fetch: its second argument is JSON.
func readFetch(text []byte) (Request, error) {
	const shape = "a request copied as fetch"
	from := bytes.IndexByte(text, '{')
	to := bytes.LastIndexByte(text, '}')
	if from < 0 || to < from || !json.Valid(text[from:to+1]) {
		return Request{}, &Error{shape, "its options are no JSON", "copy it again as cURL"}
	}
	r, err := readJSON(text[from : to+1])
	r.Shape = shape
	return r, err
}

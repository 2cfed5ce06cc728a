package catalog

import (
	"unicode"
	"unicode/utf8"
)

// trim takes white space off both ends of a text, as String.prototype.trim
// does (ECMA-262, 22.1.3.32), and U+0085 besides. It works on the canonical
// JSON of the text, so that a lone surrogate stays what it was. Other values
// come back as they are.
func trim(canonical []byte) []byte {
	if canonical[0] != '"' {
		return canonical
	}
	inner := canonical[1 : len(canonical)-1]
	first, end := len(inner), 0
	for i := 0; i < len(inner); {
		size, space := unit(inner[i:])
		if !space {
			first = min(first, i)
			end = i + size
		}
		i += size
	}
	out := []byte{'"'}
	if end > 0 {
		out = append(out, inner[first:end]...)
	}
	return append(out, '"')
}

// unit measures the first character of a text's inside, an escape being one,
// and says whether it is white space.
func unit(inner []byte) (size int, space bool) {
	if inner[0] != '\\' {
		r, size := utf8.DecodeRune(inner)
		return size, unicode.IsSpace(r) || r == '\ufeff'
	}
	switch inner[1] {
	case 't', 'n', 'f', 'r':
		return 2, true
	case 'u':
		return 6, string(inner[2:6]) == "000b"
	}
	return 2, false
}

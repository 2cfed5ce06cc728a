package signature

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"strconv"
	"strings"
	"unicode/utf8"
)

func quoteJSON(b []byte) []byte {
	inner := innerJSON(b)
	if inner == nil {
		return nil
	}
	return join([]byte(`"`), inner, []byte(`"`))
}

func innerJSON(b []byte) []byte {
	if !utf8.Valid(b) {
		return nil
	}
	w := writer{style: style{escapes: escapesMinimal}}
	for _, r := range string(b) {
		w.rune(r)
	}
	return w.out
}

func unquoteJSON(b []byte) []byte {
	if root := parseJSON(bytes.TrimSpace(b)); root != nil && root.kind == '"' {
		return []byte(decoded(root.text))
	}
	return nil
}

func fromInnerJSON(b []byte) []byte {
	if !bytes.Contains(b, []byte(`\"`)) {
		return nil
	}
	return unquoteJSON(join([]byte(`"`), b, []byte(`"`)))
}

// pythonBytes is repr of bytes: double quotes when only single ones stand in it.
func pythonBytes(b []byte) []byte {
	return join([]byte("b"), pythonQuoted(b, func(out []byte, rest []byte) ([]byte, int) {
		return fmt.Appendf(out, `\x%02x`, rest[0]), 1
	}))
}

// pythonString is repr of a string.
func pythonString(b []byte) []byte {
	if !utf8.Valid(b) {
		return nil
	}
	return pythonQuoted(b, func(out []byte, rest []byte) ([]byte, int) {
		r, size := utf8.DecodeRune(rest)
		if size == 1 || !strconv.IsPrint(r) {
			return fmt.Appendf(out, `\x%02x`, r), size
		}
		return append(out, rest[:size]...), size
	})
}

func pythonQuoted(b []byte, odd func(out, rest []byte) ([]byte, int)) []byte {
	quote := byte('\'')
	if bytes.ContainsRune(b, '\'') && !bytes.ContainsRune(b, '"') {
		quote = '"'
	}
	out := []byte{quote}
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c == quote || c == '\\':
			out = append(out, '\\', c)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < ' ' || c >= 0x7f:
			var size int
			out, size = odd(out, b[i:])
			i += size
			continue
		default:
			out = append(out, c)
		}
		i++
	}
	return append(out, quote)
}

func fromPythonBytes(b []byte) []byte {
	text := bytes.TrimSpace(b)
	if len(text) < 3 || text[0] != 'b' && text[0] != 'B' {
		return nil
	}
	return fromQuotes(text[1:])
}

// fromQuotes takes '…' or "…" apart, with the escapes that most languages share.
func fromQuotes(b []byte) []byte {
	text := bytes.TrimSpace(b)
	if len(text) < 2 || text[0] != '\'' && text[0] != '"' || text[len(text)-1] != text[0] {
		return nil
	}
	return interpret(text[1:len(text)-1], true)
}

// interpret resolves backslash escapes. An escape that is unknown stays as it is;
// quotes are resolved when asked for.
func interpret(b []byte, quotes bool) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' || i+1 == len(b) {
			out = append(out, b[i])
			continue
		}
		i++
		switch c := b[i]; c {
		case 'n', 't', 'r', 'a', 'b', 'f', 'v':
			out = append(out, "\n\t\r\a\b\f\v"[strings.IndexByte("ntrabfv", c)])
		case '\\':
			out = append(out, c)
		case '"', '\'', '`', '/':
			if !quotes {
				out = append(out, '\\')
			}
			out = append(out, c)
		case 'x':
			if v, err := strconv.ParseUint(string(b[min(i+1, len(b)):min(i+3, len(b))]), 16, 8); err == nil {
				out = append(out, byte(v))
				i += 2
				continue
			}
			out = append(out, '\\', c)
		default:
			out = append(out, '\\', c)
		}
	}
	return out
}

func bufferJSON(b []byte) []byte {
	return join([]byte(`{"type":"Buffer","data":`), byteList(",")(b), []byte("}"))
}

func fromBufferJSON(b []byte) []byte {
	var buffer struct {
		Type string `json:"type"`
		Data []int  `json:"data"`
	}
	if !bytes.Contains(b, []byte(`"Buffer"`)) || json.Unmarshal(bytes.TrimSpace(b), &buffer) != nil || buffer.Type != "Buffer" {
		return nil
	}
	return bytesOf(buffer.Data)
}

func bytesOf(values []int) []byte {
	out := make([]byte, 0, len(values))
	for _, v := range values {
		if v < -128 || v > 255 {
			return nil
		}
		out = append(out, byte(v))
	}
	return out
}

func byteList(separator string) func([]byte) []byte {
	return func(b []byte) []byte {
		out := make([]byte, 0, 4*len(b)+2)
		out = append(out, '[')
		for i, c := range b {
			if i > 0 {
				out = append(out, separator...)
			}
			out = strconv.AppendUint(out, uint64(c), 10)
		}
		return append(out, ']')
	}
}

func fromByteList(b []byte) []byte {
	text := strings.Trim(string(bytes.TrimSpace(b)), "[]")
	fields := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(fields) < 2 {
		return nil
	}
	values := make([]int, 0, len(fields))
	for _, f := range fields {
		v, err := strconv.Atoi(f)
		if err != nil {
			return nil
		}
		values = append(values, v)
	}
	return bytesOf(values)
}

// bufferText is what util.inspect writes: 50 bytes at most.
func bufferText(b []byte) []byte {
	const most = 50
	var out strings.Builder
	out.WriteString("<Buffer")
	for _, c := range b[:min(len(b), most)] {
		fmt.Fprintf(&out, " %02x", c)
	}
	if more := len(b) - most; more > 0 {
		fmt.Fprintf(&out, " ... %d more byte", more)
		if more > 1 {
			out.WriteByte('s')
		}
	}
	out.WriteByte('>')
	return []byte(out.String())
}

var slashes = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func addSlashes(b []byte) []byte { return []byte(slashes.Replace(string(b))) }

func stripSlashes(b []byte) []byte {
	if !bytes.Contains(b, []byte(`\"`)) && !bytes.Contains(b, []byte(`\'`)) {
		return nil
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == '\\' && i+1 < len(b) {
			i++
		}
		out = append(out, b[i])
	}
	return out
}

func dropBackslashes(b []byte) []byte {
	if !bytes.ContainsRune(b, '\\') {
		return nil
	}
	return bytes.ReplaceAll(b, []byte(`\`), nil)
}

func nginxLog(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/2)
	for _, c := range b {
		if c == '"' || c == '\\' || c < ' ' || c >= 0x7f {
			out = fmt.Appendf(out, `\x%02X`, c)
		} else {
			out = append(out, c)
		}
	}
	return out
}

func fromHexEscapes(b []byte) []byte {
	if !bytes.Contains(b, []byte(`\x`)) {
		return nil
	}
	return interpret(b, true)
}

func echoEscapes(b []byte) []byte {
	if !bytes.ContainsRune(b, '\\') {
		return nil
	}
	return interpret(b, false)
}

func printfFormat(b []byte) []byte {
	if !bytes.ContainsAny(b, `\%`) {
		return nil
	}
	return bytes.ReplaceAll(interpret(b, true), []byte("%%"), []byte("%"))
}

func dropQuotes(b []byte) []byte {
	if !bytes.ContainsRune(b, '"') {
		return nil
	}
	return bytes.ReplaceAll(b, []byte(`"`), nil)
}

func csvField(b []byte) []byte {
	return join([]byte(`"`), bytes.ReplaceAll(b, []byte(`"`), []byte(`""`)), []byte(`"`))
}

// fromCSV takes the longest field of a line of CSV.
func fromCSV(b []byte) []byte {
	if !bytes.Contains(b, []byte(`""`)) {
		return nil
	}
	record, err := csv.NewReader(bytes.NewReader(b)).Read()
	if err != nil {
		return nil
	}
	longest := ""
	for _, field := range record {
		if len(field) > len(longest) {
			longest = field
		}
	}
	return []byte(longest)
}

// zip compresses as Go's gzip does without a name and a time (RFC 1952). Other
// libraries find other matches: what they write can't be recomputed here.
func zip(data []byte, level int) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		return nil
	}
	_, _ = w.Write(data) // to memory
	_ = w.Close()
	return out.Bytes()
}

// unzip decompresses gzip, zlib or deflate data, at most maxForm bytes of it.
func unzip(data []byte) []byte {
	var source io.Reader
	switch {
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		source = r
	case len(data) > 6 && data[0]&0x0f == 8 && (int(data[0])<<8|int(data[1]))%31 == 0:
		source = flate.NewReader(bytes.NewReader(data[2:])) // RFC 1950: two bytes, then deflate
	case len(data) > 2 && !utf8.Valid(data):
		source = flate.NewReader(bytes.NewReader(data))
	default:
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(source, maxForm+1))
	if err != nil || len(out) > maxForm || len(out) == 0 {
		return nil
	}
	return out
}

func chunk(b []byte) []byte {
	return join(fmt.Appendf(nil, "%x\r\n", len(b)), b, []byte("\r\n0\r\n\r\n"))
}

// Unchunk takes a body out of the chunks of HTTP/1.1 (RFC 9112, 7.1). It returns
// nil for what is not in chunks to the end.
func Unchunk(b []byte) []byte {
	out := []byte{}
	for {
		line, rest, found := bytes.Cut(b, lf)
		if !found {
			return nil
		}
		digits, _, _ := strings.Cut(strings.TrimSpace(string(line)), ";")
		size, err := strconv.ParseUint(strings.TrimSpace(digits), 16, 31)
		if err != nil {
			return nil
		}
		if size == 0 {
			if len(out) == 0 {
				return nil
			}
			return out
		}
		if uint64(len(rest)) < size {
			return nil
		}
		out = append(out, rest[:size]...)
		b = bytes.TrimPrefix(bytes.TrimPrefix(rest[size:], []byte("\r")), lf)
	}
}

// fromMultipart returns the content of the longest part.
func fromMultipart(b []byte) []byte {
	first, _, found := bytes.Cut(b, lf)
	if !found || !bytes.HasPrefix(first, []byte("--")) || len(first) > 200 {
		return nil
	}
	if !bytes.Contains(b, crlf) {
		b = bytes.ReplaceAll(b, lf, crlf)
	}
	r := multipart.NewReader(bytes.NewReader(b), strings.TrimSpace(string(first[2:])))
	var longest []byte
	for range 32 {
		part, err := r.NextRawPart()
		if err != nil {
			break
		}
		content, err := io.ReadAll(io.LimitReader(part, maxForm))
		if err == nil && len(content) > len(longest) {
			longest = content
		}
	}
	return longest
}

// fromRequest cuts the head of an HTTP message off.
func fromRequest(b []byte) []byte {
	first, _, _ := bytes.Cut(b, lf)
	if !bytes.Contains(first, []byte("HTTP/")) {
		return nil
	}
	if _, body, found := bytes.Cut(b, []byte("\r\n\r\n")); found {
		return body
	}
	_, body, _ := bytes.Cut(b, []byte("\n\n"))
	return body
}

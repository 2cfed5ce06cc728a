package signature

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"html"
	"net/url"
	"strings"
)

// change is something that programs do to a body on its way. The table knows both
// directions: forward is what the program does; backward is the body that it was
// done to, where the result tells that. Each returns nil when it does not apply.
type change struct {
	code     string // the cause when forward(given) was signed
	back     string // the cause when the given body is forward(signed)
	what     string // what was signed, compared with the given body: "over …"
	whatBack string
	who      string // who does so, a clause for people
	fix      string // the line that mends it; "" is the code's own
	likely   bool   // common enough to be tried together with another fault
	forward  func([]byte) []byte
	backward func([]byte) []byte
}

var (
	bom  = []byte("\xef\xbb\xbf")
	crlf = []byte("\r\n")
	lf   = []byte("\n")
)

const (
	whoNewline = "echo, here-documents, jq and most editors end their output with a line break"
	fixNewline = "write the body with printf %s (or echo -n) and send it with curl --data-binary @FILE; in code hash the bytes as they came in"
	fixShell   = "keep the body in a file: curl --data-binary @body.json sends it, and @body.json gives it to sealpost; the shell changes what passes through it as words"
	fixUTF16   = "Windows PowerShell writes UTF-16 with > and Out-File: use Set-Content -Encoding utf8NoBOM, [IO.File]::WriteAllBytes or curl.exe -o FILE"
	fixBytes   = "never turn the body into text before hashing: take the bytes (Buffer, bytes, byte[]) and hash those"
	fixLogs    = "take the body from the receiver, not from its log: a log escapes what it writes"
	fixForm    = "send the JSON as the body with Content-Type: application/json, not as a form field"
	fixGateway = "decode the body when isBase64Encoded is true, and hash the decoded bytes"
	fixHTML    = "take the body from the request, not from a page or template: those escape for HTML"
	fixWire    = "hash the body after HTTP has been taken off (chunks, parts, compression), as the server hands it over"
	fixWeb     = "sign and verify the body as it is, before it is compressed or after it is decompressed"
)

// lineChanges differ in line breaks, blanks and marks. They cost nothing and are
// the most common of all.
var lineChanges = []change{
	{CodeBodyPlusNewline, CodeBodyMinusNewline, "over the body with one line break (LF) more at its end", "over the body without the line break (LF) at its end", whoNewline, fixNewline, true,
		func(b []byte) []byte { return join(b, lf) }, func(b []byte) []byte { return cutSuffix(b, lf) }},
	{CodeBodyPlusNewline, CodeBodyMinusNewline, "over the body with one line break (CRLF) more at its end", "over the body without the line break (CRLF) at its end",
		"Windows editors and PowerShell's Out-File end a text with CRLF", fixNewline, true,
		func(b []byte) []byte { return join(b, crlf) }, func(b []byte) []byte { return cutSuffix(b, crlf) }},
	{"", CodeBodyTrimmed, "", "over the body without the blanks at its end", "editors, textareas and log viewers add blanks", "", true,
		nil, func(b []byte) []byte { return bytes.TrimRight(b, " \t\r\n") }},
	{"", CodeBodyTrimmed, "", "over the body without the blanks around it", "editors, textareas and log viewers add blanks", "", false,
		nil, bytes.TrimSpace},
	{CodeBodyLF, CodeBodyCRLF, "over the body with LF for each CRLF", "over the body with CRLF for each LF that had no CR", "dos2unix, git and text modes turn CRLF into LF", "open files in binary mode and set core.autocrlf to false for recorded bodies", true,
		toLF, func(b []byte) []byte { return bytes.ReplaceAll(toLF(b), lf, crlf) }},
	{CodeBodyCRLF, "", "over the body with CRLF for each LF, even behind a CR", "", "text mode on Windows turns each LF into CRLF", "open files in binary mode and set core.autocrlf to false for recorded bodies", false,
		func(b []byte) []byte { return bytes.ReplaceAll(b, lf, crlf) }, nil},
	{CodeBodyPlusBOM, CodeBodyMinusBOM, "over the body with a byte order mark in front", "over the body without its byte order mark", "Windows editors and .NET's Encoding.UTF8 put a byte order mark in front", "write UTF-8 without a mark: new UTF8Encoding(false)", true,
		func(b []byte) []byte { return join(bom, b) }, func(b []byte) []byte { return cutPrefix(b, bom) }},
	{CodeBodyTrimmed, "", "over the body without its line breaks", "", "curl -d @FILE leaves line breaks out", "use curl --data-binary @FILE", false,
		func(b []byte) []byte { return bytes.ReplaceAll(bytes.ReplaceAll(b, []byte("\r"), nil), lf, nil) }, nil},
	{CodeBodyTrimmed, "", "over the body with one blank for each run of blanks and line breaks", "", "a shell does that to $BODY without quotes around it", `write "$BODY" with quotes; ` + fixShell, false,
		func(b []byte) []byte { return bytes.Join(bytes.Fields(b), []byte(" ")) }, nil},
	{CodeBodyPadded, CodeBodyPadded, "over the body with a zero byte at its end", "over the body without the zero bytes at its end", "C strings and buffers of a fixed size carry zero bytes", "hash as many bytes as Content-Length says", false,
		func(b []byte) []byte { return join(b, []byte{0}) }, func(b []byte) []byte { return bytes.TrimRight(b, "\x00") }},
}

// charsetChanges differ in how characters became bytes.
var charsetChanges = []change{
	{CodeBodyUTF16, CodeBodyUTF16, "over the body as UTF-16", "over the body as UTF-8", "Windows PowerShell's > and Out-File write UTF-16", fixUTF16, true, utf16LE(true), fromUTF16},
	{CodeBodyUTF16, "", "over the body as UTF-16 without a byte order mark", "", ".NET's Encoding.Unicode and Java's UTF_16LE do that", fixBytes, false, utf16LE(false), nil},
	{CodeBodyUTF16, "", "over the body as UTF-16 in big-endian order", "", "Java's UTF_16 does that", fixBytes, false, utf16BE, nil},
	{CodeBodyCharset, CodeBodyCharset, "over the body read as ISO 8859-1 and written as UTF-8", "over the body that was read as ISO 8859-1 and written as UTF-8", "a program took UTF-8 for ISO 8859-1", fixBytes, true, latin1.misread, latin1.undo},
	{CodeBodyCharset, CodeBodyCharset, "over the body read as Windows-1252 and written as UTF-8", "over the body that was read as Windows-1252 and written as UTF-8", "a program took UTF-8 for Windows-1252", fixBytes, true, windows1252.misread, windows1252.undo},
	{CodeBodyCharset, CodeBodyCharset, "over the body read as code page 850 and written as UTF-8", "over the body that was read as code page 850 and written as UTF-8", "a Windows console took UTF-8 for its code page", "set [Console]::OutputEncoding = [Text.Encoding]::UTF8; better keep the bytes in a file", false, cp850.misread, cp850.undo},
	{CodeBodyCharset, CodeBodyCharset, "over the body read as code page 437 and written as UTF-8", "over the body that was read as code page 437 and written as UTF-8", "a Windows console took UTF-8 for its code page", "set [Console]::OutputEncoding = [Text.Encoding]::UTF8; better keep the bytes in a file", false, cp437.misread, cp437.undo},
	{CodeBodyCharset, CodeBodyCharset, "over the body written as ISO 8859-1, ? for what has no place there", "over the body as UTF-8, which was written as ISO 8859-1", "a response or file with charset=iso-8859-1, Java's default charset", fixBytes, true, latin1.encode('?'), latin1.decode},
	{CodeBodyCharset, CodeBodyCharset, "over the body written as Windows-1252, ? for what has no place there", "over the body as UTF-8, which was written as Windows-1252", "Windows' default code page", fixBytes, false, windows1252.encode('?'), windows1252.decode},
	{CodeBodyCharset, "", "over the body with ? for each character beyond ASCII", "", "an ASCII encoder does that, such as Encoding.ASCII and Java's US_ASCII", fixBytes, true, replaced("?", runes), nil},
	{CodeBodyCharset, "", "over the body with ? for each UTF-16 unit beyond ASCII", "", ".NET's Encoding.ASCII and Java's US_ASCII do that", fixBytes, false, replaced("?", units), nil},
	{CodeBodyCharset, "", "over the body with ? for each byte beyond ASCII", "", "an ASCII decoder does that to the bytes of UTF-8", fixBytes, false, replaced("?", octets), nil},
	{CodeBodyCharset, "", "over the body with U+FFFD for each byte beyond ASCII", "", "an ASCII decoder with replacement does that, such as Python's decode('ascii', 'replace')", fixBytes, false, replaced("\ufffd", octets), nil},
	{CodeBodyCharset, "", "over the body with U+FFFD for each character beyond ASCII", "", "a decoder with replacement does that", fixBytes, false, replaced("\ufffd", runes), nil},
	{CodeBodyCharset, "", "over the body without the characters beyond ASCII", "", "Python's encode('ascii', 'ignore') and iconv -c do that", fixBytes, false, replaced("", runes), nil},
	{CodeBodyCharset, "", "over the body with the low byte of each character", "", "charCodeAt in a loop, Node's 'binary' and 'latin1' do that", fixBytes, false, lowBytes, nil},
	{CodeBodyNormalized, CodeBodyNormalized, "over the body with accents as characters of their own (NFD)", "over the body with accents composed (NFC), which were characters of their own", "macOS file names and unicodedata.normalize do that", fixBytes, false, toNFD, toNFC},
	{CodeBodyNormalized, "", "over the body with accents composed (NFC)", "", "normalize('NFC') does that", fixBytes, false, toNFC, nil},
}

// packings put the body into something else, or take it out.
var packings = []change{
	{CodeBodyQuoted, CodeBodyUnquoted, "over the body as a JSON string", "over the text inside the JSON string that the body is", "JSON.stringify (or json.dumps) of a text, or a log that prints strings as JSON", "don't serialize the raw body again", true, quoteJSON, unquoteJSON},
	{CodeBodyBase64, CodeBodyNotBase64, "over the body as base64", "over what the base64 of the body holds", "API Gateway and Lambda hand binary bodies over as base64", fixGateway, true, encode64(base64.StdEncoding), decode64},
	{CodeBodyBase64, "", "over the body as base64 of the URL alphabet", "", "base64url encoders do that", fixGateway, false, encode64(base64.RawURLEncoding), nil},
	{CodeBodyBase64, "", "over the body as base64 and a line break", "", "the command base64 ends with a line break", fixGateway, false, func(b []byte) []byte { return join(encode64(base64.StdEncoding)(b), lf) }, nil},
	{CodeBodyBase64, "", "over the body as base64 in lines of 76 characters", "", "the command base64 and MIME encoders break lines", fixGateway, false, mime64, nil},
	{CodeBodyHexText, CodeBodyHexText, "over the body as hex digits", "over the bytes that the body spells in hex", "xxd -p, bin2hex and bytes.hex() write hex", fixBytes, false, toHex, fromHex},
	{CodeBodyForm, CodeBodyNotForm, "over the body percent-encoded as form data", "over the body with its percent-encoding resolved", "curl --data-urlencode and form libraries do that", fixForm, true,
		func(b []byte) []byte { return []byte(url.QueryEscape(string(b))) }, fromPercent},
	{CodeBodyForm, CodeBodyNotForm, "over the body percent-encoded", "over the body with its percent-encoding resolved, + kept", "encodeURIComponent does that", fixForm, false,
		func(b []byte) []byte { return percent20(b) }, fromPercentPlus},
	{CodeBodyForm, CodeBodyNotForm, "over the body percent-encoded as the name of an empty form field", "over the value of the form field that the body is", "curl -d without a Content-Type, parsed as a form and written again", fixForm, false,
		func(b []byte) []byte { return []byte(url.QueryEscape(string(b)) + "=") }, fromField},
	formField("payload="), formField("body="), formField("data="), formField("json="),
	{CodeBodyEntities, CodeBodyNotEntities, "over the body escaped for HTML, as PHP's htmlspecialchars does", "over the body with its HTML entities resolved", "htmlspecialchars, templates and pages escape for HTML", fixHTML, true,
		entities("&quot;", "&#039;"), fromEntities},
	{CodeBodyEntities, "", "over the body escaped for HTML, as Go and Jinja do", "", "html.EscapeString and templates escape for HTML", fixHTML, false, entities("&#34;", "&#39;"), nil},
	{CodeBodyEntities, "", "over the body escaped for HTML, as Python's html.escape does", "", "html.escape does that", fixHTML, false, entities("&quot;", "&#x27;"), nil},
	{CodeBodyEntities, "", "over the body escaped for HTML, as JavaScript libraries do", "", "lodash and he escape for HTML", fixHTML, false, entities("&quot;", "&#39;"), nil},
	{CodeBodyEntities, "", "over the body escaped for XML, apostrophes kept", "", "XML writers, and htmlspecialchars before PHP 8.1", fixHTML, false, entities("&quot;", "'"), nil},
	{CodeBodyBytesText, CodeBodyNotBytesText, "over the text that Python writes for bytes, b'…'", "over the bytes that the text b'…' stands for", "str() of bytes in Python writes b'…'", "use body.decode() or the bytes themselves, never str(body)", true, pythonBytes, fromPythonBytes},
	{CodeBodyBytesText, CodeBodyNotBytesText, "over the text that Python writes for a string, '…'", "over the text that '…' stands for", "repr() in Python and console.log of a list write quotes and escapes", fixBytes, false, pythonString, fromQuotes},
	{CodeBodyBytesText, CodeBodyNotBytesText, "over the JSON of a Node.js Buffer", "over the bytes that the JSON of a Node.js Buffer holds", "JSON.stringify of a Buffer writes {\"type\":\"Buffer\",\"data\":[…]}", "hash the Buffer itself: hmac.update(req.body)", true, bufferJSON, fromBufferJSON},
	{CodeBodyBytesText, CodeBodyNotBytesText, "over the body as a list of byte values", "over the bytes that the list of byte values holds", "fmt.Sprint of []byte, Arrays.toString and JSON of a Uint8Array do that", fixBytes, false, byteList(" "), fromByteList},
	{CodeBodyBytesText, "", "over the body as a list of byte values, separated by commas", "", "Buffer.toJSON, Uint8Array.toString and Arrays.toString do that", fixBytes, false, byteList(","), nil},
	{CodeBodyBytesText, "", "over the text <Buffer …>", "", "util.inspect and console.log of a Buffer write that", fixBytes, false, bufferText, nil},
	{CodeBodyEscaped, CodeBodyNotEscaped, "over the body with a backslash before each quote and backslash", "over the body without the backslashes before quotes", "addslashes, SQL escapes and shell quoting put backslashes in", fixShell, true, addSlashes, stripSlashes},
	{CodeBodyEscaped, CodeBodyNotEscaped, "over the body as nginx writes it into its log", "over the body that nginx wrote into its log with \\x escapes", "nginx and Apache escape \", \\ and what is not ASCII as \\xHH", fixLogs, false, nginxLog, fromHexEscapes},
	{CodeBodyEscaped, CodeBodyNotEscaped, "over the body as nginx writes it into its log with escape=json", "over the body without the JSON escapes of a log", "nginx's escape=json and JSON logs escape quotes", fixLogs, false, innerJSON, fromInnerJSON},
	{CodeBodyEscaped, "", "over the body with its backslash escapes interpreted", "", "dash's echo, echo -e and printf '%b' interpret backslashes", "use printf %s; " + fixShell, true, echoEscapes, nil},
	{CodeBodyEscaped, "", "over the body with printf's escapes interpreted", "", "printf \"$BODY\" takes the body for a format", "use printf '%s' \"$BODY\"", false, printfFormat, nil},
	{CodeBodyEscaped, "", "over the body without its backslashes", "", "read without -r, xargs and a second shell take backslashes out", "use read -r; " + fixShell, false, dropBackslashes, nil},
	{CodeBodyEscaped, CodeBodyRequoted, "over the body without its double quotes", "over the body with the double quotes that a shell took away", "a shell without quotes around the body, and Windows PowerShell before native commands, take double quotes away", fixShell, false, dropQuotes, requote},
	{CodeBodyEscaped, CodeBodyNotEscaped, "over the body with each double quote doubled, in quotes", "over the body that stood in a CSV field", "CSV writers double quotes", "take the body from the request, not from a table", false, csvField, fromCSV},
	{CodeBodyGzip, CodeBodyGunzip, "over the body compressed as Go does it", "over the decompressed body", "a proxy or client compresses (Content-Encoding: gzip)", fixWeb, false, zipDefault, unzip},
	{CodeBodyChunked, CodeBodyNotChunked, "over the body in the chunks of HTTP/1.1", "over the body without the chunks of HTTP/1.1", "a raw socket, tcpdump and some CGI gateways show Transfer-Encoding: chunked as it is", fixWire, false, chunk, Unchunk},
	{"", CodeBodyNotMultipart, "", "over the content of the part of multipart/form-data that the body is", "forms with files (curl -F) send multipart/form-data", fixForm, false, nil, fromMultipart},
	{"", CodeBodyNotRequest, "", "over the body of the HTTP request that was given as the body", "a raw capture holds headers and body", "give a whole request with --request, or the bytes after the empty line as the body", true, nil, fromRequest},
	{CodeBodyObjectText, "", "over the text [object Object]", "", "JavaScript's String(object) and object + '' write that", "hash the raw body; in Express use express.raw({ type: '*/*' })", true, constant("[object Object]"), nil},
	{CodeBodyObjectText, "", "over the text undefined", "", "JavaScript writes undefined for a body that was not read", "read the raw body before hashing; check that the middleware that keeps it (rawBody) runs", false, absent("undefined"), nil},
	{CodeBodyObjectText, "", "over the text null", "", "a body that was not read is null", "read the raw body before hashing", false, absent("null"), nil},
	{CodeBodyObjectText, "", "over the text None", "", "Python writes None for a body that was not read", "read the raw body before hashing: request.get_data() or request.body", false, absent("None"), nil},
	{CodeBodyObjectText, "", "over the text {}", "", "a parser that saw another Content-Type leaves {}", "hash the raw body; express.json reads application/json only", false, emptyObject, nil},
	{CodeBodyObjectText, "", "over the text Array", "", "PHP writes Array for an array", "hash file_get_contents('php://input')", false, absent("Array"), nil},
}

// cuts are bodies that lost their end in a column or buffer of a fixed size.
var cuts = []int{255, 256, 1023, 1024, 2047, 2048, 4000, 4095, 4096, 8191, 8192, 16384, 32767, 32768, 65535, 65536, 100 << 10, 102400, 1 << 20}

func formField(name string) change {
	return change{code: CodeBodyForm, what: "over the body percent-encoded as the form field " + name, who: "form libraries do that", fix: fixForm,
		forward: func(b []byte) []byte { return []byte(name + url.QueryEscape(string(b))) }}
}

func constant(text string) func([]byte) []byte {
	return func([]byte) []byte { return []byte(text) }
}

// absent is the text of a value that is not there. A body about as short as that is
// told by itself.
func absent(text string) func([]byte) []byte {
	return func(b []byte) []byte {
		if len(b) < 2*len(text) {
			return nil
		}
		return []byte(text)
	}
}

// emptyObject is what is left of a JSON object that was not parsed.
func emptyObject(b []byte) []byte {
	if root := parseJSON(b); root != nil && root.kind == '{' && len(root.items) > 0 {
		return []byte("{}")
	}
	return nil
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func cutSuffix(b, suffix []byte) []byte {
	if less, found := bytes.CutSuffix(b, suffix); found {
		return less
	}
	return nil
}

func cutPrefix(b, prefix []byte) []byte {
	if less, found := bytes.CutPrefix(b, prefix); found {
		return less
	}
	return nil
}

func toLF(b []byte) []byte { return bytes.ReplaceAll(b, crlf, lf) }

func encode64(e *base64.Encoding) func([]byte) []byte {
	return func(b []byte) []byte { return []byte(e.EncodeToString(b)) }
}

func decode64(b []byte) []byte {
	text := strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\r\n", r) {
			return -1
		}
		return r
	}, string(b))
	if len(text) < 4 {
		return nil
	}
	for _, e := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if out, err := e.DecodeString(text); err == nil && len(out) > 0 {
			return out
		}
	}
	return nil
}

func mime64(b []byte) []byte {
	text := base64.StdEncoding.EncodeToString(b)
	if len(text) <= 76 {
		return nil
	}
	var out []byte
	for len(text) > 76 {
		out = append(append(out, text[:76]...), '\n')
		text = text[76:]
	}
	return append(append(out, text...), '\n')
}

func toHex(b []byte) []byte { return []byte(hex.EncodeToString(b)) }

func fromHex(b []byte) []byte {
	text := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(string(b)), `\x`), "0x")
	text = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \r\n:", r) {
			return -1
		}
		return r
	}, text)
	if out, err := hex.DecodeString(text); err == nil && len(out) > 0 {
		return out
	}
	return nil
}

func percent20(b []byte) []byte {
	return []byte(strings.ReplaceAll(url.QueryEscape(string(b)), "+", "%20"))
}

func fromPercent(b []byte) []byte {
	if !bytes.ContainsRune(b, '%') {
		return nil
	}
	if plain, err := url.QueryUnescape(strings.TrimSuffix(strings.TrimSpace(string(b)), "=")); err == nil {
		return []byte(plain)
	}
	return nil
}

func fromPercentPlus(b []byte) []byte {
	if !bytes.ContainsRune(b, '%') || !bytes.ContainsRune(b, '+') {
		return nil
	}
	if plain, err := url.PathUnescape(strings.TrimSuffix(strings.TrimSpace(string(b)), "=")); err == nil {
		return []byte(plain)
	}
	return nil
}

// fromField takes the value out of name=value, the longest one where there are
// several fields.
func fromField(b []byte) []byte {
	longest := ""
	for pair := range strings.SplitSeq(strings.TrimSpace(string(b)), "&") {
		name, value, found := strings.Cut(pair, "=")
		if !found || strings.ContainsAny(name, "{ \n\"") {
			return nil
		}
		if len(value) > len(longest) {
			longest = value
		}
	}
	if plain, err := url.QueryUnescape(longest); err == nil && plain != "" {
		return []byte(plain)
	}
	return nil
}

func entities(quote, apostrophe string) func([]byte) []byte {
	replacer := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, quote, "'", apostrophe)
	return func(b []byte) []byte { return []byte(replacer.Replace(string(b))) }
}

func fromEntities(b []byte) []byte {
	if !bytes.ContainsRune(b, '&') || !bytes.ContainsRune(b, ';') {
		return nil
	}
	return []byte(html.UnescapeString(string(b)))
}

func zipDefault(b []byte) []byte { return zip(b, gzip.DefaultCompression) }

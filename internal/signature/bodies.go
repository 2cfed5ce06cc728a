package signature

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

var (
	bom  = []byte("\xef\xbb\xbf")
	crlf = []byte("\r\n")
	lf   = []byte("\n")
)

// Bounds on what is made of a body, in bytes.
const (
	maxUnpacked = 2 << 20  // a body that is parsed, packed or unpacked; sealpost sends 1 MiB at most
	maxForm     = 4 << 20  // one form of it
	maxForms    = 64 << 20 // all of them
)

// bodyForm is bytes that may have been hashed instead of the body.
type bodyForm struct {
	data  []byte
	fault func() fault // what that would mean; asked for on a hit only
	twice bool         // two faults already; not combined with others
}

// bodyForms is what programs make of a body, each text once and the likeliest
// first, and then the body that was sent, if it is known and another one. The
// forms are made while they are asked for: most searches end at an early one.
type bodyForms struct {
	body, stored []byte
	going        func() bool
	made         []bodyForm
	complete     bool // made has them all
}

// each calls visit until it returns false. A second walk over all costs nothing.
func (f *bodyForms) each(visit func(bodyForm) bool) {
	if f.complete {
		for _, form := range f.made {
			if !visit(form) {
				return
			}
		}
		return
	}
	f.made = nil
	l := &formMaker{known: map[[sha256.Size]byte]bool{sha256.Sum256(f.body): true}}
	l.visit = func(form bodyForm) bool {
		f.made = append(f.made, form)
		return visit(form) && f.going()
	}
	l.all(f.body, f.stored)
	f.complete = !l.stopped
}

// formMaker makes the forms of one body.
type formMaker struct {
	known   map[[sha256.Size]byte]bool
	size    int
	visit   func(bodyForm) bool
	stopped bool
}

func (l *formMaker) all(body, stored []byte) {
	l.add(CodeBodyEmpty, "over an empty body", nil)
	l.lines(body)
	if !l.stopped && len(body) <= maxUnpacked {
		root := parseJSON(bytes.TrimPrefix(body, bom))
		l.rewritings(root)
		l.wrapped(body)
		l.members(root)
	}
	if stored != nil {
		l.add(CodeBodyDiffers, "over the body as it was sent, which differs from the one given", stored)
	}
}

func (l *formMaker) add(code, what string, data []byte) {
	l.put(data, false, func() fault { return fault{code, what} })
}

func (l *formMaker) put(data []byte, twice bool, describe func() fault) {
	if l.stopped || l.size+len(data) > maxForms {
		return
	}
	sum := sha256.Sum256(data)
	if l.known[sum] {
		return
	}
	l.known[sum] = true
	l.size += len(data)
	l.stopped = !l.visit(bodyForm{data, describe, twice})
}

// rewritings adds what JSON libraries write: all of them, and then all of them
// again with the line break that many tools end a file with.
func (l *formMaker) rewritings(root *node) {
	if root == nil {
		return
	}
	var texts []rewriting
	for _, s := range serializers {
		if l.stopped {
			return
		}
		if text := s.write(root, maxForm); text != nil {
			r := rewriting{text, s.style}
			texts = append(texts, r)
			l.put(text, false, func() fault { return r.fault(root) })
		}
	}
	for _, r := range texts {
		l.put(slices.Concat(r.text, lf), true, func() fault {
			f := r.fault(root)
			return fault{f.code, f.what + " and a line break at its end"}
		})
	}
}

// lines adds the forms that differ in line breaks, blanks and marks.
func (l *formMaker) lines(body []byte) {
	l.add(CodeBodyPlusNewline, "over the body with one line break (LF) more at its end", slices.Concat(body, lf))
	l.add(CodeBodyPlusNewline, "over the body with one line break (CRLF) more at its end", slices.Concat(body, crlf))
	if less, found := bytes.CutSuffix(body, lf); found {
		l.add(CodeBodyMinusNewline, "over the body without the line break at its end", bytes.TrimSuffix(less, []byte("\r")))
		l.add(CodeBodyMinusNewline, "over the body without the LF at its end", less)
	}
	l.add(CodeBodyTrimmed, "over the body without the blanks at its end", bytes.TrimRight(body, " \t\r\n"))
	l.add(CodeBodyTrimmed, "over the body without the blanks around it", bytes.TrimSpace(body))
	unix := bytes.ReplaceAll(body, crlf, lf)
	l.add(CodeBodyLF, "over the body with LF for each CRLF", unix)
	l.add(CodeBodyCRLF, "over the body with CRLF for each LF that had no CR", bytes.ReplaceAll(unix, lf, crlf))
	l.add(CodeBodyCRLF, "over the body with CRLF for each LF, even behind a CR", bytes.ReplaceAll(body, lf, crlf))
	if bare, found := bytes.CutPrefix(body, bom); found {
		l.add(CodeBodyMinusBOM, "over the body without its byte order mark", bare)
	}
	l.add(CodeBodyPlusBOM, "over the body with a byte order mark in front", slices.Concat(bom, body))
}

// wrapped adds forms in which the body is packed into something else, or taken
// out of it.
func (l *formMaker) wrapped(body []byte) {
	if l.stopped {
		return
	}
	text := string(body)
	if plain := unzip(body); plain != nil {
		l.add(CodeBodyGunzip, "over the decompressed body", plain)
	}
	for _, level := range []int{gzip.DefaultCompression, gzip.BestCompression} {
		l.add(CodeBodyGzip, "over the body compressed as Go does it", zip(body, level))
	}
	for _, escaped := range []string{url.QueryEscape(text), strings.ReplaceAll(url.QueryEscape(text), "+", "%20")} {
		l.add(CodeBodyForm, "over the body percent-encoded as form data", []byte(escaped))
		for _, field := range []string{"payload=", "body=", "data=", "json="} {
			l.add(CodeBodyForm, "over the body percent-encoded as the form field "+field, []byte(field+escaped))
		}
		l.add(CodeBodyForm, "over the body percent-encoded as the name of an empty form field", []byte(escaped+"="))
	}
	if _, value, found := strings.Cut(text, "="); found && !strings.ContainsAny(text[:len(text)-len(value)], "{ \n") {
		if plain, err := url.QueryUnescape(value); err == nil {
			l.add(CodeBodyNotForm, "over the value of the form field that the body is", []byte(plain))
		}
	}
	if plain, err := url.QueryUnescape(strings.TrimSuffix(text, "=")); err == nil && strings.Contains(text, "%") {
		l.add(CodeBodyNotForm, "over the body with its percent-encoding resolved", []byte(plain))
	}
	if decoded, err := base64.StdEncoding.DecodeString(text); err == nil && len(decoded) > 0 {
		l.add(CodeBodyNotBase64, "over what the base64 of the body holds", decoded)
	}
	l.add(CodeBodyBase64, "over the body as base64", []byte(base64.StdEncoding.EncodeToString(body)))
	l.add(CodeBodyObjectText, "over the text [object Object]", []byte("[object Object]"))
	if !l.stopped && utf8.Valid(body) {
		mojibake, narrow := []byte(nil), []byte(nil)
		for _, c := range body {
			mojibake = utf8.AppendRune(mojibake, rune(c))
		}
		for _, r := range text {
			if r > 0xff {
				r = '?'
			}
			narrow = append(narrow, byte(r))
		}
		l.add(CodeBodyCharset, "over the body read as ISO 8859-1 and written as UTF-8", mojibake)
		l.add(CodeBodyCharset, "over the body written as ISO 8859-1", narrow)
		quoted := writer{style: style{escapes: escapesMinimal}}
		quoted.out = append(quoted.out, '"')
		for _, r := range text {
			quoted.rune(r)
		}
		l.add(CodeBodyQuoted, "over the body as a JSON string", append(quoted.out, '"'))
	}
}

// members adds the parts of a JSON body that get hashed instead of the whole.
func (l *formMaker) members(root *node) {
	switch {
	case root == nil:
	case root.kind == '"':
		l.add(CodeBodyUnquoted, "over the text inside the JSON string that the body is", []byte(decoded(root.text)))
	case root.kind == '{':
		for i, key := range root.keys {
			switch name := decoded(key); name {
			case "body", "data", "payload":
				l.add(CodeBodyPart, "over the member "+name+" of the body alone", style{}.write(root.items[i], maxForm))
			}
		}
	}
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

// unzip decompresses gzip or zlib data, at most maxForm bytes of it.
func unzip(data []byte) []byte {
	var source io.Reader
	switch {
	case bytes.HasPrefix(data, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return nil
		}
		source = r
	case len(data) > 6 && data[0] == 0x78:
		source = flate.NewReader(bytes.NewReader(data[2:])) // RFC 1950: two bytes, then deflate
	default:
		return nil
	}
	out, err := io.ReadAll(io.LimitReader(source, maxForm+1))
	if err != nil || len(out) > maxForm {
		return nil
	}
	return out
}

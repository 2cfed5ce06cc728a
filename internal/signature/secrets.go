package signature

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"sealpost/internal/secret"
)

// keyForm is bytes that may have been the key.
type keyForm struct {
	key    []byte
	fault  fault // the zero fault for a secret as it should be used
	nested bool  // a fault in reading a secret that is the wrong one: two faults
}

// maxCandidates bounds the secrets that are tried.
const maxCandidates = 64

// keyForms returns the keys to try. right are the accepted secrets as they
// should be used; wrong are those and the others in every misreading, the
// likeliest first. The texts are taken apart here and go nowhere else.
func keyForms(candidates []Candidate) (right, wrong []keyForm) {
	candidates = candidates[:min(len(candidates), maxCandidates)]
	known := make(map[string]bool)
	put := func(list *[]keyForm, f keyForm) {
		if !known[string(f.key)] {
			known[string(f.key)] = true
			*list = append(*list, f)
		}
	}
	usable := slices.DeleteFunc(slices.Clone(candidates), func(c Candidate) bool { return c.Secret.IsZero() || IsPublicKey(c.Secret.Reveal()) })
	for _, c := range usable {
		if key := c.key(); c.Accept && key != nil {
			put(&right, keyForm{key: key})
		}
	}
	for _, c := range usable {
		if !c.Accept {
			put(&wrong, keyForm{key: c.Secret.Key(), fault: c.fault()})
		}
	}
	for _, accepted := range []bool{true, false} {
		for _, c := range usable {
			if c.Accept != accepted {
				continue
			}
			for _, m := range misreadings(c.Secret.Reveal()) {
				if !c.Accept {
					m.fault.what += ", of " + c.Name
				}
				m.nested = !c.Accept
				put(&wrong, m)
			}
		}
	}
	return right, wrong
}

// fault says what a secret is that isn't accepted.
func (c Candidate) fault() fault {
	if c.Retired.IsZero() {
		return fault{code: CodeSecretOther, what: "with " + c.Name + ", which is not accepted here"}
	}
	return fault{code: CodeSecretRotated, what: "with " + c.Name + ", which was rotated out " + c.Retired.UTC().Format(time.RFC3339)}
}

// misreader collects what programs make of one secret's text.
type misreader struct{ found []keyForm }

func (r *misreader) add(code, what, key string) {
	r.found = append(r.found, keyForm{key: []byte(key), fault: fault{code: code, what: "with " + what}})
}

// misreadings returns the keys that programs make of a secret's text, the likeliest
// first.
func misreadings(text string) []keyForm {
	r := &misreader{}
	bare, prefixed := strings.CutPrefix(text, secret.Prefix)
	// A secret of whsec_ with something around it is decoded all the same, where that goes.
	around := func(code, what, changed string) {
		r.add(code, what, string(secret.New(changed).Key()))
		if prefixed {
			r.add(code, what+", whsec_ and all", changed)
		}
	}
	if prefixed {
		r.add(CodeSecretPrefixKept, "the whole text of the secret as the key, whsec_ and all", text)
		r.add(CodeSecretPrefixCut, "the secret's text behind whsec_ as the key, not decoded", bare)
	}
	around(CodeSecretPlusNewline, "the secret and a line break (LF) at its end", text+"\n")
	decodedForms(r, text, bare)
	around(CodeSecretPlusNewline, "the secret and a line break (CRLF) at its end", text+"\r\n")
	around(CodeSecretPlusNewline, "the secret and a carriage return (CR) at its end, which is left of a line that ends in CRLF", text+"\r")
	prefixForms(r, text, prefixed)
	around(CodeSecretTrimmed, "the secret without the blanks around it", strings.TrimSpace(text))
	around(CodeSecretQuoted, `the secret in double quotes`, `"`+text+`"`)
	around(CodeSecretQuoted, `the secret in single quotes`, `'`+text+`'`)
	around(CodeSecretQuoted, `the secret without the quotes around it`, strings.Trim(strings.TrimSpace(text), "\"'`"))
	around(CodeSecretPlusBlanks, "the secret and a blank at its end", text+" ")
	around(CodeSecretPlusBlanks, "the secret and a blank in front", " "+text)
	r.add(CodeSecretCase, "the secret in upper case", strings.ToUpper(text))
	r.add(CodeSecretCase, "the secret in lower case", strings.ToLower(text))
	lineForms(r, text)
	markForms(r, text)
	for _, missing := range []string{"undefined", "null", "None", "nil", "NaN", "[object Object]", "[object Promise]", "false", "changeme", "secret"} {
		r.add(CodeSecretMissing, "the text "+missing+" as the secret", missing)
	}
	r.add(CodeSecretEmpty, "an empty secret", "")
	for _, size := range []int{32, 16, 24, 20, 8} {
		if len(text) > size {
			r.add(CodeSecretCut, "the first "+number(size)+" characters of the secret alone", text[:size])
		}
	}
	sum := sha256.Sum256([]byte(text))
	r.add(CodeSecretHashed, "the SHA-256 of the secret as the key", string(sum[:]))
	r.add(CodeSecretHashed, "the SHA-256 of the secret, in hex digits, as the key", hex.EncodeToString(sum[:]))
	return r.found
}

// decodedForms are the secret decoded, or encoded once more.
func decodedForms(r *misreader, text, bare string) {
	if key, err := hex.DecodeString(bare); err == nil {
		r.add(CodeSecretHexDecoded, "the secret's hex decoded to bytes", string(key))
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(bare); err == nil {
			r.add(CodeSecretBase64Read, "the secret's base64 decoded to bytes", string(key))
		}
	}
	r.add(CodeSecretBase64Text, "the secret's text as base64", base64.StdEncoding.EncodeToString([]byte(text)))
	r.add(CodeSecretBase64Text, "the base64 of the secret and a line break, as echo SECRET | base64 makes it", base64.StdEncoding.EncodeToString([]byte(text+"\n")))
	r.add(CodeSecretBase64Text, "the secret's text as base64 without padding", base64.RawStdEncoding.EncodeToString([]byte(text)))
	if key, err := hex.DecodeString(bare); err == nil {
		r.add(CodeSecretBase64Text, "the secret's bytes, decoded from hex, as base64 text", base64.StdEncoding.EncodeToString(key))
	}
}

// prefixForms are prefixes that were kept, cut or put in front, and the key as hex.
func prefixForms(r *misreader, text string, prefixed bool) {
	if prefixed {
		r.add(CodeSecretPrefixKept, "the whole text of the secret as the key, v1, and whsec_ in front", "v1,"+text)
		key := secret.New(text).Key()
		r.add(CodeSecretHexEncoded, "the decoded key as hex text", hex.EncodeToString(key))
		r.add(CodeSecretBase64Read, "the secret's base64 decoded as if whsec_ were a part of it", string(looseBase64(text)))
	} else {
		r.add(CodeSecretPrefixKept, "whsec_ in front of the secret's text, as the key", secret.Prefix+text)
		r.add(CodeSecretPrefixKept, "v1,whsec_ in front of the secret's text, as the key", "v1,"+secret.Prefix+text)
		r.add(CodeSecretHexEncoded, "the secret's text as hex once more", hex.EncodeToString([]byte(text)))
		r.add(CodeSecretBase64Read, "the secret's text read as base64, as libraries of Standard Webhooks do", string(looseBase64(text)))
	}
	if inner, found := strings.CutPrefix(text, "v1,"); found {
		r.add(CodeSecretPrefixCut, "the secret's text behind v1, as a secret", string(secret.New(inner).Key()))
		r.add(CodeSecretPrefixCut, "the secret's text behind v1,whsec_ as the key, not decoded", strings.TrimPrefix(inner, secret.Prefix))
	}
	for _, scheme := range []string{"Bearer ", "bearer ", "sha256="} {
		if inner, found := strings.CutPrefix(text, scheme); found {
			r.add(CodeSecretPrefixCut, "the secret without "+scheme+"in front", string(secret.New(inner).Key()))
		} else if scheme != "sha256=" {
			r.add(CodeSecretPrefixKept, scheme+"in front of the secret", scheme+text)
		}
	}
}

// looseBase64 decodes as Node.js and PHP do: what is no base64 is skipped.
func looseBase64(text string) []byte {
	clean := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '+' || c == '/':
			return c
		case c == '-':
			return '+'
		case c == '_':
			return '/'
		}
		return -1
	}, text)
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out, err := base64.RawStdEncoding.DecodeString(clean)
	if err != nil {
		return nil
	}
	return out
}

// lineNames are the names that secrets have in files of variables.
var lineNames = []string{"HOOK_SECRET", "WEBHOOK_SECRET", "SECRET", "SIGNING_SECRET", "WEBHOOK_SIGNING_SECRET", "SEALPOST_SECRET", "SEALPOST_WEBHOOK_SECRET", "SVIX_SECRET", "SECRET_KEY", "WEBHOOK_KEY"}

// lineForms are a whole line NAME=secret of a file of variables, or what follows its name.
func lineForms(r *misreader, text string) {
	line := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "export "))
	if name, value, found := strings.Cut(line, "="); found && value != "" && isName(name) {
		value = strings.TrimSpace(value)
		r.add(CodeSecretLine, "the secret behind "+name+"=, without the name", string(secret.New(strings.Trim(value, "\"'")).Key()))
		r.add(CodeSecretLine, "the secret behind "+name+"=, its quotes kept", value)
		return
	}
	if name, value, found := strings.Cut(line, ": "); found && isName(strings.Trim(name, `"`)) {
		r.add(CodeSecretLine, "the secret behind "+name+":, without the name", string(secret.New(strings.Trim(strings.TrimSpace(value), "\"',")).Key()))
		return
	}
	for _, name := range lineNames {
		for _, form := range []string{name + "=" + text, name + `="` + text + `"`} {
			r.add(CodeSecretLine, "the whole line "+name+"=… as the key", form)
		}
	}
}

// markForms are byte order marks, UTF-16, and other writings of the text.
func markForms(r *misreader, text string) {
	const mark = "\ufeff"
	if inner, found := strings.CutPrefix(text, mark); found {
		r.add(CodeSecretBOM, "the secret without the byte order mark in front", string(secret.New(inner).Key()))
	} else {
		r.add(CodeSecretBOM, "a byte order mark in front of the secret", mark+text)
	}
	r.add(CodeSecretBOM, "the secret as UTF-16", string(utf16LE(false)([]byte(text))))
	r.add(CodeSecretBOM, "the secret as UTF-16 with a byte order mark", string(utf16LE(true)([]byte(text))))
	r.add(CodeSecretBOM, "the secret as UTF-16 with a byte order mark and CRLF, as Windows PowerShell writes a file", string(utf16LE(true)([]byte(text+"\r\n"))))
	if plain, err := url.QueryUnescape(text); err == nil && plain != text {
		r.add(CodeSecretTrimmed, "the secret with its percent-encoding resolved", string(secret.New(plain).Key()))
	}
	r.add(CodeSecretTrimmed, "the secret percent-encoded", url.QueryEscape(text))
	r.add(CodeSecretQuoted, "the text b'…' that Python writes for the bytes of the secret", "b'"+text+"'")
}

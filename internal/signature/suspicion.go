package signature

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // its length is recognised
	"crypto/sha1" //nolint:gosec // its length is recognised
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"

	"sealpost/internal/secret"
)

// suspect adds what looks wrong, when nothing could be proven.
func (e *explainer) suspect(name, value string, targets []target) {
	if value != "" {
		e.suspectValue(name, value, targets)
	}
	e.suspectBody()
	e.suspectSecrets()
}

// suspectValue judges a value by its length alone.
func (e *explainer) suspectValue(name, value string, targets []target) {
	sizes := make(map[int]bool)
	for _, t := range targets {
		sizes[t.size()] = true
	}
	switch {
	case sizes[sha256.Size]:
	case sizes[sha1.Size]:
		e.add(suspected(CodeDigestSHA1, "the value of %s is as long as a SHA-1 sum", name))
	case sizes[sha512.Size]:
		e.add(suspected(CodeDigestSHA512, "the value of %s is as long as a SHA-512 sum", name))
	case sizes[md5.Size]:
		e.add(suspected(CodeDigestOther, "the value of %s is as long as an MD5 sum", name))
	default:
		e.add(malformed("the value of "+name, value))
	}
}

// malformed says that a value is no signature. It is a fact where the value is too
// short to hold a sum or the part of one that would prove it; a longer one may hold
// a sum in a way that is not known here.
func malformed(subject, value string) Cause {
	const text = "%s has %d characters and spells no SHA-256 sum, which has 64 hex digits or 44 characters of base64"
	if len(strings.TrimSpace(value)) < leastBase {
		return proven(CodeValueMalformed, text, subject, len(value))
	}
	return suspected(CodeValueMalformed, text, subject, len(value))
}

// suspectBody looks for marks that a raw body seldom has.
func (e *explainer) suspectBody() {
	body := e.Body
	encoding := ""
	for name, values := range e.Headers {
		if strings.EqualFold(name, "Content-Encoding") && len(values) > 0 {
			encoding = strings.ToLower(values[0])
		}
	}
	switch {
	case len(body) == 0:
		e.add(suspected(CodeBodyEmpty, "the body given is empty: the reader may have consumed it before"))
		return
	case bytes.HasPrefix(body, []byte{0x1f, 0x8b}):
		e.add(suspected(CodeBodyGunzip, "the body given begins like gzip data"))
		return
	case strings.Contains(encoding, "gzip"):
		e.add(suspected(CodeBodyGzip, "Content-Encoding says gzip, but the body given isn't compressed"))
	}
	if bytes.HasPrefix(body, bom) {
		e.add(suspected(CodeBodyMinusBOM, "the body given begins with a byte order mark"))
	}
	if bytes.HasSuffix(body, lf) {
		e.add(suspected(CodeBodyMinusNewline, "the body given ends in a line break"))
	}
	root := e.forms.tree()
	if root == nil {
		if text := string(body); strings.Contains(text, "%7B") || strings.Contains(text, "%7b") {
			e.add(suspected(CodeBodyNotForm, "the body given is percent-encoded, as forms are"))
		}
		return
	}
	trimmed := bytes.TrimSpace(bytes.TrimPrefix(body, bom))
	if compact := (style{}).write(root, maxForm); compact != nil && !bytes.Equal(compact, trimmed) {
		e.add(suspected(CodeBodyCompact, "the body given has blanks between its JSON tokens, which sealpost doesn't send"))
	}
	if len(root.keys) > 2 && bytes.Equal(style{keys: keysSorted}.write(root, maxForm), style{}.write(root, maxForm)) {
		e.add(suspected(CodeBodyKeys, "the keys of the body given are sorted, which the ones that sealpost sends are not"))
	}
}

// suspectSecrets looks for secrets that were copied badly. It says nothing of
// what is in them.
func (e *explainer) suspectSecrets() {
	for _, c := range e.Secrets[:min(len(e.Secrets), maxCandidates)] {
		if !c.Accept {
			continue
		}
		text := c.Secret.Reveal()
		_, err := secret.Parse(text)
		switch {
		case text == "":
			e.add(suspected(CodeSecretEmpty, "%s is empty", c.Name))
		case strings.TrimSpace(text) != text:
			e.add(suspected(CodeSecretTrimmed, "%s has blanks around it", c.Name))
		case strings.Trim(text, `"'`) != text:
			e.add(suspected(CodeSecretQuoted, "%s has quotes around it", c.Name))
		case strings.HasPrefix(text, "v1,"):
			e.add(suspected(CodeSecretPrefixCut, "%s begins with v1, which is no part of a secret", c.Name))
		case err != nil:
			e.add(suspected(CodeSecretOther, "%s can't be a signing secret: %v", c.Name, err))
		case len(text) != 64 && isHex(text):
			e.add(suspected(CodeSecretOther, "%s is hex of %d digits; the secrets that sealpost makes have 64", c.Name, len(text)))
		}
	}
}

func isHex(text string) bool {
	_, err := hex.DecodeString(text + text) // of an odd length as well
	return err == nil
}

package signature

import (
	"encoding/base64"
	"encoding/hex"
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
	for _, c := range candidates {
		if key := c.Secret.Key(); c.Accept && len(key) > 0 {
			put(&right, keyForm{key: key})
		}
	}
	for _, c := range candidates {
		if !c.Accept && !c.Secret.IsZero() {
			put(&wrong, keyForm{key: c.Secret.Key(), fault: c.fault()})
		}
	}
	for _, c := range candidates {
		if c.Secret.IsZero() {
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
	return right, wrong
}

// fault says what a secret is that isn't accepted.
func (c Candidate) fault() fault {
	if c.Retired.IsZero() {
		return fault{CodeSecretOther, "with " + c.Name + ", which is not accepted here"}
	}
	return fault{CodeSecretRotated, "with " + c.Name + ", which was rotated out " + c.Retired.UTC().Format(time.RFC3339)}
}

// misreadings returns the keys that programs make of a secret's text.
func misreadings(text string) (found []keyForm) {
	add := func(code, what, key string) {
		found = append(found, keyForm{key: []byte(key), fault: fault{code, "with " + what}})
	}
	bare, prefixed := strings.CutPrefix(text, secret.Prefix)
	if prefixed {
		add(CodeSecretPrefixKept, "the whole text of the secret as the key, whsec_ and all", text)
		add(CodeSecretPrefixCut, "the secret's text behind whsec_ as the key, not decoded", bare)
		add(CodeSecretPrefixKept, "the whole text of the secret as the key, v1, and whsec_ in front", "v1,"+text)
		key := secret.New(text).Key()
		add(CodeSecretHexEncoded, "the decoded key as hex text", hex.EncodeToString(key))
	} else {
		add(CodeSecretPrefixKept, "whsec_ in front of the secret's text, as the key", secret.Prefix+text)
		add(CodeSecretPrefixKept, "v1,whsec_ in front of the secret's text, as the key", "v1,"+secret.Prefix+text)
		add(CodeSecretHexEncoded, "the secret's text as hex once more", hex.EncodeToString([]byte(text)))
	}
	if inner, found := strings.CutPrefix(text, "v1,"); found {
		add(CodeSecretPrefixCut, "the secret's text behind v1, as a secret", string(secret.New(inner).Key()))
		add(CodeSecretPrefixCut, "the secret's text behind v1,whsec_ as the key, not decoded", strings.TrimPrefix(inner, secret.Prefix))
	}
	if key, err := hex.DecodeString(bare); err == nil {
		add(CodeSecretHexDecoded, "the secret's hex decoded to bytes", string(key))
		add(CodeSecretBase64Text, "the secret's bytes, decoded from hex, as base64 text", base64.StdEncoding.EncodeToString(key))
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(bare); err == nil {
			add(CodeSecretBase64Read, "the secret's base64 decoded to bytes", string(key))
		}
	}
	add(CodeSecretBase64Text, "the secret's text as base64", base64.StdEncoding.EncodeToString([]byte(text)))
	// A secret of whsec_ with something around it is decoded all the same, where that goes.
	around := func(code, what, changed string) {
		add(code, what, string(secret.New(changed).Key()))
		if prefixed {
			add(code, what+", whsec_ and all", changed)
		}
	}
	around(CodeSecretPlusNewline, "the secret and a line break (LF) at its end", text+"\n")
	around(CodeSecretPlusNewline, "the secret and a line break (CRLF) at its end", text+"\r\n")
	around(CodeSecretTrimmed, "the secret without the blanks around it", strings.TrimSpace(text))
	around(CodeSecretPlusBlanks, "the secret and a blank at its end", text+" ")
	around(CodeSecretPlusBlanks, "the secret and a blank in front", " "+text)
	around(CodeSecretQuoted, `the secret in double quotes`, `"`+text+`"`)
	around(CodeSecretQuoted, `the secret in single quotes`, `'`+text+`'`)
	around(CodeSecretQuoted, `the secret without the quotes around it`, strings.Trim(text, `"'`))
	add(CodeSecretCase, "the secret in upper case", strings.ToUpper(text))
	add(CodeSecretCase, "the secret in lower case", strings.ToLower(text))
	add(CodeSecretEmpty, "an empty secret", "")
	return found
}

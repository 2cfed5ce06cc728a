package access

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestNonce(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	owner := NonceOwner{Address{1}, 1}
	for name, c := range map[string]struct {
		key    []byte
		made   NonceOwner
		asked  NonceOwner
		after  time.Duration
		change func(string) string
		live   bool
	}{
		"of nobody":          {key, NonceOwner{}, owner, 0, nil, true},
		"of the owner":       {key, owner, owner, 0, nil, true},
		"almost expired":     {key, owner, owner, NonceLife - time.Millisecond, nil, true},
		"expired":            {key, owner, owner, NonceLife, nil, false},
		"from the future":    {key, owner, owner, -time.Hour, nil, false},
		"another wallet":     {key, owner, NonceOwner{Address{2}, 1}, 0, nil, false},
		"another chain":      {key, owner, NonceOwner{Address{1}, 5}, 0, nil, false},
		"another key":        {bytes.Repeat([]byte{8}, 32), owner, owner, 0, nil, false},
		"another random":     {key, owner, owner, 0, func(s string) string { return flipped(s, 0) }, false},
		"another expiry":     {key, owner, owner, 0, func(s string) string { return flipped(s, 2*nonceBody-1) }, false},
		"another seal":       {key, owner, owner, 0, func(s string) string { return flipped(s, len(s)-1) }, false},
		"in capitals":        {key, owner, owner, 0, strings.ToUpper, false}, // it would count twice
		"cut short":          {key, owner, owner, 0, func(s string) string { return s[:len(s)-2] }, false},
		"longer":             {key, owner, owner, 0, func(s string) string { return s + "00" }, false},
		"of an older kind":   {key, owner, owner, 0, func(string) string { return "abcdefgh12345678" }, false},
		"nothing":            {key, owner, owner, 0, func(string) string { return "" }, false},
		"the owner is asked": {key, NonceOwner{}, NonceOwner{}, 0, nil, true},
	} {
		nonce := NewNonce(c.key, c.made, noon)
		if !isNonce(nonce) || len(nonce) > 96 {
			t.Errorf("%q is no nonce", nonce)
		}
		if c.change != nil {
			nonce = c.change(nonce)
		}
		if name == "in capitals" && nonce == strings.ToLower(nonce) {
			continue // no letters
		}
		_, expires, live := ReadNonce(key, nonce, c.asked, noon.Add(c.after))
		if live != c.live || live && expires.Before(noon.Add(NonceLife)) {
			t.Errorf("%s: live is %t, until %s", name, live, expires)
		}
	}
}

func flipped(s string, i int) string {
	digit := byte('0')
	if s[i] == digit {
		digit = '1'
	}
	return s[:i] + string(digit) + s[i+1:]
}

package config

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSecret bounds what is read for a secret, in bytes.
const maxSecret = 64 << 10

// refers reports whether the text of a secret says where the secret is, rather
// than being it. Such a text may be shown.
func refers(s string) bool {
	return s == "-" || strings.HasPrefix(s, "@") || strings.HasPrefix(s, "env:")
}

// resolve follows @FILE, env:NAME and -. One trailing newline is lost. A place
// that holds nothing is a fault: whoever names one wants a secret to be there.
func (l *loader) resolve(g given) (string, error) {
	if !refers(g.text) {
		return trimNewline(g.text), nil
	}
	value, err := l.follow(g)
	if err != nil {
		return "", err
	}
	if value = trimNewline(value); value == "" {
		return "", errors.New("leads to an empty text, which is no secret")
	}
	return value, nil
}

func (l *loader) follow(g given) (string, error) {
	if name, found := strings.CutPrefix(g.text, "env:"); found {
		value, set := l.env[name]
		if !set {
			return "", errors.New("names an environment variable that is not set")
		}
		return value, nil
	}
	if name, found := strings.CutPrefix(g.text, "@"); found {
		value, err := readSecretFile(name)
		if err != nil {
			return "", fmt.Errorf("can't be read: %w", err)
		}
		return value, nil
	}
	if g.from != byFlag || l.stdin == nil {
		return "", errors.New("means standard input, which only a flag of a command that leaves it free may name; use @FILE or env:NAME")
	}
	value, err := readBounded(l.stdin)
	l.stdin = nil // what is read once is gone
	return value, err
}

func readSecretFile(name string) (_ string, err error) {
	f, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return readBounded(f)
}

func readBounded(r io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxSecret+1))
	if err != nil {
		return "", err
	}
	if len(raw) > maxSecret {
		return "", fmt.Errorf("holds more than %d bytes, which is no secret", maxSecret)
	}
	return string(raw), nil
}

// trimNewline drops exactly one line end, LF or CRLF.
func trimNewline(s string) string {
	s, found := strings.CutSuffix(s, "\n")
	if found {
		s = strings.TrimSuffix(s, "\r")
	}
	return s
}

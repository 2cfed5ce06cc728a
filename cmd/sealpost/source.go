package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// SRC, where a value comes from: @FILE, - for standard input, or the value
// itself; for secrets also env:NAME. A secret loses exactly one trailing
// newline, a body not one byte.

// maxRead bounds what is read from a file or standard input.
const maxRead = 64 << 20

// body reads a body from its source.
func (a *app) body(flag, source string) ([]byte, error) {
	switch {
	case source == "-":
		return a.readAll("standard input", a.streams.in)
	case strings.HasPrefix(source, "@"):
		return a.readFile(flag, source[1:])
	default:
		if !json.Valid([]byte(source)) && isFile(source) {
			return nil, &usageError{fmt.Sprintf("%s %q is the name of a file, and was taken for the value itself", flag, source),
				fmt.Sprintf("did you mean %s @%s? To use the name itself, write it to standard input and give %s -", flag, source, flag)}
		}
		if isFileName(source) {
			a.warn("%s %q is taken for the value itself; did you mean %s @%s?", flag, source, flag, source)
		}
		return []byte(source), nil
	}
}

// isFileName reports whether a value looks like the name of a file that is not there.
func isFileName(text string) bool {
	return len(text) < 256 && !strings.ContainsAny(text, " \n\t{[\"") && slices.Contains([]string{".json", ".txt", ".http", ".har", ".bin", ".log", ".raw", ".pem", ".key"}, strings.ToLower(path.Ext(text)))
}

// isFile reports whether a value that was given as it is names a file.
func isFile(text string) bool {
	if text == "" || len(text) > 1024 || strings.ContainsAny(text, "\x00\n\r") {
		return false
	}
	info, err := os.Stat(text)
	return err == nil && info.Mode().IsRegular()
}

// meant returns a hint with the source that was probably meant by a value that is
// none: a file's or a variable's name without its mark.
func (a *app) meant(flag, source, hint string) string {
	switch {
	case a.isVariable(source):
		return fmt.Sprintf("did you mean %s env:%s?", flag, source)
	case isFile(source), strings.ContainsAny(source, "./\\") && len(source) < 256 && !strings.ContainsAny(source, " \n") && path.Ext(source) != "":
		return fmt.Sprintf("did you mean %s @%s? %s", flag, source, hint)
	}
	return hint
}

// isVariable reports whether a text is the name of a variable that is set.
func (a *app) isVariable(text string) bool {
	return text != "" && slices.ContainsFunc(a.env, func(pair string) bool { return strings.HasPrefix(pair, text+"=") })
}

func (a *app) readFile(flag, name string) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // the user names the file
	if err != nil {
		return nil, &usageError{fmt.Sprintf("%s: %v", flag, err), "check the path; - reads standard input"}
	}
	defer file.Close() //nolint:errcheck // it was only read
	return a.readAll(name, file)
}

func (a *app) readAll(name string, r io.Reader) ([]byte, error) {
	defer a.awaitInput()()
	text, err := io.ReadAll(io.LimitReader(r, maxRead+1))
	if err != nil {
		return nil, &usageError{fmt.Sprintf("reading %s: %v", name, err), ""}
	}
	if len(text) > maxRead {
		return nil, webhook.Errorf(webhook.CodeTooLarge, fmt.Sprintf("%s is larger than %d bytes", name, maxRead))
	}
	return text, nil
}

// secretText reads a secret's text from its source, without judging it.
func (a *app) secretText(flag, source string) (string, error) {
	switch {
	case strings.HasPrefix(source, "env:"):
		name := source[len("env:"):]
		for _, pair := range a.env {
			if value, found := strings.CutPrefix(pair, name+"="); found {
				return trimNewline(value), nil
			}
		}
		return "", &usageError{fmt.Sprintf("%s: the environment variable %s is not set", flag, name), "export it, or use @FILE"}
	case source == "-" || strings.HasPrefix(source, "@"):
		raw, err := a.body(flag, source)
		if err != nil {
			return "", err
		}
		if len(raw) > secret.MaxBytes+2 {
			return "", &usageError{fmt.Sprintf("%s: %s", flag, secret.ErrLong), ""}
		}
		return trimNewline(string(raw)), nil
	default:
		if isFile(source) || a.isVariable(source) {
			return "", &usageError{fmt.Sprintf("%s %q is the name of a file or variable, and was taken for the secret itself", flag, source), a.meant(flag, source, "")}
		}
		if !a.quiet {
			a.warn("%s holds the secret itself, so it shows in the process list and the shell's history; use @FILE, - or env:NAME", flag)
		}
		return source, nil
	}
}

// signingSecret reads and judges a secret.
func (a *app) signingSecret(flag, source string) (secret.Text, error) {
	text, err := a.secretText(flag, source)
	if err != nil {
		return secret.Text{}, err
	}
	value, err := secret.Parse(text)
	if err != nil {
		return secret.Text{}, &usageError{fmt.Sprintf("%s: %v", flag, err), a.meant(flag, source, "a secret has 24 bytes or more; `openssl rand -hex 32` makes one")}
	}
	return value, nil
}

func trimNewline(s string) string {
	s, found := strings.CutSuffix(s, "\n")
	if found {
		s = strings.TrimSuffix(s, "\r")
	}
	return s
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"sealpost/internal/config"
	"sealpost/internal/webhook"
)

// The exit codes of the contract (part 9).
const (
	exitDone        = 0
	exitNegative    = 1 // verdict negative, or a delivery failed for good
	exitUsage       = 2 // usage or invalid input
	exitNotFound    = 3
	exitConflict    = 4 // also: confirmation missing
	exitEnvironment = 5 // database, daemon or configuration not usable
	exitTimeout     = 6 // outcome not known yet
	exitUnwanted    = 7 // stored, but no webhook wants it
	exitExpectation = 8
	exitDenied      = 9
	exitBug         = 70
	exitInterrupted = 130
	exitTerminated  = 143
)

// exitCodes maps codes of errors to exit codes.
var exitCodes = map[webhook.Code]int{
	webhook.CodeInvalidName:        exitUsage,
	webhook.CodeBadRequest:         exitUsage,
	webhook.CodeInvalidURL:         exitUsage,
	webhook.CodeTooLarge:           exitUsage,
	webhook.CodeUnsupportedMedia:   exitUsage,
	webhook.CodeBadPanda:           exitUsage,
	webhook.CodeUnauthorized:       exitDenied,
	webhook.CodeNoPermission:       exitDenied,
	webhook.CodeNoOrganization:     exitDenied,
	webhook.CodeNotFound:           exitNotFound,
	webhook.CodeNameConflict:       exitConflict,
	webhook.CodeEventConflict:      exitConflict,
	webhook.CodeRotationInProgress: exitConflict,
	webhook.CodeConflict:           exitConflict,
	webhook.CodePreconditionFailed: exitConflict,
	webhook.CodeTooManyRequests:    exitEnvironment,
	webhook.CodeLimitReached:       exitEnvironment,
	webhook.CodeUnavailable:        exitEnvironment,
	webhook.CodeTimeout:            exitTimeout,
	webhook.CodeInternal:           exitBug,
}

// verdict ends a command with an exit code after it has said everything
// itself.
type verdict struct{ code int }

func (v verdict) Error() string { return fmt.Sprintf("exit code %d", v.code) }

// bug is a recovered panic.
type bug struct {
	value any
	stack []byte
}

func (b bug) Error() string { return fmt.Sprintf("this is a bug in sealpost: %v", b.value) }

func signalCode(s os.Signal) int {
	if s == syscall.SIGTERM {
		return exitTerminated
	}
	return exitInterrupted
}

// interruption is the error of a command that a signal ended.
func interruption(cause, err error) error {
	var by signalled
	if errors.As(cause, &by) {
		return verdictOr(err, by)
	}
	return err
}

// verdictOr keeps a verdict that was reached before the signal counted.
func verdictOr(err error, by signalled) error {
	var v verdict
	if errors.As(err, &v) {
		return v
	}
	return by
}

// fault is an error as people and programs see it.
type fault struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
	Exit    int    `json:"exit_code"`
}

// describe turns any error into what is shown and how the process ends.
func describe(err error) fault {
	var known *webhook.Error
	var usage *usageError
	var file *config.FileError
	var by signalled
	var b bug
	switch {
	case errors.As(err, &b):
		return fault{"bug", b.Error(), "please report it with the lines above", exitBug}
	case errors.As(err, &usage):
		return fault{"usage", usage.message, usage.hint, exitUsage}
	case errors.As(err, &by):
		return fault{"interrupted", by.Error(), "", signalCode(by.signal)}
	case errors.As(err, &known):
		code, found := exitCodes[known.Code]
		if !found {
			code = exitBug
		}
		return fault{string(known.Code), text(known), known.Hint, code}
	case errors.As(err, &file):
		return fault{"config unreadable", file.Error(), "name another file with --config, or correct it", exitEnvironment}
	case errors.Is(err, context.DeadlineExceeded):
		return fault{"timeout", "the time is up before the outcome is known", "ask again later, or give more --timeout", exitTimeout}
	case errors.Is(err, fs.ErrNotExist):
		return fault{"not found", err.Error(), "", exitUsage}
	default:
		return fault{"failed", err.Error(), "", exitEnvironment}
	}
}

// text is an error's messages, one a line.
func text(err *webhook.Error) string {
	if len(err.Messages) == 0 {
		return string(err.Code)
	}
	return strings.Join(err.Messages, "\n")
}

// unheard reports whether whoever read our output has gone, which is their choice.
// Any other pipe that broke, the connection to a server say, is a fault.
func unheard(err error) bool {
	var write *fs.PathError
	return errors.As(err, &write) && write.Path == os.Stdout.Name() && errors.Is(write, syscall.EPIPE)
}

// heard adds to what came of the work what came of telling it: that nobody listens
// changes nothing about the work.
func heard(printing, err error) error {
	if unheard(printing) {
		return err
	}
	return errors.Join(printing, err)
}

// report says what went wrong, in the form that was asked for, and returns the
// exit code.
func (a *app) report(err error) int {
	var v verdict
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &v):
		return v.code
	case unheard(err):
		return exitDone
	}
	f := describe(err)
	var b bug
	if errors.As(err, &b) {
		fmt.Fprintf(a.streams.err, "%s\n", b.stack)
	}
	if a.json() {
		text, _ := json.Marshal(map[string]fault{"error": f})
		fmt.Fprintf(a.streams.err, "%s\n", escaped(string(text)))
		return f.Exit
	}
	fmt.Fprintf(a.streams.err, "%s %s\n", unmarked(a.style(styleError, "error:")), strings.ReplaceAll(escaped(f.Message), "\n", "\n       "))
	if f.Hint != "" {
		fmt.Fprintf(a.streams.err, "%s %s\n", unmarked(a.style(styleHint, "hint: ")), escaped(f.Hint))
	}
	return f.Exit
}

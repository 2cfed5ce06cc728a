package webhook

import (
	"errors"
	"strings"
)

// Code names a kind of fault. Codes are part of the contract: they are the
// "code" of an HTTP answer and decide the command line's exit status.
type Code string

// The codes of the contract (part 2), and ours where it is silent.
const (
	CodeInvalidName        Code = "invalid name"
	CodeBadRequest         Code = "bad request"
	CodeInvalidURL         Code = "invalid url"
	CodeUnauthorized       Code = "unauthorized"
	CodeNoOrganization     Code = "no organization"
	CodeNoPermission       Code = "no permission"
	CodeNotFound           Code = "not found"
	CodeNameConflict       Code = "name conflict"
	CodeEventConflict      Code = "event conflict"
	CodeRotationInProgress Code = "rotation in progress"
	CodeConflict           Code = "conflict"
	CodePreconditionFailed Code = "precondition failed"
	CodeTooLarge           Code = "too large"
	CodeUnsupportedMedia   Code = "unsupported media type"
	CodeTooManyRequests    Code = "too many requests"
	CodeLimitReached       Code = "limit reached"
	CodeUnavailable        Code = "unavailable"
	CodeBadPanda           Code = "bad panda"
	CodeTimeout            Code = "timeout"
	CodeInternal           Code = "internal error"
)

// Error is a fault that people see: a code, one message a fault found, a hint
// that says what to do next, whether waiting is enough, and the cause for
// errors.Is and errors.As.
type Error struct {
	Code     Code
	Messages []string
	Outside  []string // what clients of the API see instead of the messages; nil: they see those
	Hint     string
	Waiting  bool // of [CodeLimitReached]: the same call may succeed later
	Reason   Reason
	Err      error
}

// Reason names what refused a call, for metrics and for readiness. There are few
// of them: the constants here and the keys of the bounds' table.
type Reason string

// The daemon refuses calls for these reasons, besides the bounds of an organization.
const (
	ReasonDiskFull Reason = "disk_full"      // a write found no space on the disk
	ReasonMinFree  Reason = "min_free"       // the disk has less free space than storage.min_free
	ReasonLocked   Reason = "locked"         // another process holds the database's lock
	ReasonMemory   Reason = "request_memory" // request bodies fill their memory, or connections have too many streams
	ReasonSlowRead Reason = "slow_read"      // a list took too long
	ReasonSignIn   Reason = "sign_in"        // one client signs in too often
)

// Errorf makes an [Error] with one message.
func Errorf(code Code, message string) *Error {
	return &Error{Code: code, Messages: []string{message}}
}

// WithHint returns the error with advice on what to do next.
func (e *Error) WithHint(hint string) *Error {
	e.Hint = hint
	return e
}

// For returns the error with what refused the call.
func (e *Error) For(reason Reason) *Error {
	e.Reason = reason
	return e
}

// Wrap returns the error with its cause.
func (e *Error) Wrap(cause error) *Error {
	e.Err = cause
	return e
}

// Error implements error: the messages, or the bare code when there are none.
func (e *Error) Error() string {
	if len(e.Messages) == 0 {
		return string(e.Code)
	}
	return strings.Join(e.Messages, "; ")
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReasonOf returns what refused a call, of the first [Error] in err's chain; "" when
// nothing is said.
func ReasonOf(err error) Reason {
	var fault *Error
	if errors.As(err, &fault) {
		return fault.Reason
	}
	return ""
}

// CodeOf returns the code of the first [Error] in err's chain, or
// [CodeInternal] when there is none.
func CodeOf(err error) Code {
	var fault *Error
	if errors.As(err, &fault) {
		return fault.Code
	}
	return CodeInternal
}

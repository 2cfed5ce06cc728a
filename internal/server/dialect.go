package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// The calls below authPath speak as better-auth's own server does, so that its
// clients work unchanged: errors are {message, code} with a text and a code in
// capitals, and conflicts and unknown things are 400.
const authPath = "/api/auth/"

// maxAuth bounds the body of a sign-in call, in bytes: a message
// ([access.MaxMessage]) whose every byte is escaped, and what goes with it.
const maxAuth = 64 << 10

// refusal is an error as better-auth's clients see it.
type refusal struct {
	Message string `json:"message"`
	Code    string `json:"code"`
}

// spoken has a call answered in better-auth's dialect. Those that change
// something are refused to pages of other origins, with or without a cookie:
// nobody else's page is to sign a browser in or out.
func (s *Server) spoken(h func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.foreign(r) {
			s.count(webhook.CodeNoPermission, "")
			writeJSON(w, http.StatusForbidden, refusal{"Invalid origin", "INVALID_ORIGIN"})
			return
		}
		if err := h(w, r); err != nil {
			s.refuse(w, err)
		}
	}
}

// signedIn is a spoken call of someone with a live session.
func (s *Server) signedIn(h func(w http.ResponseWriter, r *http.Request, who access.SignedIn) error) http.HandlerFunc {
	return s.spoken(func(w http.ResponseWriter, r *http.Request) error {
		token, found, err := s.sessionToken(r)
		if err != nil {
			return err
		}
		if !found {
			return access.Fault(access.CodeUnauthorized, "")
		}
		who, err := s.session(w, r, token)
		if err != nil {
			return err
		}
		return h(w, r, who)
	})
}

// refuse answers with an error in better-auth's dialect.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	p, status := s.problemOf(err)
	out := refusal{strings.Join(p.Message, "; "), capitals(p.Code)}
	var fault *access.Error
	if errors.As(err, &fault) {
		out.Code = string(fault.Code)
	}
	switch status {
	case http.StatusNotFound, http.StatusConflict:
		status = http.StatusBadRequest
	case http.StatusForbidden:
		if webhook.CodeOf(err) == webhook.CodeNoOrganization {
			status = http.StatusBadRequest
		}
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		if w.Header().Get("Retry-After") == "" {
			w.Header().Set("Retry-After", "1")
		}
	case http.StatusRequestEntityTooLarge:
		w.Header().Set("Connection", "close") // the rest is not read
	}
	if out.Message == "" {
		out.Message = http.StatusText(status)
	}
	writeJSON(w, status, out)
}

// capitals writes a code as better-auth would.
func capitals(code string) string { return strings.ToUpper(strings.ReplaceAll(code, " ", "_")) }

// tooMany refuses a request that may come again after wait.
func tooMany(w http.ResponseWriter, wait time.Duration) error {
	seconds := int64((wait + time.Second - 1) / time.Second)
	w.Header().Set("Retry-After", strconv.FormatInt(max(seconds, 1), 10))
	return webhook.Errorf(webhook.CodeTooManyRequests, "Too many requests. Please try again later.").For(webhook.ReasonSignIn)
}

// authBody reads the members of a request. No body is one without members, as
// clients send it where they have nothing to say; members of no meaning here are
// ignored.
func (s *Server) authBody(w http.ResponseWriter, r *http.Request, into any) error {
	if r.ContentLength == 0 {
		return nil
	}
	body, err := s.jsonBody(w, r, maxAuth)
	if err != nil {
		return err
	}
	var mismatch *json.UnmarshalTypeError
	err = webhook.Unmarshal(body, into)
	switch {
	case err == nil:
		return nil
	case errors.As(json.Unmarshal(body, into), &mismatch) && mismatch.Field != "":
		return invalid(mismatch.Field, "expected "+kindOf(mismatch)+", received "+mismatch.Value)
	case errors.Is(err, webhook.ErrNotJSON):
		return webhook.Errorf(webhook.CodeBadRequest, "Invalid JSON in request body: "+err.Error())
	}
	return err
}

// kindOf names what a member should have been, in JSON's words.
func kindOf(mismatch *json.UnmarshalTypeError) string {
	switch kind := mismatch.Type.Kind().String(); kind {
	case "float64":
		return "number"
	case "slice":
		return "array"
	case "map", "struct":
		return "object"
	case "bool":
		return "boolean"
	default:
		return kind
	}
}

// invalid says what is wrong with a member of the body.
func invalid(member, reason string) error {
	return access.Fault(access.CodeValidation, fmt.Sprintf("[body.%s] %s", member, reason))
}

// required returns nil when all of the members, given as name and value by
// turns, are there.
func required(members ...string) error {
	var faults []string
	for i := 0; i < len(members); i += 2 {
		if members[i+1] == "" {
			faults = append(faults, fmt.Sprintf("[body.%s] expected a string that is not empty", members[i]))
		}
	}
	if faults != nil {
		return access.Fault(access.CodeValidation, strings.Join(faults, "; "))
	}
	return nil
}

package server

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"

	"sealpost/internal/webhook"
)

// trusted is for how many bytes of a body, at most, there is room before they
// have come: to promise more costs a client nothing.
const trusted = 16 << 10

// maxConfig bounds the body of a webhook call, in bytes.
const maxConfig = 64 << 10

// isJSON reports whether a request says that its body is JSON: application/json
// or application/…+json, with any parameters.
func isJSON(r *http.Request) bool {
	header := r.Header.Get("Content-Type")
	if header == "application/json" {
		return true
	}
	kind, _, err := mime.ParseMediaType(header)
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

func unsupported(r *http.Request) error {
	return webhook.Errorf(webhook.CodeUnsupportedMedia, fmt.Sprintf("Content-Type is %q; application/json is needed", r.Header.Get("Content-Type")))
}

// unencoded refuses a body that was compressed on the way: what would come out
// of it has no bound.
func unencoded(r *http.Request) error {
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return webhook.Errorf(webhook.CodeUnsupportedMedia, fmt.Sprintf("Content-Encoding is %q; bodies come as they are", encoding))
	}
	return nil
}

// jsonBody reads a JSON body of bounded size.
func jsonBody(w http.ResponseWriter, r *http.Request, most int) ([]byte, error) {
	if !isJSON(r) {
		return nil, unsupported(r)
	}
	if err := unencoded(r); err != nil {
		return nil, err
	}
	return readBody(w, r, most)
}

// readBody reads a body of bounded size; one that says it is larger isn't read
// at all.
func readBody(w http.ResponseWriter, r *http.Request, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return nil, tooLarge(most)
	}
	promised := min(max(r.ContentLength, 0), trusted)
	body := bytes.NewBuffer(make([]byte, 0, promised+bytes.MinRead)) // room to find the end without growing
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, int64(most)))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return nil, tooLarge(most)
	case err != nil:
		return nil, webhook.Errorf(webhook.CodeBadRequest, "the body could not be read whole")
	}
	return body.Bytes(), nil
}

func tooLarge(most int) error {
	return webhook.Errorf(webhook.CodeTooLarge, fmt.Sprintf("the body is larger than %d bytes", most))
}

package server

import (
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"sealpost/internal/webhook"
)

// A body is read piece by piece: to promise more costs a client nothing.
const (
	firstPiece = 16 << 10 // bytes
	growth     = 4        // each further piece brings what has come to so many times as much
)

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
func (s *Server) jsonBody(w http.ResponseWriter, r *http.Request, most int) ([]byte, error) {
	if !isJSON(r) {
		return nil, unsupported(r)
	}
	if err := unencoded(r); err != nil {
		return nil, err
	}
	return s.readBody(w, r, most, nil)
}

// readBody reads a body of bounded size, and writes each piece to seen as well
// unless that is nil. A body that says it is larger isn't read at all.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, most int, seen io.Writer) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return nil, tooLarge(most)
	}
	x, carries := w.(*exchange)
	if !carries || r.ContentLength == 0 {
		return []byte{}, nil
	}
	x.work(false) // it waits for the client
	body, err := x.reading.all(r.Body, r.ContentLength, most, seen)
	x.work(true)
	if err == nil && r.TransferEncoding == nil {
		w.Header().Del("Connection") // nothing is left unread; see ServeHTTP
	}
	return body, err
}

func tooLarge(most int) error {
	return webhook.Errorf(webhook.CodeTooLarge, fmt.Sprintf("the body is larger than %d bytes", most))
}

package story

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Sentry is a server that takes envelopes as Sentry does, and keeps what
// arrived: headers and all, byte for byte.
type Sentry struct {
	*httptest.Server
	mu       sync.Mutex
	arrived  bytes.Buffer
	messages chan SentryReport
}

// SentryReport is an envelope's event, as far as a person looks at it first.
type SentryReport struct {
	Level    string
	Message  string
	Release  string
	Contexts struct{ Sealpost map[string]string }
}

// NewSentry starts a Sentry that ends with the test.
func NewSentry(t *testing.T) *Sentry {
	t.Helper()
	s := &Sentry{messages: make(chan SentryReport, 1024)}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		fmt.Fprintf(&s.arrived, "%s %s %v\n%s\n", r.Method, r.URL, r.Header, body)
		// An envelope is a line of headers, and for each item a line of headers and one of payload.
		lines := bytes.SplitN(body, []byte("\n"), 3)
		if r.Method != http.MethodPost || r.URL.Path != "/api/7/envelope/" || !strings.Contains(r.Header.Get("X-Sentry-Auth"), "sentry_key=key-of-sentry") || len(lines) != 3 {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		var got SentryReport
		if err := json.Unmarshal(lines[2], &got); err == nil {
			s.messages <- got
		}
		_, _ = io.WriteString(w, `{"id":"fd6d8c0c43fc4630ad850ee518f1b9d0"}`)
	}))
	t.Cleanup(s.Close)
	return s
}

// DSN is the address under which the program reports to it.
func (s *Sentry) DSN() string {
	return strings.Replace(s.URL, "http://", "http://key-of-sentry@", 1) + "/7"
}

// Next waits for a report whose message holds a text.
func (s *Sentry) Next(t *testing.T, message string) SentryReport {
	t.Helper()
	deadline := time.After(Patience)
	for {
		select {
		case got := <-s.messages:
			if strings.Contains(got.Message, message) {
				return got
			}
		case <-deadline:
			t.Fatalf("nobody told Sentry of %q; what arrived:\n%s", message, s.arrived.String())
		}
	}
}

// Arrived is every byte that came, headers and all.
func (s *Sentry) Arrived() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.arrived.String()
}

// Waiting returns a report that has come and that nobody took yet, or nil.
func (s *Sentry) Waiting() *SentryReport {
	select {
	case got := <-s.messages:
		return &got
	default:
		return nil
	}
}

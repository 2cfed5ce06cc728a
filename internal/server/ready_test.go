package server_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// TestReady answers 503 until the daemon says so.
func TestReady(t *testing.T) {
	s := server.New(server.Options{})
	for _, ready := range []bool{false, true, false} {
		s.Ready(ready)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if (w.Code == http.StatusOK) != ready {
			t.Errorf("ready %t: %d", ready, w.Code)
		}
	}
}

// TestReadyNamesTheReason has the disk be full, or nearly: /readyz says which, and
// names no file.
func TestReadyNamesTheReason(t *testing.T) {
	var why error
	s := server.New(server.Options{Spare: func() error { return why }})
	s.Ready(true)
	for reason, message := range map[webhook.Reason]string{
		webhook.ReasonDiskFull: "no space is left on the disk",
		webhook.ReasonMinFree:  "the disk has less free space than storage.min_free",
	} {
		why = webhook.Errorf(webhook.CodeUnavailable, "the disk of /var/lib/s.db has a problem").For(reason)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if want := `{"code":"unavailable","message":["` + message + `"]}`; w.Code != http.StatusServiceUnavailable || w.Body.String() != want || s.IsReady() {
			t.Errorf("%s: %d %s", reason, w.Code, w.Body)
		}
	}
}

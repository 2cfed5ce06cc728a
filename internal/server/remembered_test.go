package server_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/store"
)

// TestRevokedAfterItWasRemembered publishes often enough for the token to be
// remembered, and revokes it: in this process, by another one on the same file,
// and by who changes its role. The next event is refused, whatever is wrong with it besides.
func TestRevokedAfterItWasRemembered(t *testing.T) {
	for _, body := range []string{`{"resource":"a","action":"b","body":{}}`, `{"resource":"A"}`, `[`} {
		for _, elsewhere := range []bool{false, true} {
			t.Run(fmt.Sprint(body, " elsewhere ", elsewhere), func(t *testing.T) {
				e := newEdge(t, nil)
				token := e.token("acme", access.Publisher)
				for range 3 {
					e.want("live", e.ask("POST", "/api/event", `{"resource":"a","action":"b","body":{}}`, "Authorization", token), 202, "")
				}
				who := e.store
				if elsewhere {
					var err error
					who, err = store.Open(t.Context(), store.Options{Path: filepath.Join(e.dir, "sealpost.db")})
					e.must(err)
					defer who.Close() //nolint:errcheck // it has written what it was to write
				}
				e.must(who.RevokeToken(e.Context(), "acme", "publisher", e.time()))
				e.want("revoked", e.ask("POST", "/api/event", body, "Authorization", token), 401, "unauthorized")
			})
		}
	}
}

// TestRevokedWhilePublishing has many publish while their token is revoked:
// nothing that was asked for after the revocation was answered is accepted.
func TestRevokedWhilePublishing(t *testing.T) {
	e := newEdge(t, nil)
	token := e.token("acme", access.Publisher)
	var wg sync.WaitGroup
	revoked := make(chan struct{})
	for range 8 {
		wg.Go(func() {
			for {
				late := false
				select {
				case <-revoked:
					late = true
				default:
				}
				got := e.ask("POST", "/api/event", `{"resource":"a","action":"b","body":{}}`, "Authorization", token)
				switch {
				case got.status == http.StatusUnauthorized:
					return
				case got.status != http.StatusAccepted || late:
					t.Errorf("%d %s, late: %v", got.status, got.body, late)
					return
				}
			}
		})
	}
	for range 50 {
		e.want("meanwhile", e.ask("POST", "/api/event", `{"resource":"a","action":"b","body":{}}`, "Authorization", token), 202, "")
	}
	e.must(e.store.RevokeToken(e.Context(), "acme", "publisher", e.time()))
	close(revoked)
	wg.Wait()
}

package server_test

import (
	"testing"
	"time"

	"sealpost/internal/access"
)

// TestClockIsSetUnderAToken: a token that expires goes by the clock of each
// request, also once publishing remembers it, whichever way the clock is set.
func TestClockIsSetUnderAToken(t *testing.T) {
	e := newEdge(t, nil)
	token, text, err := access.NewToken("", "app", access.Admin, access.Owner, 12*time.Hour, e.time())
	e.must(err)
	e.must(e.store.AddToken(e.Context(), "acme", token))
	began := e.time()
	for _, set := range []struct {
		to   time.Duration
		live bool
	}{{0, true}, {-time.Hour, true}, {12*time.Hour - time.Second, true}, {12 * time.Hour, false}, {24 * time.Hour, false}, {11 * time.Hour, true}, {12 * time.Hour, false}} {
		e.wait(began.Add(set.to).Sub(e.time()))
		published, listed, code := 202, 200, ""
		if !set.live {
			published, listed, code = 401, 401, "unauthorized"
		}
		for range 2 {
			e.want(set.to.String(), e.ask("POST", "/api/event", `{"resource":"a","action":"b","body":{}}`, "Authorization", "Bearer "+text.Reveal()), published, code)
			e.want(set.to.String(), e.ask("GET", "/api/webhook", "", "Authorization", "Bearer "+text.Reveal()), listed, code)
		}
	}
}

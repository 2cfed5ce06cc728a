package story

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// Hanging starts a receiver that takes requests and never answers.
func Hanging(t testing.TB) (server *httptest.Server, arrived chan struct{}) {
	t.Helper()
	arrived = make(chan struct{}, 16)
	server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the caller has gone
		arrived <- struct{}{}
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // or it would answer 200 to a caller that is just leaving
	}))
	t.Cleanup(server.Close)
	return server, arrived
}

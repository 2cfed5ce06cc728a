package server

import (
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// What one client can hold on to. How many connections there are is bounded at
// the listener, by the setting max_connections.
const (
	headerTime  = 10 * time.Second // to send a request's headers
	requestTime = time.Minute      // to send all of it
	answerTime  = 2 * time.Minute  // from the headers to the last byte of the answer
	idleTime    = 2 * time.Minute  // between two requests of a connection
	maxHeader   = 64 << 10         // bytes of headers; beyond, net/http answers 431
	maxPath     = 2048             // bytes of a path
	maxStreams  = 100              // of one HTTP/2 connection, at a time
)

// HTTP is the server that the edge is served by.
func HTTP(edge http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: edge, ReadHeaderTimeout: headerTime, ReadTimeout: requestTime, WriteTimeout: answerTime, IdleTimeout: idleTime,
		HTTP2:          &http.HTTP2Config{MaxConcurrentStreams: maxStreams, MaxReadFrameSize: 16 << 10, MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 256 << 10},
		MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// straight reports whether an escaped path means what it says: it has no empty
// segment, and none that is . or .. in whatever spelling. An encoded slash is a
// part of a segment (an event's id may have one) and never ends it.
func straight(escaped string) bool {
	if len(escaped) > maxPath || !strings.HasPrefix(escaped, "/") {
		return false
	}
	for segment := range strings.SplitSeq(escaped[1:], "/") {
		if plain, err := url.PathUnescape(segment); err != nil || plain == "" || plain == "." || plain == ".." {
			return false
		}
	}
	return true
}

// withoutSlash returns the request without the slash at the end of its path.
func withoutSlash(r *http.Request) *http.Request {
	clone, u := *r, *r.URL
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/"), strings.TrimSuffix(u.RawPath, "/")
	clone.URL = &u
	return &clone
}

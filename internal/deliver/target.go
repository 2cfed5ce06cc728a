package deliver

import (
	"net/netip"
	"net/url"

	"sealpost/internal/webhook"
)

// target is a URL of a lane's receiver, parsed once.
type target struct {
	text string
	url  *url.URL
	err  error

	host  string // and port
	named bool   // its host is a name, not an address
}

// newTarget parses a URL.
func newTarget(text string) *target {
	to := &target{text: text}
	if to.url, to.err = webhook.ParseURL(text); to.err == nil {
		to.host = hostKey(to.url)
		_, err := netip.ParseAddr(to.url.Hostname())
		to.named = err != nil
	}
	return to
}

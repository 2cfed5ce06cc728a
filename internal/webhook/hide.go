package webhook

import (
	"net/netip"
	"regexp"
	"strings"
)

// HideURL returns what everybody may see of a webhook's URL: its scheme and
// host, and /… in place of all that follows. Paths and queries carry secrets, for
// instance the tokens of chat services.
func HideURL(url string) string {
	scheme, rest, found := strings.Cut(url, "://")
	if !found {
		return "…"
	}
	if end := strings.IndexAny(rest, `/?#\`); end >= 0 {
		rest = rest[:end]
	}
	return scheme + "://" + rest[strings.LastIndexByte(rest, '@')+1:] + "/…"
}

var urls = regexp.MustCompile(`(?i)\bhttps?://[^\s"'<>]+`)

// HideURLs returns a text in which each URL is as [HideURL] shows it.
func HideURLs(text string) string { return urls.ReplaceAllStringFunc(text, HideURL) }

// addresses are runs that may be an IP address, with or without port and zone.
var addresses = regexp.MustCompile(`\[?(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(?:%[0-9A-Za-z_.-]+)?\]?(?::\d{1,5})?`)

// HideAddresses returns a text without IP addresses: what the daemon's own
// network looks like is told on its machine only. Each becomes "(address)".
func HideAddresses(text string) string {
	return addresses.ReplaceAllStringFunc(text, func(run string) string {
		bare := strings.TrimRight(run, ":.")
		if _, err := netip.ParseAddrPort(bare); err == nil {
			return "(address)" + run[len(bare):]
		}
		if _, err := netip.ParseAddr(strings.Trim(bare, "[]")); err == nil {
			return "(address)" + run[len(bare):]
		}
		return run
	})
}

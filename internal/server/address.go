package server

import (
	"net/netip"
	"slices"
	"strings"
)

// clientAddress is whom a request counts for: the peer, or behind trusted
// proxies the nearest address in X-Forwarded-For that is none of them. What
// stands left of it anybody may have written, and it is not looked at. The zero
// address is a peer that has none.
func clientAddress(peer string, forwarded []string, trusted []netip.Prefix) netip.Addr {
	client := parseAddress(peer)
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(client) }) {
			break
		}
		before := parseAddress(strings.TrimSpace(hop))
		if !before.IsValid() {
			break
		}
		client = before
	}
	return client
}

// parseAddress reads an IP address with or without a port.
func parseAddress(text string) netip.Addr {
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone("")
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return address.Unmap().WithZone("")
}

package guard

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// exception is one entry of egress.allow: addresses, one host name, or all names
// below one, each on one port or on all.
type exception struct {
	text   string
	prefix netip.Prefix // when it is for addresses
	host   string       // when it is for a name, or for the names below it
	below  bool         // it is for the names below host
	port   uint16       // 0 is any
}

// parseException reads CIDR, CIDR:port, an address, address:port, a host name,
// *.name, and both with :port; IPv6 goes in brackets when a port follows.
func parseException(text string) (exception, error) {
	e := exception{text: text}
	bad := func(why string) (exception, error) {
		return e, fmt.Errorf("egress.allow: %q %s; examples are 10.1.0.0/16, 127.0.0.1/32:8443, [::1]:8443, hooks.corp.example and *.corp.example", text, why)
	}
	target := strings.TrimSpace(text)
	if target == "" {
		return bad("is empty")
	}
	if target, ok := e.cutPort(target); !ok {
		return bad("has a port that is not one of 1 to 65535")
	} else if addr, prefix, isAddr := parsePlace(target); isAddr {
		if addr.Zone() != "" {
			return bad("carries a zone")
		}
		if prefix.Bits() == 0 {
			return bad("would allow every address")
		}
		if network := prefix.Masked(); network != prefix { // maybe one address was meant, maybe the network
			return bad(fmt.Sprintf("is an address and the length of a network: write %s for the network, or %s for the one address", network, netip.PrefixFrom(addr, addr.BitLen())))
		}
		e.prefix = prefix
		return e, nil
	} else {
		target, e.below = strings.CutPrefix(target, "*.")
		ascii, ok := asciiName(target)
		if !ok || numeric(ascii) {
			return bad("is neither a CIDR nor a host name")
		}
		e.host = ascii
		return e, nil
	}
}

// cutPort takes a port off the end of an entry.
func (e *exception) cutPort(target string) (rest string, ok bool) {
	i := strings.LastIndexByte(target, ':')
	if i < 0 || strings.Count(target, ":") > 1 && !strings.Contains(target, "]") {
		return target, true
	}
	head, tail := target[:i], target[i+1:]
	if strings.HasSuffix(tail, "]") || strings.Contains(tail, "]") {
		return target, true // the colon is inside the brackets
	}
	port, err := strconv.ParseUint(tail, 10, 16)
	if err != nil || port == 0 {
		return "", false
	}
	e.port = uint16(port)
	return head, true
}

func parsePlace(text string) (addr netip.Addr, prefix netip.Prefix, ok bool) {
	text = strings.NewReplacer("[", "", "]", "").Replace(text)
	if p, err := netip.ParsePrefix(text); err == nil {
		if p.Addr().Is4In6() {
			return netip.Addr{}, netip.Prefix{}, false
		}
		return p.Addr(), p, true
	}
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap()
		return a, netip.PrefixFrom(a.WithZone(""), a.BitLen()), true
	}
	return netip.Addr{}, netip.Prefix{}, false
}

// admits reports whether an address and port are allowed by an exception for
// addresses. A metadata service must be named singly.
func (g *Guard) admits(addr netip.Addr, port uint16) bool {
	if addr.Zone() != "" {
		return false
	}
	addr = addr.Unmap()
	metadata := isMetadata(addr)
	for _, e := range g.exceptions {
		if e.host == "" && e.prefix.Contains(addr) && (e.port == 0 || e.port == port) && (!metadata || e.prefix.IsSingleIP()) {
			return true
		}
	}
	return false
}

// admitsName reports whether a host name is allowed by an exception of its
// own, so that it may lead to any address but a metadata service.
func (g *Guard) admitsName(host string, port uint16) bool {
	for _, e := range g.exceptions {
		if e.host == "" || e.port != 0 && e.port != port {
			continue
		}
		if e.below && strings.HasSuffix(host, "."+e.host) || !e.below && host == e.host {
			return true
		}
	}
	return false
}

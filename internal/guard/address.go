package guard

import "net/netip"

// block is one entry of a registry.
type block struct {
	prefix netip.Prefix
	reason Reason
}

func blocks(reason Reason, prefixes ...string) []block {
	list := make([]block, len(prefixes))
	for i, p := range prefixes {
		list[i] = block{netip.MustParsePrefix(p), reason}
	}
	return list
}

func join(lists ...[]block) (all []block) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// special are the blocks of the IANA IPv4 and IPv6 Special-Purpose Address
// Registries (RFC 6890 and its updates), the multicast and reserved spaces, and
// the addresses of cloud metadata services. The first match counts, so the
// finer stand before the coarser.
var special = join(
	blocks(Metadata,
		"169.254.169.254/32",                                         // AWS, Azure, Google, DigitalOcean, Oracle, OpenStack
		"169.254.170.2/32",                                           // AWS ECS task credentials
		"169.254.170.23/32",                                          // AWS EKS pod identity
		"169.254.169.253/32",                                         // AWS DNS
		"169.254.0.23/32",                                            // Tencent
		"168.63.129.16/32",                                           // Azure's wire server, in public space
		"100.100.100.200/32",                                         // Alibaba
		"192.0.0.192/32",                                             // Oracle, classic
		"fd00:ec2::254/128", "fd00:ec2::23/128", "fd00:ec2::253/128", // AWS
		"fd20:ce::254/128",    // Google
		"fe80::a9fe:a9fe/128", // link-local form of 169.254.169.254
	),
	// IPv4
	blocks(Unspecified, "0.0.0.0/32"),
	blocks(ThisNetwork, "0.0.0.0/8"),
	blocks(Private, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"),
	blocks(CGNAT, "100.64.0.0/10"),
	blocks(Loopback, "127.0.0.0/8"),
	blocks(LinkLocal, "169.254.0.0/16"),
	blocks(IETFProtocol, "192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.175.48.0/24"),
	blocks(Documentation, "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"),
	blocks(SixToFourRelay, "192.88.99.0/24"),
	blocks(Benchmark, "198.18.0.0/15"),
	blocks(Multicast, "224.0.0.0/4"),
	blocks(Broadcast, "255.255.255.255/32"),
	blocks(Reserved, "240.0.0.0/4"),
	// IPv6
	blocks(Unspecified, "::/128"),
	blocks(Loopback, "::1/128"),
	blocks(IPv4Mapped, "::ffff:0:0/96"),
	blocks(IPv4Translated, "::ffff:0:0:0/96"),
	blocks(IPv4Compat, "::/96"),
	blocks(NAT64, "64:ff9b::/96", "64:ff9b:1::/48"),
	blocks(Discard, "100::/64", "100:0:0:1::/64"),
	blocks(Teredo, "2001::/32"),
	blocks(Benchmark, "2001:2::/48"),
	blocks(ORCHID, "2001:10::/28", "2001:20::/28"),
	blocks(Documentation, "2001:db8::/32", "3fff::/20"),
	blocks(IETFProtocol, "2001::/23", "2620:4f:8000::/48"),
	blocks(SixToFour, "2002::/16"),
	blocks(SRv6, "5f00::/16"),
	blocks(ULA, "fc00::/7"),
	blocks(LinkLocal, "fe80::/10"),
	blocks(SiteLocal, "fec0::/10"),
	blocks(Multicast, "ff00::/8"),
)

// global is the only IPv6 space that IANA has given to unicast allocation
// (RFC 4291, section 2.4, and the IPv6 Global Unicast registry).
var global = netip.MustParsePrefix("2000::/3")

// Classify says why an address may not be called without an exception; the
// empty reason means that it is public unicast. An IPv4 address inside an IPv6
// one is refused for its dress, whatever it is; when what it carries is itself
// special, that finer reason is given.
func Classify(addr netip.Addr) Reason {
	if addr.Zone() != "" {
		return Zone
	}
	if !addr.IsValid() {
		return NotGlobal
	}
	if addr.Is4In6() {
		if inner := lookup(addr.Unmap()); inner != "" {
			return inner
		}
		return IPv4Mapped
	}
	reason := lookup(addr)
	if inner, dressed := undress(addr); dressed && reason != Loopback && reason != Unspecified && reason != Metadata {
		if carried := lookup(inner); carried != "" {
			return carried
		}
	}
	return reason
}

func lookup(addr netip.Addr) Reason {
	for _, b := range special {
		if b.prefix.Contains(addr) {
			return b.reason
		}
	}
	if addr.Is6() && !global.Contains(addr) {
		return NotGlobal
	}
	if !addr.IsGlobalUnicast() {
		return NotGlobal
	}
	return ""
}

// undress finds the IPv4 address that an IPv6 one carries: compatible
// (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052, RFC 8215), 6to4
// (RFC 3056), Teredo (RFC 4380, the client's address is inverted).
func undress(addr netip.Addr) (inner netip.Addr, dressed bool) {
	if !addr.Is6() {
		return netip.Addr{}, false
	}
	b := addr.As16()
	four := func(i int) netip.Addr { return netip.AddrFrom4([4]byte(b[i : i+4])) }
	switch lookup(addr) {
	case IPv4Compat, IPv4Translated, NAT64:
		return four(12), true
	case SixToFour:
		return four(2), true
	case Teredo:
		for i := 12; i < 16; i++ {
			b[i] = ^b[i]
		}
		return four(12), true
	}
	return netip.Addr{}, false
}

// isMetadata reports whether an address is a metadata service's, in any dress.
func isMetadata(addr netip.Addr) bool { return Classify(addr) == Metadata }

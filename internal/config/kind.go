package config

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/secret"
)

// kind is how the text of a setting is read. The value that an error is about
// is named by the caller, never here: it may be a secret.
type kind struct {
	name    string
	allowed string // ends a sentence that begins with "is not"
	set     func(*Config, string) error
	words   bool                // a file must give it as text: a number there has lost its spelling
	many    bool                // a file may give it as a list
	show    func(string) string // the value without what must not be shown; nil shows it as it is
}

// errNot makes a kind's set fail with what is allowed.
var errNot = errors.New("is not what is allowed")

// read reads a value into its place.
func (k kind) read(c *Config, value string) error {
	err := k.set(c, value)
	if errors.Is(err, errNot) {
		return fmt.Errorf("is not %s", k.allowed)
	}
	return err
}

func text(at func(*Config) *string) kind {
	return kind{name: "text", allowed: "a text without control characters", words: true, set: func(c *Config, s string) error {
		if strings.ContainsFunc(s, isControl) {
			return errNot
		}
		*at(c) = s
		return nil
	}}
}

func nonEmpty(at func(*Config) *string) kind {
	k := text(at)
	set := k.set
	k.allowed = "a text of at least one character, without control characters"
	k.set = func(c *Config, s string) error {
		if strings.TrimSpace(s) == "" {
			return errNot
		}
		return set(c, s)
	}
	return k
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// split cuts a list at its commas and drops what is empty.
func split(s string) (items []string) {
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func list(at func(*Config) *[]string) kind {
	return kind{name: "list", allowed: "a list of texts, separated by commas", words: true, many: true, set: func(c *Config, s string) error {
		if strings.ContainsFunc(s, isControl) {
			return errNot
		}
		*at(c) = split(s)
		return nil
	}}
}

var eventType = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}\.[a-z][a-z0-9_]{0,63}$`)

func types(at func(*Config) *[]string) kind {
	return kind{name: "list", allowed: "a list of event types, RESOURCE.ACTION, separated by commas", words: true, many: true, set: func(c *Config, s string) error {
		items := split(s)
		for _, item := range items {
			if !eventType.MatchString(item) {
				return fmt.Errorf("holds %q, which is not RESOURCE.ACTION", item)
			}
		}
		*at(c) = items
		return nil
	}}
}

// origins reads origins of web pages, such as https://app.example.com:8443.
func origins(at func(*Config) *[]string) kind {
	return kind{name: "list", allowed: "a list of origins, such as https://app.example.com, separated by commas", words: true, many: true, set: func(c *Config, s string) error {
		items := split(s)
		for _, item := range items {
			u, err := url.Parse(item)
			if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Scheme+"://"+u.Host != item {
				return fmt.Errorf("holds %q, which is no origin: it needs scheme and host, and no path", item)
			}
		}
		*at(c) = items
		return nil
	}}
}

// prefixes reads CIDRs. They are kept in the form in which addresses are
// compared with them: IPv4 never inside IPv6, which
// [netip.Prefix.Contains] would not match.
func prefixes(at func(*Config) *[]netip.Prefix) kind {
	return kind{name: "list", allowed: "a list of CIDRs or addresses, separated by commas", words: true, many: true, set: func(c *Config, s string) error {
		var found []netip.Prefix
		for _, item := range split(s) {
			p, err := parsePrefix(item)
			if err != nil {
				return fmt.Errorf("holds %q, which is neither a CIDR nor an address", item)
			}
			if network := p.Masked(); network != p { // maybe one address was meant, maybe the network
				return fmt.Errorf("holds %q, which is an address and the length of a network: write %s for the network, or %s for the one address",
					item, network, netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
			}
			found = append(found, p)
		}
		*at(c) = found
		return nil
	}}
}

func parsePrefix(s string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	if err != nil {
		addr, err := netip.ParseAddr(s)
		if err != nil || addr.Zone() != "" {
			return netip.Prefix{}, errNot
		}
		p = netip.PrefixFrom(addr, addr.BitLen())
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, errNot
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p, nil
}

func boolean(at func(*Config) *bool) kind {
	return kind{name: "true or false", allowed: "true or false", set: func(c *Config, s string) error {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return errNot
		}
		*at(c) = b
		return nil
	}}
}

func integer(at func(*Config) *int, least, most int) kind {
	return kind{name: "whole number", allowed: fmt.Sprintf("a whole number from %d to %d", least, most), set: func(c *Config, s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return errNot
		}
		*at(c) = n
		return nil
	}}
}

// orElse lets an empty value mean that another place decides.
func orElse(k kind, undecided func(*Config)) kind {
	set := k.set
	k.set = func(c *Config, s string) error {
		if s == "" {
			undecided(c)
			return nil
		}
		return set(c, s)
	}
	return k
}

func number(at func(*Config) *float64, least, most float64) kind {
	return kind{name: "number", allowed: fmt.Sprintf("a number from %g to %g", least, most), set: func(c *Config, s string) error {
		f, err := strconv.ParseFloat(s, 64)
		if err == nil && f >= least && f <= most { // false for NaN
			*at(c) = f
			return nil
		}
		return errNot
	}}
}

func duration(at func(*Config) *time.Duration, least, most time.Duration) kind {
	allowed := fmt.Sprintf("a time from %s to %s, such as 500ms, 30s, 12h or 5d", spell(least), spell(most))
	return kind{name: "time", allowed: allowed, set: func(c *Config, s string) error {
		d, err := ParseDuration(s)
		if err != nil || d < least || d > most {
			return errNot
		}
		*at(c) = d
		return nil
	}}
}

// durationOrNever reads a time, or 0 or never, which are stored as 0.
func durationOrNever(at func(*Config) *time.Duration, least, most time.Duration) kind {
	k := duration(at, least, most)
	set := k.set
	k.allowed += "; 0 or never"
	k.set = func(c *Config, s string) error {
		if s == "0" || s == "never" {
			*at(c) = 0
			return nil
		}
		return set(c, s)
	}
	return k
}

// durationOrOff reads a time, or off, which is stored as 0.
func durationOrOff(at func(*Config) *time.Duration, least, most time.Duration) kind {
	k := duration(at, least, most)
	set := k.set
	k.allowed += "; or off"
	k.set = func(c *Config, s string) error {
		if s == "off" {
			*at(c) = 0
			return nil
		}
		return set(c, s)
	}
	return k
}

// size reads a number of bytes.
func size(at func(*Config) *int, least, most int) kind {
	allowed := fmt.Sprintf("a size from %d to %d bytes, such as 65536, 512KiB or 1MiB", least, most)
	return kind{name: "size", allowed: allowed, set: func(c *Config, s string) error {
		n, err := ParseSize(s)
		if err != nil || n < int64(least) || n > int64(most) {
			return errNot
		}
		*at(c) = int(n)
		return nil
	}}
}

// ParseSize reads a number of bytes, with B, KiB, MiB, GiB or TiB behind it or
// nothing.
func ParseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "BKMGTi")
	unit, known := map[string]int64{"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}[s[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !known || err != nil || n < 0 || n > math.MaxInt64/unit {
		return 0, errNot
	}
	return n * unit, nil
}

func oneOf(at func(*Config) *string, choices ...string) kind {
	allowed := "one of " + strings.Join(choices, ", ")
	return kind{name: "choice", allowed: allowed, words: true, set: func(c *Config, s string) error {
		if !slices.Contains(choices, s) {
			return errNot
		}
		*at(c) = s
		return nil
	}}
}

var logLevel = kind{name: "choice", allowed: "one of debug, info, warn, error", words: true, set: func(c *Config, s string) error {
	level, known := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[strings.ToLower(s)]
	if !known {
		return errNot
	}
	c.Log.Level = level
	return nil
}}

func address(at func(*Config) *string) kind {
	return kind{name: "address", allowed: "host:port with a port from 0 to 65535, for instance 127.0.0.1:8787 or [::1]:8787", words: true, set: func(c *Config, s string) error {
		_, port, err := net.SplitHostPort(s)
		if err != nil || strings.ContainsFunc(s, isControl) {
			return errNot
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return errNot
		}
		*at(c) = s
		return nil
	}}
}

func addressOrOff(at func(*Config) *string) kind {
	k := address(at)
	set := k.set
	k.allowed = "off or " + k.allowed
	k.set = func(c *Config, s string) error {
		if s == "off" || s == "" {
			*at(c) = ""
			return nil
		}
		return set(c, s)
	}
	return k
}

func addrPort(at func(*Config) *string) kind {
	return kind{name: "address", allowed: "IP:port, for instance 192.0.2.53:53 or [2001:db8::53]:53", words: true, set: func(c *Config, s string) error {
		if s != "" {
			if a, err := netip.ParseAddrPort(s); err != nil || a.Port() == 0 {
				return errNot
			}
		}
		*at(c) = s
		return nil
	}}
}

// webURL reads the URL of something of ours: nothing in it but where it is.
func webURL(at func(*Config) *string) kind {
	return kind{name: "URL", allowed: "an http or https URL without user, query and fragment, for instance https://hooks.example.com", words: true, set: func(c *Config, s string) error {
		if s != "" {
			u, err := parseURL(s)
			if err != nil || u.User != nil || strings.ContainsAny(s, "?#") {
				return errNot
			}
		}
		*at(c) = s
		return nil
	}}
}

func parseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, errNot
	}
	return u, nil
}

// domain reads the authority of ERC-4361: a host with or without a port.
func domain(at func(*Config) *string) kind {
	return kind{name: "text", allowed: "a host name with or without a port, for instance app.example.com", words: true, set: func(c *Config, s string) error {
		if s != "" {
			u, err := parseURL("https://" + s)
			if err != nil || u.Host != s {
				return errNot
			}
		}
		*at(c) = s
		return nil
	}}
}

func hidden(at func(*Config) *secret.Text) kind {
	return kind{name: "secret", allowed: "a text of one line without control characters", words: true, set: func(c *Config, s string) error {
		if strings.ContainsFunc(s, isControl) {
			return errNot
		}
		*at(c) = secret.New(s)
		return nil
	}}
}

// hiddenURL is a URL that carries a key, as those of paid nodes do.
func hiddenURL(at func(*Config) *secret.Text) kind {
	return kind{name: "secret", allowed: "an http or https URL", words: true, set: func(c *Config, s string) error {
		if s != "" {
			if _, err := parseURL(s); err != nil {
				return errNot
			}
		}
		*at(c) = secret.New(s)
		return nil
	}}
}

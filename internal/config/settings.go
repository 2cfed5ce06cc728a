package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/secret"
)

// Config is every setting, checked.
type Config struct {
	Database     string // path; empty when neither HOME nor XDG_STATE_HOME says where
	Listen       string // address of the daemon
	BaseURL      string // how clients reach the daemon; empty: derived from Listen
	Organization string
	Server       string // URL of a daemon to work on; empty: the database file
	Token        secret.Text
	TLS          struct{ CertFile, KeyFile string }
	Egress       struct {
		Allow     []string
		AllowHTTP bool
		Resolver  string
		CAFile    string
	}
	Retry struct {
		Profile  string
		Attempts int // retries after the first attempt; -1: as the profile says
		Base     time.Duration
		Factor   float64
		MaxDelay time.Duration
		Jitter   float64
	}
	Delivery struct {
		Timeout            time.Duration
		DisableAfter       time.Duration
		MaxInFlight        int
		WebhookMaxInFlight int
		ShutdownGrace      time.Duration
	}
	Publish struct{ MaxBody, MaxPending int }
	Auth    struct {
		RateLimit int
		SIWE      struct {
			Enabled bool
			Signup  string
			Domain  string
			ChainID int
		}
	}
	Provider struct{ Panda struct{ Secret secret.Text } }
	Receipts struct {
		RPCURL        string
		ChainID       int
		Confirmations int
		Timeout       time.Duration
		Interval      time.Duration
		Await         []string
	}
	Events struct {
		Schemas string
		Strict  bool
	}
	Metrics        struct{ Listen string }
	TrustedProxies []netip.Prefix
	Secrets        struct {
		KeyFile string
		Key     secret.Text
	}
	Retention struct{ Bodies, Attempts, Events time.Duration }
	Log       struct {
		Level    slog.Level
		Format   string
		Payloads bool
	}
	Sentry struct{ DSN secret.Text }

	shown []Shown
	env   map[string]string
	// Warnings are things that a person should know but that stop nothing.
	Warnings []string
}

// Setting is one row of the table.
type Setting struct {
	Key     string
	Default string
	Help    string
	Secret  bool
	set     func(*Config, string) error
}

// Env is the setting's environment variable.
func (s Setting) Env() string {
	return "SEALPOST_" + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Settings returns the table, in the order of the reference.
func Settings() []Setting { return settings }

var settings = []Setting{
	{"database", "", "the database file; by default sealpost/sealpost.db under $XDG_STATE_HOME (~/.local/state)", false, text(func(c *Config) *string { return &c.Database })},
	{"organization", "default", "the organization to work on, by id or slug; made on first use", false, nonEmpty(text(func(c *Config) *string { return &c.Organization }))},
	{"server", "", "URL of a daemon to work on instead of the database file", false, text(func(c *Config) *string { return &c.Server })},
	{"token", "", "bearer token for --server: @FILE, env:NAME or the token", true, hidden(func(c *Config) *secret.Text { return &c.Token })},
	{"listen", "127.0.0.1:8787", "address on which `serve` listens", false, address(func(c *Config) *string { return &c.Listen }, false)},
	{"base_url", "", "how clients reach the daemon, when not by the address it listens on", false, text(func(c *Config) *string { return &c.BaseURL })},
	{"tls.cert_file", "", "certificate chain (PEM) to serve over https; read again when it changes", false, text(func(c *Config) *string { return &c.TLS.CertFile })},
	{"tls.key_file", "", "private key (PEM) of the certificate", false, text(func(c *Config) *string { return &c.TLS.KeyFile })},
	{"trusted_proxies", "", "CIDRs whose X-Forwarded-For is believed, separated by commas", false, prefixes(func(c *Config) *[]netip.Prefix { return &c.TrustedProxies })},
	{"egress.allow", "", "exceptions to which addresses may be called: CIDR, CIDR:port or host name, separated by commas", false, list(func(c *Config) *[]string { return &c.Egress.Allow })},
	{"egress.allow_http", "false", "plain http to addresses that egress.allow admits", false, boolean(func(c *Config) *bool { return &c.Egress.AllowHTTP })},
	{"egress.resolver", "", "IP:port of the DNS server to ask", false, text(func(c *Config) *string { return &c.Egress.Resolver })},
	{"egress.ca_file", "", "extra root certificates (PEM) for receivers", false, text(func(c *Config) *string { return &c.Egress.CAFile })},
	{"retry.profile", "default", "retry timetable: default (20 retries) or sandbox (3)", false, oneOf(func(c *Config) *string { return &c.Retry.Profile }, "default", "sandbox")},
	{"retry.attempts", "", "retries after the first attempt, 0 to 100; by default as the profile says", false, attempts},
	{"retry.base", "500ms", "wait before the first retry", false, duration(func(c *Config) *time.Duration { return &c.Retry.Base }, time.Millisecond, 24*time.Hour)},
	{"retry.factor", "2", "each wait is the one before times this, 1 to 10", false, float(func(c *Config) *float64 { return &c.Retry.Factor }, 1, 10)},
	{"retry.max_delay", "12h", "no wait is longer", false, duration(func(c *Config) *time.Duration { return &c.Retry.MaxDelay }, time.Millisecond, 7*24*time.Hour)},
	{"retry.jitter", "0.1", "share of a wait that may be added at random, 0 to 0.1", false, float(func(c *Config) *float64 { return &c.Retry.Jitter }, 0, 0.1)},
	{"delivery.timeout", "60s", "deadline of one attempt, from dial to last body byte", false, duration(func(c *Config) *time.Duration { return &c.Delivery.Timeout }, 10*time.Millisecond, 10*time.Minute)},
	{"delivery.disable_after", "5d", "a webhook is disabled after so long of nothing but failures", false, duration(func(c *Config) *time.Duration { return &c.Delivery.DisableAfter }, time.Minute, 365*24*time.Hour)},
	{"delivery.max_in_flight", "8192", "requests under way at a time, to all webhooks", false, integer(func(c *Config) *int { return &c.Delivery.MaxInFlight }, 1, 65536)},
	{"delivery.webhook_max_in_flight", "32", "requests under way at a time to one webhook, unless it has its own limit", false, integer(func(c *Config) *int { return &c.Delivery.WebhookMaxInFlight }, 1, 4096)},
	{"delivery.shutdown_grace", "10s", "how long attempts may go on after a stop was asked for", false, duration(func(c *Config) *time.Duration { return &c.Delivery.ShutdownGrace }, 0, 10*time.Minute)},
	{"publish.max_body", "1MiB", "largest event, in bytes", false, size(func(c *Config) *int { return &c.Publish.MaxBody }, 1<<10, 16<<20)},
	{"publish.max_pending", "1000000", "pending deliveries of one organization beyond which publishing answers 429", false, integer(func(c *Config) *int { return &c.Publish.MaxPending }, 1, 1<<40)},
	{"events.schemas", "", "folder of JSON Schemas for event types of your own, one RESOURCE.ACTION.json each", false, text(func(c *Config) *string { return &c.Events.Schemas })},
	{"events.strict", "false", "refuse event types that are not in the catalog", false, boolean(func(c *Config) *bool { return &c.Events.Strict })},
	{"provider.panda.secret", "", "key under which the card provider signs its events: @FILE, env:NAME or the key; without it the route does not exist", true, hidden(func(c *Config) *secret.Text { return &c.Provider.Panda.Secret })},
	{"receipts.rpc_url", "", "Ethereum JSON-RPC URL to watch for receipts", false, text(func(c *Config) *string { return &c.Receipts.RPCURL })},
	{"receipts.chain_id", "0", "chain id that the JSON-RPC node must have; 0 takes any", false, integer(func(c *Config) *int { return &c.Receipts.ChainID }, 0, 1<<40)},
	{"receipts.confirmations", "1", "blocks that must include or follow a transaction's block", false, integer(func(c *Config) *int { return &c.Receipts.Confirmations }, 1, 10000)},
	{"receipts.timeout", "24h", "how long an event waits for its receipt", false, duration(func(c *Config) *time.Duration { return &c.Receipts.Timeout }, time.Second, 90*24*time.Hour)},
	{"receipts.interval", "2s", "time between two looks at the node", false, duration(func(c *Config) *time.Duration { return &c.Receipts.Interval }, 10*time.Millisecond, time.Hour)},
	{"receipts.await", "", "provider event types that wait for a receipt, separated by commas", false, list(func(c *Config) *[]string { return &c.Receipts.Await })},
	{"auth.rate_limit", "30", "sign-in requests a minute from one address; 0 is no limit", false, integer(func(c *Config) *int { return &c.Auth.RateLimit }, 0, 1<<30)},
	{"auth.siwe.enabled", "false", "sign-in with Ethereum", false, boolean(func(c *Config) *bool { return &c.Auth.SIWE.Enabled })},
	{"auth.siwe.signup", "open", "who may make organizations: open (anyone) or invite (nobody)", false, oneOf(func(c *Config) *string { return &c.Auth.SIWE.Signup }, "open", "invite")},
	{"auth.siwe.domain", "", "domain that sign-in messages must name", false, text(func(c *Config) *string { return &c.Auth.SIWE.Domain })},
	{"auth.siwe.chain_id", "1", "chain id that sign-in messages must name", false, integer(func(c *Config) *int { return &c.Auth.SIWE.ChainID }, 1, 1<<40)},
	{"metrics.listen", "127.0.0.1:9464", "address of the Prometheus metrics; off turns them off", false, address(func(c *Config) *string { return &c.Metrics.Listen }, true)},
	{"secrets.key_file", "", "file with the key under which signing secrets are stored sealed", false, text(func(c *Config) *string { return &c.Secrets.KeyFile })},
	{"secrets.key", "", "that key itself, for environments without files", true, hidden(func(c *Config) *secret.Text { return &c.Secrets.Key })},
	{"retention.bodies", "30d", "how long event and response bodies are kept after their deliveries have ended", false, duration(func(c *Config) *time.Duration { return &c.Retention.Bodies }, time.Minute, 3650*24*time.Hour)},
	{"retention.attempts", "30d", "how long attempts and deliveries are kept", false, duration(func(c *Config) *time.Duration { return &c.Retention.Attempts }, time.Minute, 3650*24*time.Hour)},
	{"retention.events", "30d", "how long events are kept; their ids stay known for good", false, duration(func(c *Config) *time.Duration { return &c.Retention.Events }, time.Minute, 3650*24*time.Hour)},
	{"log.level", "info", "debug, info, warn or error", false, logLevel},
	{"log.format", "text", "text or json", false, oneOf(func(c *Config) *string { return &c.Log.Format }, "text", "json")},
	{"log.payloads", "false", "bodies of events and answers in the log", false, boolean(func(c *Config) *bool { return &c.Log.Payloads })},
	{"sentry.dsn", "", "Sentry DSN for the tool's own failures and dead deliveries: @FILE, env:NAME or the DSN", true, hidden(func(c *Config) *secret.Text { return &c.Sentry.DSN })},
}

func text(at func(*Config) *string) func(*Config, string) error {
	return func(c *Config, s string) error {
		*at(c) = s
		return nil
	}
}

func nonEmpty(set func(*Config, string) error) func(*Config, string) error {
	return func(c *Config, s string) error {
		if strings.TrimSpace(s) == "" {
			return fmt.Errorf("is empty")
		}
		return set(c, s)
	}
}

func list(at func(*Config) *[]string) func(*Config, string) error {
	return func(c *Config, s string) error {
		*at(c) = nil
		for part := range strings.SplitSeq(s, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*at(c) = append(*at(c), part)
			}
		}
		return nil
	}
}

func prefixes(at func(*Config) *[]netip.Prefix) func(*Config, string) error {
	return func(c *Config, s string) error {
		var texts []string
		_ = list(func(*Config) *[]string { return &texts })(c, s) // a list of texts can't fail
		for _, text := range texts {
			p, err := netip.ParsePrefix(text)
			if err != nil {
				addr, addrErr := netip.ParseAddr(text)
				if addrErr != nil {
					return fmt.Errorf("%q is neither a CIDR nor an address", text)
				}
				p = netip.PrefixFrom(addr, addr.BitLen())
			}
			*at(c) = append(*at(c), p)
		}
		return nil
	}
}

func boolean(at func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, s string) error {
		b, err := strconv.ParseBool(s)
		if err != nil {
			return fmt.Errorf("is neither true nor false")
		}
		*at(c) = b
		return nil
	}
}

func integer(at func(*Config) *int, least, most int) func(*Config, string) error {
	return func(c *Config, s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < least || n > most {
			return fmt.Errorf("is not a whole number from %d to %d", least, most)
		}
		*at(c) = n
		return nil
	}
}

func float(at func(*Config) *float64, least, most float64) func(*Config, string) error {
	return func(c *Config, s string) error {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(f >= least && f <= most) {
			return fmt.Errorf("is not a number from %g to %g", least, most)
		}
		*at(c) = f
		return nil
	}
}

func duration(at func(*Config) *time.Duration, least, most time.Duration) func(*Config, string) error {
	return func(c *Config, s string) error {
		d, err := ParseDuration(s)
		if err != nil || d < least || d > most {
			return fmt.Errorf("is not a time from %s to %s, such as 500ms, 30s, 12h or 5d", least, most)
		}
		*at(c) = d
		return nil
	}
}

// ParseDuration reads a Go duration, or a number of days such as 5d.
func ParseDuration(s string) (time.Duration, error) {
	if days, found := strings.CutSuffix(s, "d"); found {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("%q is not a number of days", s)
		}
		return time.Duration(n * float64(24*time.Hour)), nil
	}
	return time.ParseDuration(s)
}

func size(at func(*Config) *int, least, most int) func(*Config, string) error {
	return func(c *Config, s string) error {
		number, unit := strings.TrimRight(s, "iBKMG"), 1
		switch strings.TrimPrefix(s, number) {
		case "", "B":
		case "KiB":
			unit = 1 << 10
		case "MiB":
			unit = 1 << 20
		default:
			return fmt.Errorf("is not a size such as 65536, 512KiB or 1MiB")
		}
		n, err := strconv.Atoi(number)
		if err != nil || n*unit < least || n*unit > most {
			return fmt.Errorf("is not a size from %d to %d bytes, such as 65536, 512KiB or 1MiB", least, most)
		}
		*at(c) = n * unit
		return nil
	}
}

func oneOf(at func(*Config) *string, allowed ...string) func(*Config, string) error {
	return func(c *Config, s string) error {
		for _, a := range allowed {
			if s == a {
				*at(c) = s
				return nil
			}
		}
		return fmt.Errorf("is not one of %s", strings.Join(allowed, ", "))
	}
}

func address(at func(*Config) *string, canBeOff bool) func(*Config, string) error {
	return func(c *Config, s string) error {
		if canBeOff && (s == "off" || s == "") {
			*at(c) = ""
			return nil
		}
		i := strings.LastIndexByte(s, ':')
		if i < 0 {
			return fmt.Errorf("is not host:port, for instance 127.0.0.1:8787")
		}
		if port, err := strconv.Atoi(s[i+1:]); err != nil || port < 0 || port > 65535 {
			return fmt.Errorf("has no port from 0 to 65535")
		}
		*at(c) = s
		return nil
	}
}

func attempts(c *Config, s string) error {
	if s == "" {
		c.Retry.Attempts = -1
		return nil
	}
	return integer(func(c *Config) *int { return &c.Retry.Attempts }, 0, 100)(c, s)
}

func logLevel(c *Config, s string) error {
	if err := c.Log.Level.UnmarshalText([]byte(s)); err != nil {
		return fmt.Errorf("is not one of debug, info, warn, error")
	}
	return nil
}

func hidden(at func(*Config) *secret.Text) func(*Config, string) error {
	return func(c *Config, s string) error {
		value, err := readSecret(c, s)
		if err != nil {
			return err
		}
		*at(c) = secret.New(value)
		return nil
	}
}

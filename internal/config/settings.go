package config

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"sealpost/internal/secret"
)

// Setting is one row of the table.
type Setting struct {
	Key     string // as in the configuration file, groups separated by dots
	Default string // as a flag would give it; empty when there is none
	Example string // a value that is allowed
	Help    string // half a sentence for people
	Secret  bool   // shown masked; may be given as @FILE or env:NAME
	kind    kind
}

const envPrefix = "SEALPOST_"

// Env is the setting's environment variable.
func (s Setting) Env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(s.Key, ".", "_"))
}

// Type says what kind of value it is: text, list, true or false, whole number,
// number, time, size, choice, address, URL or secret.
func (s Setting) Type() string { return s.kind.name }

// Allowed says which values are allowed, for instance "a whole number from 0
// to 100". Errors use the same words.
func (s Setting) Allowed() string { return s.kind.allowed }

// FlagName is the flag of a setting: its key with hyphens; --org is short for
// the organization.
func FlagName(key string) string {
	if key == "organization" {
		return "org"
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

// Globals returns the settings that are about the command line itself. Their
// flags have one-letter forms, so the command line declares them by hand.
func Globals() []Setting { return slices.Clone(globals) }

// Settings returns every other row of the table, in the order of the reference.
func Settings() []Setting {
	after := slices.IndexFunc(settings, func(s Setting) bool { return s.Key == "publish.max_pending" }) + 1
	return slices.Concat(settings[:after], limits(), settings[after:])
}

// table is every row.
var table = slices.Concat(globals, Settings())

var globals = []Setting{
	{Key: "output", Default: "table", Example: "json", Help: "how to print: table, json or jsonl",
		kind: oneOf(func(c *Config) *string { return &c.Output }, "table", "json", "jsonl")},
	{Key: "color", Default: "auto", Example: "never", Help: "colours: auto, always or never",
		kind: oneOf(func(c *Config) *string { return &c.Color }, "auto", "always", "never")},
	{Key: "quiet", Default: "false", Example: "true", Help: "print data only",
		kind: boolean(func(c *Config) *bool { return &c.Quiet })},
	{Key: "verbose", Default: "false", Example: "true", Help: "say more on stderr",
		kind: boolean(func(c *Config) *bool { return &c.Verbose })},
	{Key: "no_input", Default: "false", Example: "true", Help: "never ask",
		kind: boolean(func(c *Config) *bool { return &c.NoInput })},
	{Key: "yes", Default: "false", Example: "true", Help: "answer yes to every question",
		kind: boolean(func(c *Config) *bool { return &c.Yes })},
}

const day = 24 * time.Hour

var settings = []Setting{
	{Key: "database", Example: "/var/lib/sealpost/sealpost.db", Help: "the database file; by default sealpost/sealpost.db under $XDG_STATE_HOME (~/.local/state)",
		kind: databasePath(func(c *Config) *string { return &c.Database })},
	{Key: "database.migration_copy", Default: "true", Example: "false", Help: "keep a copy of the database (DATABASE.before-N, N is the old schema) before an upgrade changes it",
		kind: boolean(func(c *Config) *bool { return &c.MigrationCopy })},
	{Key: "organization", Default: "default", Example: "acme", Help: "the organization to work on, by id or slug; made on first use",
		kind: nonEmpty(func(c *Config) *string { return &c.Organization })},
	{Key: "server", Example: "https://hooks.example.com", Help: "URL of a daemon to work on instead of the database file",
		kind: webURL(func(c *Config) *string { return &c.Server })},
	{Key: "token", Example: "@token.txt", Help: "bearer token for --server: @FILE, env:NAME or the token", Secret: true,
		kind: hidden(func(c *Config) *secret.Text { return &c.Token })},

	{Key: "listen", Default: "127.0.0.1:8787", Example: "0.0.0.0:8787", Help: "address on which `serve` listens",
		kind: address(func(c *Config) *string { return &c.Listen })},
	{Key: "max_connections", Default: "4096", Example: "512", Help: "connections to `serve` at a time, and a quarter of that from one address; when there are more, the longest idle one is closed, or else the slowest",
		kind: integer(func(c *Config) *int { return &c.MaxConnections }, 1, 1<<20)},
	{Key: "request_memory", Default: "32MiB", Example: "256MiB", Help: "memory for the request bodies of all clients of `serve`; a request that finds no room is answered 503",
		kind: size(func(c *Config) *int { return &c.RequestMemory }, 32<<20, 1<<36)},
	{Key: "shutdown_delay", Default: "1s", Example: "15s", Help: "how long `serve` still takes requests after SIGTERM, while /readyz answers 503, so that a load balancer sees it",
		kind: duration(func(c *Config) *time.Duration { return &c.ShutdownDelay }, 0, 10*time.Minute)},
	{Key: "base_url", Example: "https://hooks.example.com", Help: "how clients reach the daemon, when not by the address it listens on",
		kind: webURL(func(c *Config) *string { return &c.BaseURL })},
	{Key: "tls.cert_file", Example: "/etc/sealpost/cert.pem", Help: "certificate chain (PEM) to serve over https; read again when it changes",
		kind: text(func(c *Config) *string { return &c.TLS.CertFile })},
	{Key: "tls.key_file", Example: "/etc/sealpost/key.pem", Help: "private key (PEM) of the certificate",
		kind: text(func(c *Config) *string { return &c.TLS.KeyFile })},
	{Key: "trusted_proxies", Example: "10.0.0.0/8,192.0.2.7", Help: "CIDRs whose X-Forwarded-For is believed, separated by commas",
		kind: prefixes(func(c *Config) *[]netip.Prefix { return &c.TrustedProxies })},

	{Key: "egress.allow", Example: "10.1.2.0/24:8443,receiver.internal", Help: "exceptions to which addresses may be called: CIDR, CIDR:port, host name or *.name, separated by commas",
		kind: list(func(c *Config) *[]string { return &c.Egress.Allow })},
	{Key: "egress.allow_http", Default: "false", Example: "true", Help: "plain http to addresses and names that egress.allow admits",
		kind: boolean(func(c *Config) *bool { return &c.Egress.AllowHTTP })},
	{Key: "egress.resolver", Example: "192.0.2.53:53", Help: "IP:port of the DNS server to ask",
		kind: addrPort(func(c *Config) *string { return &c.Egress.Resolver })},
	{Key: "egress.ca_file", Example: "/etc/sealpost/roots.pem", Help: "extra root certificates (PEM) for receivers",
		kind: text(func(c *Config) *string { return &c.Egress.CAFile })},

	{Key: "retry.profile", Default: "default", Example: "sandbox", Help: "retry timetable: default (20 retries) or sandbox (3)",
		kind: oneOf(func(c *Config) *string { return &c.Retry.Profile }, "default", "sandbox")},
	{Key: "retry.attempts", Example: "5", Help: "retries after the first attempt, 0 to 100; by default as the profile says",
		kind: orElse(integer(func(c *Config) *int { return &c.Retry.Attempts }, 0, 100), func(c *Config) { c.Retry.Attempts = -1 })},
	{Key: "retry.base", Default: "500ms", Example: "2s", Help: "wait before the first retry",
		kind: duration(func(c *Config) *time.Duration { return &c.Retry.Base }, time.Millisecond, day)},
	{Key: "retry.factor", Default: "2", Example: "1.5", Help: "each wait is the one before times this, 1 to 10",
		kind: number(func(c *Config) *float64 { return &c.Retry.Factor }, 1, 10)},
	{Key: "retry.max_delay", Default: "12h", Example: "1h", Help: "no wait is longer",
		kind: duration(func(c *Config) *time.Duration { return &c.Retry.MaxDelay }, time.Millisecond, 7*day)},
	{Key: "retry.jitter", Default: "0.1", Example: "0", Help: "share of a wait that may be added at random, 0 to 0.1",
		kind: number(func(c *Config) *float64 { return &c.Retry.Jitter }, 0, 0.1)},

	{Key: "delivery.timeout", Default: "60s", Example: "20s", Help: "deadline of one attempt, from dial to last body byte",
		kind: duration(func(c *Config) *time.Duration { return &c.Delivery.Timeout }, 10*time.Millisecond, 10*time.Minute)},
	{Key: "delivery.disable_after", Default: "5d", Example: "2d", Help: "a webhook is disabled after so long of nothing but failures: at least 5 attempts, in 3 different hours",
		kind: duration(func(c *Config) *time.Duration { return &c.Delivery.DisableAfter }, time.Minute, 365*day)},
	{Key: "delivery.max_in_flight", Default: "8192", Example: "1024", Help: "requests under way at a time, to all webhooks",
		kind: integer(func(c *Config) *int { return &c.Delivery.MaxInFlight }, 1, 65536)},
	{Key: "delivery.webhook_max_in_flight", Default: "32", Example: "8", Help: "requests under way at a time to one webhook, unless it has its own limit",
		kind: integer(func(c *Config) *int { return &c.Delivery.WebhookMaxInFlight }, 1, 4096)},
	{Key: "delivery.max_per_host", Default: "256", Example: "64", Help: "requests under way at a time to one host and port, over all webhooks and organizations; one organization has at most three quarters",
		kind: integer(func(c *Config) *int { return &c.Delivery.MaxPerHost }, 1, 65536)},
	{Key: "delivery.shutdown_grace", Default: "10s", Example: "30s", Help: "how long attempts may go on after a stop was asked for",
		kind: duration(func(c *Config) *time.Duration { return &c.Delivery.ShutdownGrace }, 0, 10*time.Minute)},

	{Key: "publish.max_body", Default: "1MiB", Example: "256KiB", Help: "largest event, in bytes",
		kind: size(func(c *Config) *int { return &c.Publish.MaxBody }, 1<<10, 16<<20)},
	{Key: "publish.max_pending", Default: "1000000", Example: "50000", Help: "pending deliveries of one organization beyond which publishing answers 429",
		kind: integer(func(c *Config) *int { return &c.Publish.MaxPending }, 1, 1<<40)},
	{Key: "events.schemas", Example: "/etc/sealpost/schemas", Help: "folder of JSON Schemas for event types of your own, one RESOURCE.ACTION.json each",
		kind: text(func(c *Config) *string { return &c.Events.Schemas })},
	{Key: "events.strict", Default: "false", Example: "true", Help: "refuse event types that are not in the catalog",
		kind: boolean(func(c *Config) *bool { return &c.Events.Strict })},

	{Key: "provider.panda.secret", Example: "env:PANDA_KEY", Help: "key under which the card provider signs its events: @FILE, env:NAME or the key; without it the route does not exist", Secret: true,
		kind: hidden(func(c *Config) *secret.Text { return &c.Provider.Panda.Secret })},
	{Key: "provider.keep_unlinked", Default: "7d", Example: "2d", Help: "how long a provider's events are kept for a user whom nobody has linked yet; off: not at all",
		kind: durationOrOff(func(c *Config) *time.Duration { return &c.Provider.KeepUnlinked }, time.Second, 365*day)},
	{Key: "receipts.rpc_url", Example: "https://node.example.com/v1/access-key", Help: "Ethereum JSON-RPC URL that `serve` asks for receipts: @FILE, env:NAME or the URL; anywhere, it needs no exception", Secret: true,
		kind: hiddenURL(func(c *Config) *secret.Text { return &c.Receipts.RPCURL })},
	{Key: "receipts.chain_id", Example: "8453", Help: "chain id that the node must have; by default auth.siwe.chain_id",
		kind: orElse(integer(func(c *Config) *int { return &c.Receipts.ChainID }, 1, 1<<40), func(c *Config) { c.Receipts.ChainID = 0 })},
	{Key: "receipts.interval", Default: "2s", Example: "12s", Help: "how often the node is asked while an event waits",
		kind: duration(func(c *Config) *time.Duration { return &c.Receipts.Interval }, 100*time.Millisecond, time.Hour)},
	{Key: "receipts.confirmations", Default: "1", Example: "3", Help: "blocks that must include or follow a transaction's block before its receipt counts",
		kind: integer(func(c *Config) *int { return &c.Receipts.Confirmations }, 1, 10000)},
	{Key: "receipts.timeout", Default: "24h", Example: "2h", Help: "how long an event waits for its receipt",
		kind: duration(func(c *Config) *time.Duration { return &c.Receipts.Timeout }, time.Second, 90*day)},
	{Key: "receipts.await", Example: "transaction.created,transaction.completed", Help: "provider event types that wait for a receipt, separated by commas",
		kind: types(func(c *Config) *[]string { return &c.Receipts.Await })},

	{Key: "storage.min_free", Default: "128MiB", Example: "1GiB", Help: "free disk below which only provider events and receipts are taken, and all else that writes is refused; 0 is off",
		kind: size(func(c *Config) *int { return &c.Storage.MinFree }, 0, 1<<60)},
	{Key: "retention.bodies", Default: "30d", Example: "7d", Help: "how long bodies of events and answers are kept after the end; 0 or never: for good",
		kind: durationOrNever(func(c *Config) *time.Duration { return &c.Retention.Bodies }, time.Minute, 36500*day)},
	{Key: "retention.attempts", Default: "30d", Example: "14d", Help: "how long attempts before the last one are kept; 0 or never: for good",
		kind: durationOrNever(func(c *Config) *time.Duration { return &c.Retention.Attempts }, time.Minute, 36500*day)},
	{Key: "retention.events", Default: "30d", Example: "90d", Help: "how long events and deliveries are kept; the id stays known; 0 or never: for good",
		kind: durationOrNever(func(c *Config) *time.Duration { return &c.Retention.Events }, time.Minute, 36500*day)},

	{Key: "auth.rate_limit", Default: "30", Example: "10", Help: "sign-in requests a minute from one address; 0 is no limit",
		kind: integer(func(c *Config) *int { return &c.Auth.RateLimit }, 0, 1<<30)},
	{Key: "auth.origins", Example: "https://app.example.com", Help: "other origins whose pages may call with a session's cookie, separated by commas; with base_url all others but its own are refused",
		kind: origins(func(c *Config) *[]string { return &c.Auth.Origins })},
	{Key: "auth.siwe.enabled", Default: "false", Example: "true", Help: "sign-in with Ethereum",
		kind: boolean(func(c *Config) *bool { return &c.Auth.SIWE.Enabled })},
	{Key: "auth.siwe.signup", Default: "open", Example: "invite", Help: "who may make organizations: open (anyone) or invite (nobody)",
		kind: oneOf(func(c *Config) *string { return &c.Auth.SIWE.Signup }, "open", "invite")},
	{Key: "auth.siwe.domain", Example: "app.example.com", Help: "domain that sign-in messages must name",
		kind: domain(func(c *Config) *string { return &c.Auth.SIWE.Domain })},
	{Key: "auth.siwe.chain_id", Default: "1", Example: "8453", Help: "chain id that sign-in messages must name",
		kind: integer(func(c *Config) *int { return &c.Auth.SIWE.ChainID }, 1, 1<<40)},
	{Key: "metrics.listen", Default: "127.0.0.1:9464", Example: "10.0.0.5:9464", Help: "address of the Prometheus metrics; off turns them off",
		kind: addressOrOff(func(c *Config) *string { return &c.Metrics.Listen })},
	{Key: "sentry.dsn", Example: "https://key@sentry.example.com/7", Help: "Sentry project that hears of faults and dead deliveries: @FILE, env:NAME or the DSN", Secret: true,
		kind: hiddenURL(func(c *Config) *secret.Text { return &c.Sentry.DSN })},
	{Key: "secrets.key_file", Example: "/etc/sealpost/secrets.key", Help: "file with the key under which signing secrets are stored sealed",
		kind: text(func(c *Config) *string { return &c.Secrets.KeyFile })},
	{Key: "secrets.key", Example: "env:SEALING_KEY", Help: "that key itself, for environments without files", Secret: true,
		kind: hidden(func(c *Config) *secret.Text { return &c.Secrets.Key })},

	{Key: "log.level", Default: "info", Example: "debug", Help: "debug, info, warn or error",
		kind: logLevel},
	{Key: "log.format", Default: "text", Example: "json", Help: "text or json",
		kind: oneOf(func(c *Config) *string { return &c.Log.Format }, "text", "json")},
	{Key: "log.payloads", Default: "false", Example: "true", Help: "bodies of events and answers in the log",
		kind: boolean(func(c *Config) *bool { return &c.Log.Payloads })},
}

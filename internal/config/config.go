package config

import (
	"log/slog"
	"net/netip"
	"time"

	"sealpost/internal/bounds"
	"sealpost/internal/secret"
)

// Config is every setting, checked. Each field has a row in the table of
// settings, which says what it is for; where a value has a unit or a shape that
// its type does not show, it stands here.
type Config struct {
	// What every command takes.
	Output  string // table, json or jsonl
	Color   string // auto, always or never
	Quiet   bool
	Verbose bool
	NoInput bool
	Yes     bool

	Database      string // path; empty when neither HOME nor XDG_STATE_HOME says where
	MigrationCopy bool   // keep the file as it was before a migration
	Organization  string // id or slug
	Server        string // origin URL of a daemon to work on; empty: the database file
	Token         secret.Text

	ShutdownDelay  time.Duration
	Listen         string // host:port
	MaxConnections int    // to the daemon, at a time
	RequestMemory  int    // bytes of request bodies in the daemon, at a time
	BaseURL        string // how clients reach the daemon; empty: derived from Listen
	TLS            struct{ CertFile, KeyFile string }
	TrustedProxies []netip.Prefix // masked, never IPv4 inside IPv6

	Egress struct {
		Allow     []string // CIDR, CIDR:port or host name
		AllowHTTP bool
		Resolver  string // IP:port; empty: the system's
		CAFile    string
	}
	Retry struct {
		Profile  string // default or sandbox
		Attempts int    // retries after the first attempt; -1: as the profile says
		Base     time.Duration
		Factor   float64
		MaxDelay time.Duration
		Jitter   float64 // share of the wait, 0 to 0.1
	}
	Delivery struct {
		Timeout            time.Duration
		DisableAfter       time.Duration
		MaxInFlight        int // requests, over all webhooks
		WebhookMaxInFlight int // requests to one webhook
		MaxPerHost         int
		ShutdownGrace      time.Duration
	}
	Publish struct {
		MaxBody    int // bytes
		MaxPending int // deliveries of one organization
	}
	Storage struct{ MinFree int } // bytes that stay free on the disk of the database; 0: nothing is checked
	Limits  bounds.Values         // of one organization, but for pending deliveries
	Events  struct {
		Schemas string // folder
		Strict  bool
	}
	Provider struct {
		Panda        struct{ Secret secret.Text }
		KeepUnlinked time.Duration // 0: events of unlinked users are not kept
	}
	Receipts struct {
		RPCURL        secret.Text // http or https URL; often carries an access key
		ChainID       int         // 0: that of sign-in
		Confirmations int         // blocks
		Interval      time.Duration
		Timeout       time.Duration
		Await         []string // provider event types, resource.action
	}
	Retention struct { // after the end of the event's work; 0: for good
		Bodies   time.Duration
		Attempts time.Duration
		Events   time.Duration
	}
	Auth struct {
		RateLimit int      // requests a minute and address; 0: no limit
		Origins   []string // of pages, besides the base URL's, that may call with a session's cookie
		SIWE      struct {
			Enabled bool
			Signup  string // open or invite
			Domain  string // host or host:port
			ChainID int
		}
	}
	Metrics struct{ Listen string } // host:port; empty: off
	Sentry  struct{ DSN secret.Text }
	Secrets struct {
		KeyFile string
		Key     secret.Text
	}
	Log struct {
		Level    slog.Level
		Format   string // text or json
		Payloads bool
	}

	// Warnings are things that a person should know but that stop nothing.
	Warnings []string

	shown []Shown
}

// Shown is one setting as `config show` shows it.
type Shown struct {
	Key    string `json:"key"`
	Value  string `json:"value"`  // masked when it is a secret
	Origin string `json:"origin"` // "flag --x", "environment SEALPOST_X", "file PATH:LINE" or "default"
	Help   string `json:"description"`
}

// Show lists every setting with where its value came from, in the order of the
// table.
func (c *Config) Show() []Shown { return c.shown }

// Origin says where a setting's value came from, as [Shown] does.
func (c *Config) Origin(key string) string {
	for _, s := range c.shown {
		if s.Key == key {
			return s.Origin
		}
	}
	return byNobody
}

// Given reports whether a flag, a variable or the file has set a setting, whatever the
// value.
func (c *Config) Given(key string) bool { return c.Origin(key) != byNobody }

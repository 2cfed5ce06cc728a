package config

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/secret"
)

// write makes a file that only its owner may read.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func load(t *testing.T, from Sources) *Config {
	t.Helper()
	c, err := Load(from)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func shown(c *Config, key string) Shown {
	i := slices.IndexFunc(c.Show(), func(s Shown) bool { return s.Key == key })
	return c.Show()[i]
}

// plain writes out every value that the rest of the tool can see, secrets
// included, and nothing of where they came from.
func plain(c *Config) string {
	bare := *c
	bare.shown, bare.Warnings = nil, nil
	for _, s := range []*secret.Text{&bare.Token, &bare.Provider.Panda.Secret, &bare.Receipts.RPCURL, &bare.Sentry.DSN, &bare.Secrets.Key} {
		*s = secret.Text{}
	}
	return fmt.Sprintf("%+v", bare) + strings.Join([]string{c.Token.Reveal(), c.Provider.Panda.Secret.Reveal(), c.Receipts.RPCURL.Reveal(), c.Sentry.DSN.Reveal(), c.Secrets.Key.Reveal()}, " ")
}

// company is what a setting can't be without, and another value of it.
var company = map[string]struct{ key, value, otherwise string }{
	"tls.cert_file":     {"tls.key_file", "key.pem", "other.pem"},
	"tls.key_file":      {"tls.cert_file", "cert.pem", "other.pem"},
	"auth.siwe.enabled": {"auth.siwe.domain", "app.example.com", "false"},
}

// TestEverySettingInEveryPlace sets each row of the table in each of the three
// places at a time, with the weaker places saying something else, and looks
// whether the value arrives, whether it changes anything, and what `config show`
// says of it. A row whose value went nowhere would fail here.
func TestEverySettingInEveryPlace(t *testing.T) {
	token := write(t, "token.txt", "from a file")
	const wrong = "\x01 never right"
	for _, s := range table {
		t.Run(s.Key, func(t *testing.T) {
			value := strings.ReplaceAll(s.Example, "token.txt", token)
			env := []string{"PANDA_KEY=panda", "SEALING_KEY=sealing"}
			with, before := map[string]string{}, map[string]string{}
			if c, found := company[s.Key]; found {
				with[c.key] = c.value
				before[c.key], before[s.Key] = c.value, c.otherwise
			}
			without := plain(load(t, Sources{Flags: before, Env: env}))

			good := write(t, "good.toml", fmt.Sprintf("# first\n%s = %s\n", s.Key, quote(s, value)))
			bad := write(t, "bad.toml", s.Key+` = "\u0001 never right"`)
			flags := map[string]string{s.Key: value}
			maps.Copy(flags, with)
			for _, test := range []struct {
				origin string
				from   Sources
			}{
				{"file " + good + ":2", Sources{File: good, Env: env, Flags: with}},
				{"environment " + s.Env(), Sources{File: bad, Env: append(env, s.Env()+"="+value), Flags: with}},
				{"flag --" + FlagName(s.Key), Sources{File: bad, Env: append(env, s.Env()+"="+wrong), Flags: flags}},
			} {
				c := load(t, test.from)
				if plain(c) == without {
					t.Errorf("%s: %q changes nothing", test.origin, value)
				}
				if got := shown(c, s.Key); got.Origin != test.origin || got.Help != s.Help {
					t.Errorf("%s is shown as %+v", test.origin, got)
				} else if want := masked(s, value); got.Value != want {
					t.Errorf("%s is shown with %q, not %q", test.origin, got.Value, want)
				}
			}
			if _, err := Load(Sources{File: bad}); err == nil || !strings.Contains(err.Error(), s.Key) {
				t.Errorf("in the file %q passes: %v", wrong, err)
			}
			if _, err := Load(Sources{Env: []string{s.Env() + "=" + wrong}}); err == nil || !strings.Contains(err.Error(), s.Env()) {
				t.Errorf("in the environment %q passes: %v", wrong, err)
			}
		})
	}
}

// quote writes a value as TOML would have it from a person.
func quote(s Setting, value string) string {
	switch s.Type() {
	case "true or false", "whole number", "number":
		return value
	case "list":
		return `["` + strings.ReplaceAll(value, ",", `", "`) + `"]`
	}
	return fmt.Sprintf("%q", value)
}

func masked(s Setting, value string) string {
	if s.Secret && !refers(value) {
		return secret.Redacted
	}
	return value
}

// TestTheTable holds what is derived from the table to be of use.
func TestTheTable(t *testing.T) {
	var flags, variables []string
	for _, s := range table {
		if s.Help == "" || s.Type() == "" || s.Allowed() == "" || s.Example == "" || s.Example == s.Default || s.Key != strings.ToLower(s.Key) {
			t.Errorf("%+v says too little", s)
		}
		if slices.Contains(flags, FlagName(s.Key)) || slices.Contains(variables, s.Env()) {
			t.Errorf("%s collides", s.Key)
		}
		if group, isHidden := groupOf(s.Key); isHidden && group != "database" || isGroup(s.Key) && s.Key != "database" { // see TestPathAndGroup
			t.Errorf("%s is a setting and a group", s.Key)
		}
		if err := s.kind.read(&Config{}, s.Default); err != nil {
			t.Errorf("%s: the default %q %v", s.Key, s.Default, err)
		}
		flags, variables = append(flags, FlagName(s.Key)), append(variables, s.Env())
	}
	if got := len(Settings()) + len(Globals()); got != len(table) {
		t.Errorf("%d of %d rows are offered", got, len(table))
	}
	Settings()[0].Key = "changed"
	if Settings()[0].Key == "changed" {
		t.Error("a caller can change the table")
	}
}

// TestFixedNames holds the names that scripts rely on.
func TestFixedNames(t *testing.T) {
	for _, key := range strings.Fields(`database listen base_url organization server token output color
		egress.allow egress.allow_http egress.resolver egress.ca_file
		retry.profile retry.attempts retry.base retry.max_delay retry.jitter delivery.timeout
		auth.siwe.enabled auth.siwe.signup auth.siwe.domain auth.siwe.chain_id auth.rate_limit provider.panda.secret
		receipts.rpc_url receipts.confirmations receipts.timeout metrics.listen trusted_proxies secrets.key_file
		tls.cert_file tls.key_file events.schemas events.strict log.payloads`) {
		if _, found := lookup(key); !found {
			t.Errorf("%s is gone", key)
		}
	}
	for key, want := range map[string]string{"organization": "org", "egress.ca_file": "egress-ca-file", "no_input": "no-input"} {
		if got := FlagName(key); got != want {
			t.Errorf("the flag of %s is %s, not %s", key, got, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	c := load(t, Sources{})
	if c.Listen != "127.0.0.1:8787" || c.Organization != "default" || c.Retry.Base != 500*time.Millisecond || c.Retry.Factor != 2 || c.Retry.MaxDelay != 12*time.Hour ||
		c.Retry.Attempts != -1 || c.Retry.Jitter != 0.1 || c.Delivery.Timeout != time.Minute || c.Delivery.DisableAfter != 120*time.Hour || c.Publish.MaxBody != 1<<20 ||
		c.Metrics.Listen != "127.0.0.1:9464" ||
		c.Auth.SIWE.Signup != "open" || c.Auth.SIWE.Enabled || c.Egress.AllowHTTP || c.Log.Payloads || c.Output != "table" || c.Color != "auto" {
		t.Errorf("%+v", c)
	}
	for _, s := range c.Show() {
		if s.Origin != "default" {
			t.Errorf("%+v", s)
		}
	}
	if len(c.Show()) != len(table) || len(c.Warnings) != 0 {
		t.Errorf("%d settings, warnings %q", len(c.Show()), c.Warnings)
	}
}

// TestDefaultDatabase includes the environment that says nothing: that is the
// business of commands which need a database, and no fault.
func TestDefaultDatabase(t *testing.T) {
	for _, test := range []struct {
		env  string
		want string
	}{
		{"", ""},
		{"HOME=/home/x", "/home/x/.local/state/sealpost/sealpost.db"},
		{"HOME=/home/x XDG_STATE_HOME=/state", "/state/sealpost/sealpost.db"},
		{"HOME=/home/x XDG_STATE_HOME=relative", "/home/x/.local/state/sealpost/sealpost.db"},
		{"XDG_STATE_HOME=relative", ""},
		{"HOME=/home/x SEALPOST_DATABASE=here.db", "here.db"},
	} {
		c := load(t, Sources{Env: strings.Fields(test.env)})
		if filepath.ToSlash(c.Database) != test.want || shown(c, "database").Value != c.Database {
			t.Errorf("%q: %q, shown as %q, not %q", test.env, c.Database, shown(c, "database").Value, test.want)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte("listen: 127.0.0.1:9000\negress:\n  allow: [10.0.0.0/8]\nretry:\n  profile: sandbox\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	from := Sources{File: path, Env: append(os.Environ(), "SEALPOST_LOG_LEVEL=debug")}
	for b.Loop() {
		if _, err := Load(from); err != nil {
			b.Fatal(err)
		}
	}
}

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// example is a value for a setting that is not its default.
func example(t *testing.T, s Setting) string {
	t.Helper()
	special := map[string]string{
		"retry.attempts": "7", "retry.factor": "3", "retry.jitter": "0.05", "retry.profile": "sandbox", "log.level": "debug", "log.format": "json", "auth.siwe.signup": "invite",
		"trusted_proxies": "10.0.0.0/8", "egress.allow": "10.0.0.0/8,hooks.corp", "receipts.await": "transaction.created", "publish.max_body": "2MiB",
		"listen": "127.0.0.1:1", "metrics.listen": "127.0.0.1:2", "auth.siwe.enabled": "true",
	}
	if value, found := special[s.Key]; found {
		return value
	}
	for _, value := range []string{"true", "17", "3m", "text"} {
		c := &Config{}
		if value != s.Default && s.set(c, value) == nil {
			return value
		}
	}
	t.Fatalf("no example for %s", s.Key)
	return ""
}

// company is what a setting needs beside it.
func company(s Setting) map[string]string {
	switch s.Key {
	case "tls.cert_file":
		return map[string]string{"tls.key_file": "x"}
	case "tls.key_file":
		return map[string]string{"tls.cert_file": "x"}
	case "auth.siwe.enabled":
		return map[string]string{"auth.siwe.domain": "x.example.com"}
	}
	return map[string]string{}
}

func shown(c *Config, key string) Shown {
	for _, s := range c.Show() {
		if s.Key == key {
			return s
		}
	}
	return Shown{}
}

// TestEverySettingInEveryPlace sets each setting of the table by flag, variable
// and file, sees it change the configuration, and win over the weaker places.
func TestEverySettingInEveryPlace(t *testing.T) {
	plain, err := Load(Sources{})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range Settings() {
		t.Run(s.Key, func(t *testing.T) {
			value := example(t, s)
			file := filepath.Join(t.TempDir(), "c.yaml")
			text := fmt.Sprintf("%s: %q\n", s.Key, value)
			for key, other := range company(s) {
				text += fmt.Sprintf("%s: %q\n", key, other)
			}
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			flags := company(s)
			flags[s.Key] = value
			for _, test := range []struct {
				from   Sources
				origin string
			}{
				{Sources{File: file}, "file " + file},
				{Sources{File: file, Env: []string{s.Env() + "=" + value}}, "environment " + s.Env()},
				{Sources{File: file, Env: []string{s.Env() + "=wrong one"}, Flags: flags}, "flag --" + FlagName(s.Key)},
			} {
				c, err := Load(test.from)
				if err != nil {
					t.Fatalf("%s: %v", test.origin, err)
				}
				got := shown(c, s.Key)
				if got.Origin != test.origin {
					t.Errorf("from %q, not %q", got.Origin, test.origin)
				}
				if s.Secret && strings.Contains(got.Value, value) {
					t.Errorf("shown as %q", got.Value)
				}
				c.shown, c.env, c.Warnings = plain.shown, plain.env, plain.Warnings
				if fmt.Sprintf("%#v", flat(c)) == fmt.Sprintf("%#v", flat(plain)) {
					t.Errorf("%s = %s changes nothing", s.Key, value)
				}
			}
		})
	}
}

// flat makes two configurations comparable, secrets included.
func flat(c *Config) any {
	return []any{*c, c.Token.Reveal(), c.Provider.Panda.Secret.Reveal(), c.Secrets.Key.Reveal(), c.Sentry.DSN.Reveal()}
}

func TestDefaults(t *testing.T) {
	c, err := Load(Sources{Env: []string{"HOME=/home/x"}})
	if err != nil {
		t.Fatal(err)
	}
	if c.Database != "/home/x/.local/state/sealpost/sealpost.db" || c.Listen != "127.0.0.1:8787" || c.Organization != "default" || c.Retry.Base != 500*time.Millisecond ||
		c.Retry.MaxDelay != 12*time.Hour || c.Retry.Attempts != -1 || c.Delivery.Timeout != time.Minute || c.Publish.MaxBody != 1<<20 || c.Retention.Events != 30*24*time.Hour {
		t.Errorf("%+v", c)
	}
	if c, err = Load(Sources{Env: []string{"HOME=/home/x", "XDG_STATE_HOME=/state"}}); err != nil || c.Database != "/state/sealpost/sealpost.db" {
		t.Errorf("%s (%v)", c.Database, err)
	}
	if c, err = Load(Sources{}); err != nil || c.Database != "" {
		t.Errorf("%q (%v)", c.Database, err)
	}
}

func TestRefused(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		from Sources
		want []string
	}{
		{Sources{File: write("a.yaml", "egress:\n  alow: x\n")}, []string{`"egress.alow" is no setting`, `did you mean "egress.allow"?`}},
		{Sources{File: write("b.toml", "[retry]\nbase = \"soon\"\n")}, []string{"retry.base (file ", `"soon" is not a time`}},
		{Sources{File: write("c.json", `{"listen": 5}`)}, []string{"listen (file", "is not host:port"}},
		{Sources{File: write("d.yaml", "a: [")}, []string{"can't read the configuration file"}},
		{Sources{File: filepath.Join(folder, "none.yaml")}, []string{"can't read the configuration file"}},
		{Sources{Env: []string{"SEALPOST_RETRY_FACTOR=NaN", "SEALPOST_LOG_LEVEL=loud"}}, []string{"retry.factor (environment SEALPOST_RETRY_FACTOR)", "log.level"}},
		{Sources{Flags: map[string]string{"token": "env:NOT_THERE"}}, []string{"token (flag --token)", "is not set"}},
		{Sources{Flags: map[string]string{"token": "@" + filepath.Join(folder, "none")}}, []string{"no such file"}},
		{Sources{Flags: map[string]string{"tls.cert_file": "x"}}, []string{"go together"}},
		{Sources{Flags: map[string]string{"auth.siwe.enabled": "true"}}, []string{"needs auth.siwe.domain"}},
		{Sources{Flags: map[string]string{"organization": " "}}, []string{"organization (flag --org)", "is empty"}},
	} {
		_, err := Load(test.from)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v, not %q", test.from, err, want)
			}
		}
	}
}

func TestSecretsAreReadAndMasked(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"canary", "@" + file, "env:HIDDEN"} {
		c, err := Load(Sources{Env: []string{"HIDDEN=canary\n", "SEALPOST_TOKEN=" + value}})
		if err != nil || c.Token.Reveal() != "canary" {
			t.Errorf("%s: %q (%v)", value, c.Token.Reveal(), err)
		}
		if text := fmt.Sprintf("%+v %#v", c.Show(), c.Token); strings.Contains(text, "canary") {
			t.Errorf("%s is shown: %s", value, text)
		}
	}
}

func TestUnknownVariablesAreTold(t *testing.T) {
	c, err := Load(Sources{Env: []string{"SEALPOST_RETRY_BAS=1s", "SEALPOST_OUTPUT=json", "OTHER=1"}})
	if err != nil || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], `did you mean "SEALPOST_RETRY_BASE"?`) {
		t.Errorf("%q (%v)", c.Warnings, err)
	}
}

func TestNamesAreUnique(t *testing.T) {
	var flags, variables []string
	for _, s := range Settings() {
		if s.Help == "" || s.Key != strings.ToLower(s.Key) {
			t.Errorf("%s: %q", s.Key, s.Help)
		}
		if slices.Contains(flags, FlagName(s.Key)) || slices.Contains(variables, s.Env()) {
			t.Errorf("%s collides", s.Key)
		}
		flags, variables = append(flags, FlagName(s.Key)), append(variables, s.Env())
	}
}

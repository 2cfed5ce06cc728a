package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestFileLanguages reads the same settings from each language, in groups and
// with dots, and knows the line of each.
func TestFileLanguages(t *testing.T) {
	for name, text := range map[string]string{
		"groups.yaml": "# ours\nlisten: 127.0.0.1:1\negress:\n  allow:\n    - 10.0.0.0/8\n    - a.corp\n  allow_http: true\nretry:\n  attempts: 4\n  factor: 1.5\nreceipts:\n",
		"dots.yml":    "---\nListen: \"127.0.0.1:1\"\negress.allow: [10.0.0.0/8, a.corp]\negress.allow_http: \"true\"\nretry.attempts: 4\nretry.factor: 1.5\n",
		"groups.toml": "listen = '127.0.0.1:1'\n[egress] # to receivers\nallow = ['10.0.0.0/8', 'a.corp']\nallow_http = true\n[retry]\nattempts = 4\nfactor = 1.5\n",
		"dots.toml":   "listen = '127.0.0.1:1'\n\negress.allow = '10.0.0.0/8, a.corp'\negress.allow_http = true\nretry.attempts = 4\nretry.factor = 1.5\n",
		"groups.json": "{\n \"listen\": \"127.0.0.1:1\",\n \"egress\":\n {\"allow\": [\"10.0.0.0/8\",\n \"a.corp\"], \"allow_http\": true},\n \"retry\": {\"attempts\": 4, \"factor\": 1.5}}",
		"dots.json":   "{\"listen\": \"127.0.0.1:1\", \"egress.allow\": \"10.0.0.0/8,a.corp\",\n \"egress.allow_http\": true, \"retry.attempts\": 4, \"retry.factor\": 1.5}",
	} {
		path := write(t, name, text)
		c := load(t, Sources{File: path})
		if c.Listen != "127.0.0.1:1" || strings.Join(c.Egress.Allow, " ") != "10.0.0.0/8 a.corp" || !c.Egress.AllowHTTP || c.Retry.Attempts != 4 || c.Retry.Factor != 1.5 {
			t.Errorf("%s: %+v", name, c)
		}
		for key, word := range map[string]string{"listen": "listen", "egress.allow": "allow", "egress.allow_http": "allow_http", "retry.factor": "factor"} {
			line := 1 + strings.Count(text[:strings.Index(strings.ToLower(text), word)], "\n")
			if got, want := shown(c, key).Origin, "file "+path+":"+strconv.Itoa(line); got != want {
				t.Errorf("%s: %s comes from %q, not %q", name, key, got, want)
			}
		}
	}
}

func TestFileFaults(t *testing.T) {
	for _, test := range []struct{ name, text, says string }{
		{"a.yaml", "egress:\n  alow: x\n", `a.yaml:2: "egress.alow" is no setting; did you mean "egress.allow"?`},
		{"b.yaml", "nothing_like_it: 1\n", `b.yaml:1: "nothing_like_it" is no setting`},
		{"c.yaml", "egress: true\n", `c.yaml:1: "egress" is a group of settings and takes no value itself`},
		{"d.yaml", "listen:\n  port: 80\n", `d.yaml:2: "listen" is a setting and holds no others: "listen.port" is none`},
		{"e.toml", "[retry]\nbase = \"soon\"\n", `e.toml:2): "soon" is not a time from 1ms to 1d`},
		{"f.json", `{"listen": 5}`, `f.json:1) must be a text: write it in quotes`},
		{"g.yaml", "token: 007\n", `g.yaml:1) must be a text`},
		{"h.yaml", "organization: 2026-01-05\n", `must be a text`},
		{"i.yaml", "listen: [a, b]\n", `must not be a list`},
		{"j.yaml", "egress:\n  allow: [1.5]\n", `must be a list of texts`},
		{"k.yaml", "egress:\n  allow: ['a,b']\n", `must be a list of texts without commas`},
		{"l.yaml", "retry:\n  attempts: 2026-01-05\n", `must not be of this kind`},
		{"m.yaml", "retry:\n  base: 5\n", `"5" is not a time`},
		{"n.json", `{"retry": {"attempts": 1e30}}`, `is not a whole number from 0 to 100`},
		{"o.yaml", "quiet: maybe\n", `quiet (file `},
	} {
		_, err := Load(Sources{File: write(t, test.name, test.text)})
		var unreadable *FileError
		if err == nil || !strings.Contains(err.Error(), test.says) || errors.As(err, &unreadable) {
			t.Errorf("%s: %v, not %q", test.name, err, test.says)
		}
	}
}

// TestUnreadableFiles holds what is no question of settings: the file itself.
func TestUnreadableFiles(t *testing.T) {
	for _, test := range []struct{ name, text, says string }{
		{"a.yaml", "listen: a\n  b: [", "line 2"},
		{"b.json", "{\n  \"listen\": oops}", "line 2, column 13"},
		{"c.toml", "listen = 'a'\nretry = = 1\n", "line 2, column 9"},
		{"d.json", "", "line 1, column 0"},
		{"e.yaml", "- a\n- b\n", "cannot unmarshal"},
		{"f.yaml", "listen: a\nlisten: b\n", "already defined"},
		{"g.ini", "listen=a\n", "must end in .yaml, .yml, .toml or .json"},
		{"h", "listen: a\n", "must end in"},
		{"i.yaml", "listen: " + strings.Repeat("x", maxFile), "larger than 1048576 bytes"},
	} {
		path := write(t, test.name, test.text)
		_, err := Load(Sources{File: path})
		var unreadable *FileError
		if !errors.As(err, &unreadable) || unreadable.Path != path || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, not %q", test.name, err, test.says)
		}
	}
	if _, err := Load(Sources{File: filepath.Join(t.TempDir(), "none.yaml")}); !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), "none.yaml") != 1 {
		t.Errorf("a file that is not there: %v", err)
	}
	folder := filepath.Join(t.TempDir(), "x.yaml")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Sources{Env: []string{"SEALPOST_CONFIG=" + folder}}); err == nil || !strings.Contains(err.Error(), "it is a folder") {
		t.Errorf("a folder: %v", err)
	}
}

// TestNothingSaid holds what YAML leaves when lines are commented out to be
// nothing at all.
func TestNothingSaid(t *testing.T) {
	c := load(t, Sources{File: write(t, "c.yaml", "listen:\negress:\n#  allow: x\nretry: {}\ntrusted_proxies: []\n")})
	if c.Listen != "127.0.0.1:8787" || shown(c, "listen").Origin != "default" || c.TrustedProxies != nil {
		t.Errorf("%+v", shown(c, "listen"))
	}
	load(t, Sources{File: write(t, "empty.yaml", "")})
	load(t, Sources{File: write(t, "empty.toml", "")})
}

// TestJSONNumbers holds whole numbers above a million to stay whole.
func TestJSONNumbers(t *testing.T) {
	c := load(t, Sources{File: write(t, "c.json", `{"publish": {"max_pending": 25000000, "max_body": 2097152}, "retry": {"jitter": 0.05}}`)})
	if c.Publish.MaxPending != 25000000 || c.Publish.MaxBody != 2<<20 || c.Retry.Jitter != 0.05 {
		t.Errorf("%+v %v", c.Publish, c.Retry.Jitter)
	}
}

func TestWhichFile(t *testing.T) {
	home := t.TempDir()
	put := func(organization string, path ...string) string {
		t.Helper()
		name := filepath.Join(append([]string{home}, path...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		text := "organization: " + organization + "\n"
		if strings.HasSuffix(name, ".toml") {
			text = "organization = '" + organization + "'\n"
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	put("home", ".config", "sealpost", "config.yaml")
	put("xdg", "xdg", "sealpost", "config.toml")
	named, flagged := put("named", "named.yaml"), put("flagged", "flagged.yaml")
	usual := "HOME=" + home
	for _, test := range []struct {
		from Sources
		want string
	}{
		{Sources{}, "default"},
		{Sources{Env: []string{usual}}, "home"},
		{Sources{Env: []string{usual, "XDG_CONFIG_HOME=" + filepath.Join(home, "xdg")}}, "xdg"},
		{Sources{Env: []string{usual, "XDG_CONFIG_HOME=" + filepath.Join(home, "nothing")}}, "default"},
		{Sources{Env: []string{usual, "SEALPOST_CONFIG=" + named}}, "named"},
		{Sources{Env: []string{usual, "SEALPOST_CONFIG=" + named}, File: flagged}, "flagged"},
	} {
		if c := load(t, test.from); c.Organization != test.want {
			t.Errorf("%+v: %s", test.from, c.Organization)
		}
	}
	second := put("second", ".config", "sealpost", "config.toml")
	c := load(t, Sources{Env: []string{usual}})
	if c.Organization != "home" || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0], second+" is not read") {
		t.Errorf("%s, warnings %q", c.Organization, c.Warnings)
	}
}

// TestEnvironmentNeedsNoDefault: Viper by itself ignores a variable whose key
// has no default.
func TestEnvironmentNeedsNoDefault(t *testing.T) {
	for _, s := range table {
		if s.Default == "" && s.Type() == "text" && company[s.Key].key == "" {
			c := load(t, Sources{Env: []string{s.Env() + "=app.example.com"}})
			if got := shown(c, s.Key); got.Value != "app.example.com" || got.Origin != "environment "+s.Env() {
				t.Errorf("%+v", got)
			}
		}
	}
	c := load(t, Sources{Env: []string{"SEALPOST_RETRY_BASE=1s", "SEALPOST_RETRY_BASE=2s", "SEALPOST_EGRESS_RESOLVER="}, File: write(t, "c.yaml", "egress:\n  resolver: 192.0.2.53:53\n")})
	if c.Retry.Base != 2*time.Second || c.Egress.Resolver != "" {
		t.Errorf("the last variable counts, an empty one as well: %v, %q", c.Retry.Base, c.Egress.Resolver)
	}
}

// FuzzFile: whatever a file holds, it is read or refused, quickly and with a
// bounded message, and what has a line has one that the file has.
func FuzzFile(f *testing.F) {
	for _, seed := range []string{
		"listen: a\negress:\n  allow: [x]\n", "token: |\n  listen: b\nretry:\n  base: 1s\n", "a: &a [*a]\n", "\ufeffquiet: true\n", "listen: 'a\n  b'\n", "? [x]\n: y\n",
		"[retry]\nbase = '1s'\n", "x = \"\"\"\n[retry]\n\"\"\"\n", "[[retry]]\nbase = 1\n", "[a.b]\n'c d' = 1979-05-27\n",
		`{"egress": {"allow": ["x", {"a": 1}]}, "listen": null}`, `{"a": {"b": [[], {}]}, "a.b": 1}`, `{"": {"": 1}}`,
	} {
		for _, ending := range endings {
			f.Add(ending, seed)
		}
	}
	f.Fuzz(func(t *testing.T, ending, text string) {
		if !slices.Contains(endings, ending) {
			return
		}
		for key, line := range locate([]byte(text), ending) {
			if line < 1 || line > 1+strings.Count(text, "\n") {
				t.Errorf("%q is on line %d", key, line)
			}
		}
		c, err := Load(Sources{File: write(t, "c."+ending, text)})
		if (c == nil) == (err == nil) {
			t.Errorf("%v and %v", c, err)
		}
		if err != nil && len(err.Error()) > maxFaults*1000 {
			t.Errorf("%d bytes of error", len(err.Error()))
		}
	})
}

// TestPathAndGroup: database is the path of a file, and the group of one setting.
func TestPathAndGroup(t *testing.T) {
	for name, text := range map[string]string{
		"a.yaml": "database: /x.db\ndatabase.migration_copy: false\n",
		"b.toml": "database = '/x.db'\n\"database.migration_copy\" = false\n",
		"c.json": `{"database.migration_copy": false, "database": "/x.db"}`,
	} {
		if c := load(t, Sources{File: write(t, name, text)}); c.Database != "/x.db" || c.MigrationCopy {
			t.Errorf("%s: %q %t", name, c.Database, c.MigrationCopy)
		}
	}
	if c := load(t, Sources{File: write(t, "d.yaml", "database:\n  migration_copy: false\n"), Env: []string{"HOME=/home/x"}}); c.MigrationCopy || !strings.HasSuffix(c.Database, "sealpost.db") {
		t.Errorf("%q %t", c.Database, c.MigrationCopy)
	}
}

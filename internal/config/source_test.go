package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"sealpost/internal/secret"
)

const canary = "canary-5f0e"

// TestSecretSources reads the same secret from everywhere.
func TestSecretSources(t *testing.T) {
	at := "@" + write(t, "token", canary+"\n")
	for _, test := range []struct {
		given string
		shown string
	}{
		{canary, secret.Redacted},
		{canary + "\n", secret.Redacted},
		{at, at},
		{"env:HIDDEN", "env:HIDDEN"},
		{"-", "-"},
	} {
		c := load(t, Sources{Env: []string{"HIDDEN=" + canary + "\r\n"}, Flags: map[string]string{"token": test.given}, Stdin: strings.NewReader(canary + "\n")})
		if c.Token.Reveal() != canary || shown(c, "token").Value != test.shown {
			t.Errorf("%q reads as %q, shown as %q", test.given, c.Token.Reveal(), shown(c, "token").Value)
		}
	}
	c := load(t, Sources{Env: []string{"TWO=" + canary + "\\n", "SEALPOST_TOKEN=env:TWO"}})
	if c.Token.Reveal() != canary+`\n` {
		t.Errorf("more than a newline is lost: %q", c.Token.Reveal())
	}
}

func TestSecretFaults(t *testing.T) {
	folder := t.TempDir()
	for _, test := range []struct {
		given string
		says  string
	}{
		{"env:NOT_THERE", `token (flag --token): "env:NOT_THERE" names an environment variable that is not set`},
		{"env:EMPTY", "leads to an empty text"},
		{"@" + filepath.Join(folder, "none"), "no such file"},
		{"@" + folder, "can't be read"},
		{"@" + write(t, "empty", "\n"), "leads to an empty text"},
		{"@" + write(t, "large", strings.Repeat("x", maxSecret+1)), "holds more than 65536 bytes"},
		{"@" + write(t, "lines", canary+"\nmore"), "is not a text of one line"},
		{canary + "\n\n", "is not a text of one line"},
	} {
		_, err := Load(Sources{Env: []string{"EMPTY="}, Flags: map[string]string{"token": test.given}})
		if err == nil || !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), canary) {
			t.Errorf("%q: %v, not %q", test.given, err, test.says)
		}
	}
}

// TestStandardInput is read once, for a flag, where a command offers it.
func TestStandardInput(t *testing.T) {
	stdin := strings.NewReader("x")
	for name, from := range map[string]Sources{
		"not offered": {Flags: map[string]string{"token": "-"}},
		"by variable": {Env: []string{"SEALPOST_TOKEN=-"}, Stdin: stdin},
		"by file":     {File: write(t, "c.yaml", "token: '-'\n"), Stdin: stdin},
		"twice":       {Flags: map[string]string{"token": "-", "secrets.key": "-"}, Stdin: stdin},
	} {
		if _, err := Load(from); err == nil || !strings.Contains(err.Error(), "means standard input") {
			t.Errorf("%s: %v", name, err)
		}
	}
	broken := iotest.ErrReader(errors.New("the pipe is gone"))
	if _, err := Load(Sources{Flags: map[string]string{"token": "-"}, Stdin: broken}); err == nil || !strings.Contains(err.Error(), "the pipe is gone") {
		t.Errorf("broken: %v", err)
	}
}

// TestSecretsAreNeverShown greps everything that could reach a person for the
// value of each secret setting, given in each place, right and wrong.
func TestSecretsAreNeverShown(t *testing.T) {
	for _, s := range table {
		if !s.Secret {
			continue
		}
		right, wrong := "https://"+canary+"@n.example/"+canary, canary+"\x01"
		ok := write(t, "right.json", fmt.Sprintf(`{%q: %q}`, s.Key, right))
		number := write(t, "number.json", fmt.Sprintf(`{%q: 5550123}`, s.Key))
		for _, from := range []Sources{
			{File: ok},
			{Env: []string{s.Env() + "=" + right}},
			{Flags: map[string]string{s.Key: right}},
			{File: number},
			{File: write(t, "wrong.json", fmt.Sprintf(`{%q: "%s\u0001"}`, s.Key, canary))},
			{Env: []string{s.Env() + "=" + wrong}},
			{Flags: map[string]string{s.Key: wrong}},
			{Env: []string{s.Env() + "=env:OTHER", "OTHER=" + wrong}},
		} {
			c, err := Load(from)
			told := fmt.Sprint(err)
			if err == nil {
				encoded, jsonErr := json.Marshal(c)
				if jsonErr != nil {
					t.Fatal(jsonErr)
				}
				told = fmt.Sprintf("%v %+v %#v %s %q %+v", c, c, *c, encoded, c.Warnings, c.Show())
			}
			if strings.Contains(told, canary) || strings.Contains(told, "5550123") {
				t.Errorf("%s: %s", s.Key, told)
			}
		}
	}
}

// TestLiteralSecretsAreWarnedOf where others could see them: on the command line
// and in a file that others may read.
func TestLiteralSecretsAreWarnedOf(t *testing.T) {
	private := write(t, "c.yaml", "token: "+canary+"\n")
	open := write(t, "c.yaml", "token: "+canary+"\n")
	named := write(t, "c.yaml", "token: env:HIDDEN\n")
	for _, path := range []string{open, named} {
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		from Sources
		says string
	}{
		{"flag", Sources{Flags: map[string]string{"token": canary}}, "flag --token is given as it is"},
		{"flag that names", Sources{Flags: map[string]string{"token": "env:HIDDEN"}, Env: []string{"HIDDEN=x"}}, ""},
		{"variable", Sources{Env: []string{"SEALPOST_TOKEN=" + canary}}, ""},
		{"private file", Sources{File: private}, ""},
		{"open file", Sources{File: open}, "others may read it: `chmod 600 " + open},
		{"open file that names", Sources{File: named, Env: []string{"HIDDEN=x"}}, ""},
	} {
		if runtime.GOOS == "windows" && test.name == "open file" {
			continue
		}
		got := strings.Join(load(t, test.from).Warnings, "\n")
		if (got == "") != (test.says == "") || !strings.Contains(got, test.says) {
			t.Errorf("%s: warnings %q, not %q", test.name, got, test.says)
		}
	}
}

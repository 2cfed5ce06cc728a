package config

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/viper"

	"sealpost/internal/secret"
)

// Sources is where settings come from.
type Sources struct {
	File  string            // named by --config or SEALPOST_CONFIG; must exist
	Env   []string          // as os.Environ gives it
	Flags map[string]string // flags that were given, by key
}

// Shown is one setting as `config show` shows it.
type Shown struct {
	Key    string `json:"key"`
	Value  string `json:"value"` // masked when it is a secret
	Origin string `json:"origin"`
	Help   string `json:"description"`
}

// Show lists every setting with where its value came from.
func (c *Config) Show() []Shown { return c.shown }

// Load reads and checks every setting. All faults are reported at once, each
// naming the setting, the value, and where it came from.
func Load(from Sources) (*Config, error) {
	env := environment(from.Env)
	c := &Config{}
	file, fileName, err := readFile(from, env)
	if err != nil {
		return nil, err
	}
	faults := misspelt(file, fileName)
	for _, s := range settings {
		value, origin := s.Default, "default"
		if file.IsSet(s.Key) {
			value, origin = flatten(file.Get(s.Key)), "file "+fileName
		}
		if set, found := env[s.Env()]; found {
			value, origin = set, "environment "+s.Env()
		}
		if set, found := from.Flags[s.Key]; found {
			value, origin = set, "flag --"+FlagName(s.Key)
		}
		faults = append(faults, c.take(s, value, origin, env)...)
	}
	if c.Database == "" {
		c.Database = defaultDatabase(env)
	}
	c.shownDatabase()
	for name := range env {
		if strings.HasPrefix(name, "SEALPOST_") && !knownVariable(name) {
			c.Warnings = append(c.Warnings, fmt.Sprintf("the environment variable %s is no setting of sealpost%s", name, near(name, variables())))
		}
	}
	slices.Sort(c.Warnings)
	if (c.TLS.CertFile == "") != (c.TLS.KeyFile == "") {
		faults = append(faults, errors.New("tls.cert_file and tls.key_file go together: one of them is missing"))
	}
	if c.Auth.SIWE.Enabled && c.Auth.SIWE.Domain == "" {
		faults = append(faults, errors.New("auth.siwe.enabled needs auth.siwe.domain: the domain that sign-in messages name, for instance app.example.com"))
	}
	return c, errors.Join(faults...)
}

// take reads one value into its place.
func (c *Config) take(s Setting, value, origin string, env map[string]string) []error {
	c.env = env
	shown := value
	if s.Secret && value != "" {
		shown = secret.Redacted
		if strings.HasPrefix(value, "@") || strings.HasPrefix(value, "env:") {
			shown = value
		}
	}
	c.shown = append(c.shown, Shown{Key: s.Key, Value: shown, Origin: origin, Help: s.Help})
	if err := s.set(c, value); err != nil {
		return []error{fmt.Errorf("%s (%s): %q %w", s.Key, origin, shown, err)}
	}
	return nil
}

func (c *Config) shownDatabase() {
	for i := range c.shown {
		if c.shown[i].Key == "database" && c.shown[i].Value == "" {
			c.shown[i].Value = c.Database
		}
	}
}

// readFile reads the configuration file, if there is one, through Viper.
func readFile(from Sources, env map[string]string) (*viper.Viper, string, error) {
	v := viper.New()
	name := from.File
	if name == "" {
		name = env["SEALPOST_CONFIG"]
	}
	if name == "" {
		name = defaultFile(env)
	}
	if name == "" {
		return v, "", nil
	}
	v.SetConfigFile(name)
	if err := v.ReadInConfig(); err != nil {
		return nil, "", &FileError{name, err}
	}
	return v, name, nil
}

// FileError is a configuration file that can't be read.
type FileError struct {
	Path string
	Err  error
}

// Error implements error.
func (e *FileError) Error() string {
	return fmt.Sprintf("can't read the configuration file %s: %v", e.Path, e.Err)
}

// Unwrap returns the cause.
func (e *FileError) Unwrap() error { return e.Err }

// defaultFile finds sealpost/config.{yaml,yml,toml,json} under
// $XDG_CONFIG_HOME, or ~/.config.
func defaultFile(env map[string]string) string {
	base := env["XDG_CONFIG_HOME"]
	if base == "" {
		if env["HOME"] == "" {
			return ""
		}
		base = filepath.Join(env["HOME"], ".config")
	}
	for _, ending := range []string{"yaml", "yml", "toml", "json"} {
		name := filepath.Join(base, "sealpost", "config."+ending)
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return ""
}

func defaultDatabase(env map[string]string) string {
	if base := env["XDG_STATE_HOME"]; base != "" {
		return filepath.Join(base, "sealpost", "sealpost.db")
	}
	if home := env["HOME"]; home != "" {
		return filepath.Join(home, ".local", "state", "sealpost", "sealpost.db")
	}
	if base := env["LOCALAPPDATA"]; base != "" {
		return filepath.Join(base, "sealpost", "sealpost.db")
	}
	return ""
}

// misspelt finds keys of the file that are no settings.
func misspelt(file *viper.Viper, name string) (faults []error) {
	for _, key := range slices.Sorted(slices.Values(file.AllKeys())) {
		if !slices.ContainsFunc(settings, func(s Setting) bool { return s.Key == key }) {
			faults = append(faults, fmt.Errorf("%s: %q is no setting%s", name, key, near(key, keys())))
		}
	}
	return faults
}

func keys() []string {
	list := make([]string, len(settings))
	for i, s := range settings {
		list[i] = s.Key
	}
	return list
}

// extraVariables are variables that are no settings but ours all the same.
var extraVariables = []string{"SEALPOST_CONFIG", "SEALPOST_OUTPUT", "SEALPOST_COLOR", "SEALPOST_QUIET", "SEALPOST_VERBOSE", "SEALPOST_NO_INPUT", "SEALPOST_YES"}

func variables() []string {
	list := slices.Clone(extraVariables)
	for _, s := range settings {
		list = append(list, s.Env())
	}
	return list
}

func knownVariable(name string) bool { return slices.Contains(variables(), name) }

// near suggests the closest of some words, when one is close.
func near(word string, words []string) string {
	best, least := "", 4
	for _, w := range words {
		if d := distance(word, w); d < least {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the number of edits between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

// flatten writes a file's value as a flag would give it.
func flatten(value any) string {
	if items, isList := value.([]any); isList {
		parts := make([]string, len(items))
		for i, item := range items {
			parts[i] = fmt.Sprint(item)
		}
		return strings.Join(parts, ",")
	}
	if m, isMap := value.(map[string]any); isMap {
		return strings.Join(slices.Sorted(maps.Keys(m)), ",")
	}
	return fmt.Sprint(value)
}

func environment(pairs []string) map[string]string {
	env := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		if name, value, found := strings.Cut(pair, "="); found {
			env[name] = value
		}
	}
	return env
}

// FlagName is the flag of a setting: its key with hyphens; --org is short for
// the organization.
func FlagName(key string) string {
	if key == "organization" {
		return "org"
	}
	return strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

// readSecret resolves @FILE and env:NAME; one trailing newline is lost.
func readSecret(c *Config, s string) (string, error) {
	if name, found := strings.CutPrefix(s, "env:"); found {
		value, set := c.env[name]
		if !set {
			return "", fmt.Errorf("names an environment variable that is not set")
		}
		return trimNewline(value), nil
	}
	if name, found := strings.CutPrefix(s, "@"); found {
		raw, err := os.ReadFile(name) //nolint:gosec // the operator names the file
		if err != nil {
			return "", err
		}
		return trimNewline(string(raw)), nil
	}
	return s, nil
}

func trimNewline(s string) string {
	s, found := strings.CutSuffix(s, "\n")
	if found {
		s = strings.TrimSuffix(s, "\r")
	}
	return s
}

package config

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sealpost/internal/secret"
)

// Sources is where settings come from. Nothing else is looked at: not the
// environment of the process, not its arguments.
type Sources struct {
	File  string            // named by --config; else SEALPOST_CONFIG, else the usual place
	Env   []string          // as os.Environ gives it
	Flags map[string]string // flags that were given, by key
	Stdin io.Reader         // what a secret flag given as - reads; nil: there is no such source
}

// maxFaults bounds what is reported of one broken configuration.
const maxFaults = 20

// Load reads and checks every setting. All faults are reported at once, each
// naming the setting, the value (masked when it is secret), where it came from
// and what is allowed. A file that can't be read at all is a [*FileError].
func Load(from Sources) (*Config, error) {
	l := loader{conf: &Config{}, env: environment(from.Env), stdin: from.Stdin}
	f, err := findFile(from.File, l.env)
	if err != nil {
		return nil, err
	}
	l.conf.Warnings = append(l.conf.Warnings, f.warnings...)
	l.faults = append(l.faults, f.misspelt()...)
	for key := range from.Flags {
		if _, found := lookup(key); !found {
			l.fault("the flag of %q is no setting%s", key, near(key, keys()))
		}
	}
	for _, s := range table {
		l.take(s, l.value(s, from.Flags, f))
	}
	l.together()
	l.strangers()
	if l.literal && f.shared {
		l.warn("%s holds secrets and others may read it: `chmod 600 %s` keeps them out", f.name, f.name)
	}
	slices.Sort(l.conf.Warnings)
	if len(l.faults) > maxFaults {
		l.faults = append(l.faults[:maxFaults], fmt.Errorf("and %d more", len(l.faults)-maxFaults))
	}
	if len(l.faults) > 0 {
		return nil, errors.Join(l.faults...)
	}
	return l.conf, nil
}

// loader is one run of Load.
type loader struct {
	conf    *Config
	env     map[string]string
	stdin   io.Reader
	faults  []error
	unread  []string // keys of settings whose value is malformed
	literal bool     // the file gives a secret as it is
}

// given is the text of a setting and where it comes from.
type given struct {
	text   string
	from   source
	origin string // for people
	err    error  // why the source's value can't be a text
}

// source is where a value comes from; the later ones win.
type source int

const (
	byDefault source = iota
	byFile
	byEnv
	byFlag
)

// byNobody is the origin of a value that nobody has set.
const byNobody = "default"

// value finds what wins: flag, environment, file, default.
func (l *loader) value(s Setting, flags map[string]string, f *file) given {
	if v, found := flags[s.Key]; found {
		return given{text: v, from: byFlag, origin: "flag --" + FlagName(s.Key)}
	}
	if v, found := l.env[s.Env()]; found {
		return given{text: v, from: byEnv, origin: "environment " + s.Env()}
	}
	if v, found := f.value(s.Key); found {
		words, err := flatten(v, s.kind)
		return given{text: words, from: byFile, origin: "file " + f.at(s.Key), err: err}
	}
	return given{text: s.Default, origin: byNobody}
}

// take reads one value into its place and notes how it is shown.
func (l *loader) take(s Setting, g given) {
	shown := g.text
	if s.Secret && shown != "" && !refers(shown) {
		shown = secret.Redacted
		switch g.from {
		case byFlag:
			l.warn("%s is given as it is, where the list of processes and the shell's history show it; @FILE and env:NAME do not", g.origin)
		case byFile:
			l.literal = true
		case byEnv, byDefault: // nobody else sees it
		}
	}
	if s.kind.show != nil {
		shown = s.kind.show(shown)
	}
	if g.err != nil {
		l.fault("%s (%s) %w", s.Key, g.origin, g.err)
		l.unread = append(l.unread, s.Key)
	} else if err := l.read(s, g); err != nil {
		l.fault("%s (%s): %q %w", s.Key, g.origin, shorten(shown), err)
		l.unread = append(l.unread, s.Key)
	}
	if s.Key == "database" && g.text == "" {
		l.conf.Database = defaultDatabase(l.env)
		shown = l.conf.Database
	}
	l.conf.shown = append(l.conf.shown, Shown{Key: s.Key, Value: shown, Origin: g.origin, Help: s.Help})
}

func (l *loader) read(s Setting, g given) (err error) {
	value := g.text
	if s.Secret {
		if value, err = l.resolve(g); err != nil {
			return err
		}
	}
	return s.kind.read(l.conf, value)
}

// together checks what no setting can say alone.
func (l *loader) together() {
	c := l.conf
	switch noCert, noKey := l.absent("tls.cert_file", c.TLS.CertFile), l.absent("tls.key_file", c.TLS.KeyFile); {
	case noCert && !noKey:
		l.fault("tls.cert_file is missing: it belongs to tls.key_file")
	case noKey && !noCert:
		l.fault("tls.key_file is missing: it belongs to tls.cert_file")
	}
	if c.Auth.SIWE.Enabled && l.absent("auth.siwe.domain", c.Auth.SIWE.Domain) {
		l.fault("auth.siwe.enabled needs auth.siwe.domain: the domain that sign-in messages name, for instance app.example.com")
	}
	if c.Secrets.KeyFile != "" && !c.Secrets.Key.IsZero() {
		l.fault("secrets.key_file and secrets.key name two keys: give one of them")
	}
	if c.Metrics.Listen != "" && c.Metrics.Listen == c.Listen && !strings.HasSuffix(c.Listen, ":0") {
		l.fault("metrics.listen and listen are both %q: the metrics have a listener of their own", c.Listen)
	}
}

// absent reports whether a setting has no value, and not just a malformed one,
// of which people have been told.
func (l *loader) absent(key, value string) bool {
	return value == "" && !slices.Contains(l.unread, key)
}

// strangers warns of variables that look like settings and are none. They are
// not refused: the next version of the tool may know them.
func (l *loader) strangers() {
	known := variables()
	for name := range l.env {
		word, ours := strings.CutPrefix(name, envPrefix)
		if !ours || slices.Contains(known, word) {
			continue
		}
		meant := ""
		if found := nearest(word, known); found != "" {
			meant = "; did you mean " + envPrefix + found + "?"
		}
		l.warn("the environment variable %s is no setting of sealpost%s", shorten(name), meant)
	}
}

func (l *loader) fault(format string, args ...any) {
	l.faults = append(l.faults, fmt.Errorf(format, args...))
}

func (l *loader) warn(format string, args ...any) {
	l.conf.Warnings = append(l.conf.Warnings, fmt.Sprintf(format, args...))
}

func lookup(key string) (Setting, bool) {
	i := slices.IndexFunc(table, func(s Setting) bool { return s.Key == key })
	if i < 0 {
		return Setting{}, false
	}
	return table[i], true
}

func keys() []string {
	list := make([]string, len(table))
	for i, s := range table {
		list[i] = s.Key
	}
	return list
}

// variables are the names of every environment variable that is ours, without
// the prefix.
func variables() []string {
	list := []string{"CONFIG"}
	for _, s := range table {
		list = append(list, strings.TrimPrefix(s.Env(), envPrefix))
	}
	return list
}

// environment reads what os.Environ gives; of a name given twice the last
// counts.
func environment(pairs []string) map[string]string {
	env := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		if name, value, found := strings.Cut(pair, "="); found {
			env[name] = value
		}
	}
	return env
}

// shorten keeps what an error shows to a length that a person can read.
func shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

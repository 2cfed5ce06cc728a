package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/viper"
)

// maxFile bounds the configuration file, in bytes.
const maxFile = 1 << 20

// endings are the names that a configuration file may end in, and thereby its
// languages.
var endings = []string{"yaml", "yml", "toml", "json"}

// file is the configuration file as it was read; without a name there is none.
type file struct {
	name     string
	viper    *viper.Viper
	lines    map[string]int // where keys stand, from 1; not every key is known
	shared   bool           // others than its owner may read it
	warnings []string
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

// findFile reads the file that is named, or that lies at the usual place.
func findFile(named string, env map[string]string) (*file, error) {
	f := &file{viper: viper.New(), name: named}
	if f.name == "" {
		f.name = env[envPrefix+"CONFIG"]
	}
	if f.name == "" {
		f.name, f.warnings = defaultFile(env)
	}
	if f.name == "" {
		return f, nil
	}
	if err := f.read(); err != nil {
		return nil, &FileError{f.name, err}
	}
	return f, nil
}

func (f *file) read() error {
	ending := strings.TrimPrefix(strings.ToLower(filepath.Ext(f.name)), ".")
	if !slices.Contains(endings, ending) {
		return errors.New("its name must end in .yaml, .yml, .toml or .json")
	}
	data, err := f.load()
	if err != nil {
		return err
	}
	f.viper.SetConfigType(ending)
	if err := f.viper.ReadConfig(bytes.NewReader(data)); err != nil {
		return placed(err, data)
	}
	f.lines = locate(data, ending)
	return nil
}

func (f *file) load() (_ []byte, err error) {
	opened, err := os.Open(f.name)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			return nil, path.Err // FileError says which file
		}
		return nil, err
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errors.New("it is a folder")
	}
	f.shared = runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0
	data, err := io.ReadAll(io.LimitReader(opened, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	return data, nil
}

// placed says at which line and column a file can't be understood. The YAML
// reader says so by itself.
func placed(err error, data []byte) error {
	var parse viper.ConfigParseError
	if errors.As(err, &parse) {
		err = parse.Unwrap()
	}
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		before := data[:min(int(syntax.Offset), len(data))]
		line := 1 + bytes.Count(before, []byte("\n"))
		return fmt.Errorf("line %d, column %d: %w", line, len(before)-bytes.LastIndexByte(before, '\n')-1, err)
	}
	var toml interface{ Position() (row, column int) }
	if errors.As(err, &toml) {
		row, column := toml.Position()
		return fmt.Errorf("line %d, column %d: %w", row, column, err)
	}
	return err
}

// value returns what the file says of a key. A key without a value, as a
// commented-out list leaves one in YAML, says nothing.
func (f *file) value(key string) (any, bool) {
	v := f.viper.Get(key)
	if _, group := v.(map[string]any); group && isGroup(key) {
		return nil, false // database may be a path, and a group too
	}
	return v, v != nil
}

// at says where a key stands: the file and, where it is known, the line.
func (f *file) at(key string) string {
	if line, found := f.lines[key]; found {
		return f.name + ":" + strconv.Itoa(line)
	}
	return f.name
}

// misspelt finds keys that are no settings.
func (f *file) misspelt() (faults []error) {
	for _, key := range slices.Sorted(slices.Values(f.viper.AllKeys())) {
		if _, found := lookup(key); found {
			continue
		}
		switch group, inside := groupOf(key); {
		case inside && !isGroup(group):
			faults = append(faults, fmt.Errorf("%s: %q is a setting and holds no others: %q is none", f.at(key), group, shorten(key)))
		case isGroup(key) && f.viper.Get(key) == nil: // nothing in it yet
		case isGroup(key):
			faults = append(faults, fmt.Errorf("%s: %q is a group of settings and takes no value itself", f.at(key), key))
		default:
			faults = append(faults, fmt.Errorf("%s: %q is no setting%s", f.at(key), shorten(key), near(key, keys())))
		}
	}
	return faults
}

// groupOf finds the setting below which a key stands.
func groupOf(key string) (string, bool) {
	for i, r := range key {
		if r == '.' {
			if _, found := lookup(key[:i]); found {
				return key[:i], true
			}
		}
	}
	return "", false
}

func isGroup(key string) bool {
	return slices.ContainsFunc(table, func(s Setting) bool { return strings.HasPrefix(s.Key, key+".") })
}

// flatten writes a file's value as a flag would give it. A number or a date
// where words are meant is refused, since its spelling is lost: 007 reads as 7,
// and a long one as 1e+39.
func flatten(value any, k kind) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case []any:
		if !k.many {
			return "", errors.New("must not be a list")
		}
		parts := make([]string, len(v))
		for i, item := range v {
			part, isText := item.(string)
			if !isText || strings.Contains(part, ",") {
				return "", errors.New("must be a list of texts without commas")
			}
			parts[i] = part
		}
		return strings.Join(parts, ","), nil
	case map[string]any:
		return "", errors.New("must not be a group")
	}
	if k.words {
		return "", errors.New("must be a text: write it in quotes")
	}
	switch v := value.(type) {
	case bool, int, int64, uint64:
		return fmt.Sprint(v), nil
	case float64: // JSON knows no other numbers; %v would write 1e+06
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	}
	return "", errors.New("must not be of this kind: write it in quotes")
}

package config

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

// locate finds the lines, from 1, on which keys stand, so that errors and
// `config show` can name them. It reads what people write, not all that the
// languages allow: a key that it does not find has no line, and nothing else
// depends on it.
func locate(data []byte, ending string) map[string]int {
	switch ending {
	case "json":
		return locateJSON(data)
	case "toml":
		return locateTOML(data)
	}
	return locateYAML(data)
}

var yamlKey = regexp.MustCompile(`^( *)["']?([A-Za-z0-9_.-]+)["']?\s*:(?:\s|$)`)

// locateYAML follows the indentation of block mappings. What looks like a key
// inside a text of several lines stands below that text's key, where no setting
// is.
func locateYAML(data []byte) map[string]int {
	type level struct {
		indent int
		path   string
	}
	lines := make(map[string]int)
	var open []level
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimRight(line, "\r")
		text := strings.TrimLeft(line, " ")
		indent := len(line) - len(text)
		if text == "" || text[0] == '#' {
			continue
		}
		found := yamlKey.FindStringSubmatch(line)
		if found == nil {
			continue
		}
		for len(open) > 0 && open[len(open)-1].indent >= indent {
			open = open[:len(open)-1]
		}
		path := strings.ToLower(found[2])
		if len(open) > 0 {
			path = open[len(open)-1].path + "." + path
		}
		open = append(open, level{indent, path})
		lines[path] = i + 1
	}
	return lines
}

var (
	tomlTable = regexp.MustCompile(`^\s*\[\s*([A-Za-z0-9_.-]+)\s*\]`)
	tomlKey   = regexp.MustCompile(`^\s*["']?([A-Za-z0-9_.-]+)["']?\s*=`)
)

// locateTOML follows table headers.
func locateTOML(data []byte) map[string]int {
	lines := make(map[string]int)
	prefix, long := "", ""
	for i, line := range strings.Split(string(data), "\n") {
		if long != "" { // inside a text of several lines
			if strings.Contains(line, long) {
				long = ""
			}
			continue
		}
		for _, quotes := range []string{`"""`, `'''`} {
			if strings.Count(line, quotes) == 1 {
				long = quotes
			}
		}
		if found := tomlTable.FindStringSubmatch(line); found != nil {
			prefix = strings.ToLower(found[1]) + "."
		} else if found := tomlKey.FindStringSubmatch(line); found != nil {
			lines[prefix+strings.ToLower(found[1])] = i + 1
		}
	}
	return lines
}

// locateJSON walks the tokens of a document that is known to be sound.
func locateJSON(data []byte) map[string]int {
	type level struct {
		object bool
		prefix string // of the keys in it
		path   string // of the key whose value is next; empty: a key is next
	}
	lines := make(map[string]int)
	dec := json.NewDecoder(bytes.NewReader(data))
	open := []level{{}}
	line, counted := 1, 0
	for {
		token, err := dec.Token()
		if err != nil {
			return lines
		}
		offset := int(dec.InputOffset())
		line += bytes.Count(data[counted:offset], []byte("\n"))
		counted = offset
		top := &open[len(open)-1]
		if key, isText := token.(string); isText && top.object && top.path == "" {
			top.path = top.prefix + strings.ToLower(key)
			lines[top.path] = line
			continue
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			inner := level{object: token == json.Delim('{')}
			if top.path != "" {
				inner.prefix = top.path + "."
			}
			top.path = "" // its value is this one
			open = append(open, inner)
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			top.path = ""
		}
	}
}

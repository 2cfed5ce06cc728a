package catalog

import (
	"strconv"
	"strings"
)

// Paths are dotted, as in spend.amount and tokenWallets.0. A key that would be
// mistaken for something else (it has a dot, say, or is empty) stands in
// brackets and quotes, as in spend["a.b"], so no two fields have one path.

// join writes the path of some keys and indices.
func join(steps []string) string {
	path := ""
	for _, step := range steps {
		path = under(path, step)
	}
	return path
}

// under writes the path of a key inside the value at a path.
func under(path, key string) string {
	switch {
	case !plain(key):
		return path + "[" + strconv.Quote(key) + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

// plain reports whether a key can stand in a path as it is.
func plain(key string) bool {
	return key != "" && !strings.ContainsFunc(key, func(r rune) bool {
		return r <= ' ' || r == '.' || r == '[' || r == ']' || r == '"' || r == '=' || !strconv.IsPrint(r)
	})
}

// parent is the path of what a value is in. (A bracketed key that itself looks
// like the end of a path is cut too late; no more than a hint depends on it.)
func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

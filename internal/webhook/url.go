package webhook

import (
	"errors"
	"net/url"
	"strings"
)

// ParseURL takes a receiver's URL apart and keeps its path and query as they
// are written. [net/url.Parse] would refuse a path with a lone percent sign, and
// forget how a path was escaped when one byte of it has to be escaped.
//
// RawPath of the result is always the path as it is written, and RawQuery the
// query. Path is the decoded path, or the written one when it has no decoded form. The
// host loses the colon of an empty port. The errors are those of [net/url.Parse]
// for the part before the path.
func ParseURL(raw string) (*url.URL, error) {
	scheme, rest, found := strings.Cut(raw, "://")
	if !found || strings.ContainsAny(scheme, "/?#") {
		return nil, &url.Error{Op: "parse", URL: raw, Err: errNoHost}
	}
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, rest := rest[:end], rest[end:]
	u, err := url.Parse(scheme + "://" + authority)
	if err != nil {
		return nil, err
	}
	u.Host = strings.TrimSuffix(u.Host, ":")
	rest, u.Fragment, _ = strings.Cut(rest, "#")
	u.RawFragment = u.Fragment
	if plain, err := url.PathUnescape(u.Fragment); err == nil {
		u.Fragment = plain
	}
	u.RawPath, u.RawQuery, _ = strings.Cut(rest, "?")
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		u.Path = u.RawPath
	}
	return u, nil
}

var errNoHost = errors.New("no scheme and host")

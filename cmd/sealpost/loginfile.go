package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"sealpost/internal/config"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// login is what signs in to one server: a bearer token, or a session's cookie.
// It lies in a file of its own a server, so that sign-ins to several servers
// at once are in nobody's way.
type login struct {
	Server string `json:"server"` // origin
	Token  string `json:"token,omitempty"`
	Cookie string `json:"cookie,omitempty"` // name=value
}

// header is what a request to the server carries. With a cookie the server's
// own origin goes along, which some servers insist on.
func (l login) header() http.Header {
	if l.Token != "" {
		return http.Header{"Authorization": {"Bearer " + l.Token}}
	}
	return http.Header{"Cookie": {l.Cookie}, "Origin": {l.Server}}
}

// credential is what signs in to a server, as `sealpost login` left it. None
// is [webhook.CodeUnauthorized].
func (a *app) credential(server string) (http.Header, error) {
	l, err := a.readLogin(server)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, webhook.Errorf(webhook.CodeUnauthorized, "not signed in to "+server).
			WithHint("sign in with `sealpost login`, or give a token with --token @FILE or SEALPOST_TOKEN")
	}
	return l.header(), err
}

// origin is what a server is known by: scheme, host and, unless it is the
// scheme's own, port.
func origin(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return "", &usageError{fmt.Sprintf("--server %q is no http or https URL", server), "for instance --server https://hooks.example.com"}
	}
	if u.User != nil {
		return "", &usageError{"--server has a user name in it", "sign in with `sealpost login`"}
	}
	return u.Scheme + "://" + strings.TrimSuffix(strings.ToLower(u.Host), map[string]string{"http": ":80", "https": ":443"}[u.Scheme]), nil
}

// loginPath is the file of a server's login.
func (a *app) loginPath(server string) (string, error) {
	own, err := origin(server)
	if err != nil {
		return "", err
	}
	state := config.StateFolder(a.env)
	if state == "" {
		return "", &webhook.Error{Code: webhook.CodeUnavailable, Messages: []string{"neither HOME nor XDG_STATE_HOME says where sign-ins are kept"},
			Hint: "set HOME, or give a token with --token @FILE"}
	}
	name := strings.NewReplacer("://", "_", ":", "_", "[", "", "]", "").Replace(own)
	return filepath.Join(state, "credentials", name+".json"), nil
}

func (a *app) readLogin(server string) (login, error) {
	path, err := a.loginPath(server)
	if err != nil {
		return login{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return login{}, err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return login{}, &webhook.Error{Code: webhook.CodeUnavailable, Messages: []string{path + " can be read by others"},
			Hint: "chmod 600 it, and sign in anew if others may have read it"}
	}
	text, err := os.ReadFile(path) //nolint:gosec // made of the server's name, below our own folder
	if err != nil {
		return login{}, err
	}
	var l login
	if json.Unmarshal(text, &l) != nil || (l.Token == "") == (l.Cookie == "") {
		return login{}, &webhook.Error{Code: webhook.CodeUnavailable, Messages: []string{path + " is damaged"}, Hint: "sign in anew with `sealpost login`"}
	}
	if own, err := origin(server); err != nil || l.Server != own {
		return login{}, fs.ErrNotExist // h_1 and h:1 have one file; what was given to one is not shown to the other
	}
	return l, nil
}

// writeLogin keeps a login, readable by its owner alone from the first byte
// on, whole or not at all.
func (a *app) writeLogin(l login) (err error) {
	path, err := a.loginPath(l.Server)
	if err != nil {
		return err
	}
	text, err := json.Marshal(l)
	if err != nil {
		return err
	}
	if err := store.MakeFolder(filepath.Dir(path)); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".login-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	store.GiveToService(file, path) // root signs in for whoever owns the folder
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

package config

import (
	"os"
	"path/filepath"
)

// defaultFile finds sealpost/config.{yaml,yml,toml,json} under
// $XDG_CONFIG_HOME, or ~/.config. Of several the first counts, and a warning
// names the others.
func defaultFile(env map[string]string) (name string, warnings []string) {
	base := folder(env, "XDG_CONFIG_HOME", ".config")
	if base == "" {
		return "", nil
	}
	for _, ending := range endings {
		candidate := filepath.Join(base, "sealpost", "config."+ending)
		if _, err := os.Stat(candidate); err != nil {
			continue
		}
		if name != "" {
			warnings = append(warnings, candidate+" is not read, since "+name+" is there")
			continue
		}
		name = candidate
	}
	return name, warnings
}

// defaultDatabase is where the database lies when no setting says so; empty
// when the environment does not know either. That is no fault yet: not every
// command needs a database.
func defaultDatabase(env map[string]string) string {
	if base := stateFolder(env); base != "" {
		return filepath.Join(base, "sealpost.db")
	}
	return ""
}

// StateFolder is where the program keeps what must outlast a run, such as
// sign-ins: sealpost under $XDG_STATE_HOME, or ~/.local/state. It is empty when
// the environment does not know.
func StateFolder(pairs []string) string { return stateFolder(environment(pairs)) }

func stateFolder(env map[string]string) string {
	base := folder(env, "XDG_STATE_HOME", ".local", "state")
	if base == "" {
		base = env["LOCALAPPDATA"] // Windows
	}
	if base == "" {
		return ""
	}
	return filepath.Join(base, "sealpost")
}

// folder is the one that a variable names, or else one below HOME. The XDG Base
// Directory Specification has relative paths ignored.
func folder(env map[string]string, variable string, below ...string) string {
	if base := env[variable]; filepath.IsAbs(base) {
		return base
	}
	if env["HOME"] == "" {
		return ""
	}
	return filepath.Join(append([]string{env["HOME"]}, below...)...)
}

// Package config reads sealpost's settings: Viper in, one typed and checked
// [Config] out. Viper is seen nowhere else.
//
// Every setting is one row of the table in settings.go: its key, its default,
// an example, what it is for, and how its text is read. Flags, environment
// variables, the configuration file, `config show`, the reference and
// completion all derive from that table ([Settings], [Globals]), so no setting
// can be read in one place and ignored in another.
//
// # Where values come from
//
// The first place that says something wins, also when it says an empty text:
//
//  1. the flag: the key with hyphens (--retry-base; --org for organization)
//  2. the environment: SEALPOST_ and the key in capitals, dots as underscores
//  3. the file: --config, else SEALPOST_CONFIG, else sealpost/config.yaml, .yml,
//     .toml or .json under $XDG_CONFIG_HOME (~/.config)
//  4. the default
//
// [Load] looks at nothing but its [Sources]. Relative paths in settings are
// relative to the working directory, wherever they are written.
//
// # What is refused
//
// Keys of the file that are no settings are refused, with the setting that was
// probably meant; unknown SEALPOST_ variables are only warned of, since a newer
// version may know them. All faults are reported at once, each with setting,
// value, place (file and line) and what is allowed. In a file, words must be
// written as words: YAML reads a token 007 as the number 7, and a wrong secret
// is worse than an error.
//
// # Secrets
//
// A secret is given as @FILE, env:NAME or as it is; a flag may also say -, for
// standard input. One trailing newline is lost. Its value is shown nowhere: not
// by `config show`, not in an error, not by printing the [Config].
package config

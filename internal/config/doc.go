// Package config reads sealpost's settings: Viper in, one typed and checked
// [Config] out. Viper is seen nowhere else.
//
// Every setting is one row of the table in settings.go: its key, its default,
// what it is for, and how its text is read. Flags, environment variables, the
// configuration file, `config show`, the reference and completion all derive
// from that table, so no setting can be read in one place and ignored in
// another.
//
// A value is looked for in this order: flag, environment variable (SEALPOST_
// and the key in capitals, dots as underscores), file, default.
package config

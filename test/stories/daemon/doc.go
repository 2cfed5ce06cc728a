// Package daemon holds stories of the daemon: starting, stopping, metrics, logs, and commands that reach it over HTTP.
package daemon

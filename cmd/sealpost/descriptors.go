package main

import (
	"log/slog"

	"sealpost/internal/config"
)

// What the daemon's file descriptors go to besides connections and attempts.
const (
	ownFiles   = 64   // the database's files, five times; listeners, metrics, a node, Sentry
	perAttempt = 2    // a name is asked for both kinds of address at a time; the connection comes after
	mostIdle   = 1024 // connections to receivers that are kept for the next attempt
)

// capacity is what may be open at a time. Together it fits into the files that
// the system lets this process have open: when those run out, attempts fail that
// their receivers would have taken.
type capacity struct {
	connections int // from clients
	inFlight    int // attempts under way
	idle        int // connections to receivers, between two attempts
}

// wanted is the capacity that the settings ask for.
func wanted(c *config.Config) capacity {
	return capacity{connections: c.MaxConnections, inFlight: c.Delivery.MaxInFlight, idle: mostIdle}
}

// files is how many of them the capacity takes at most.
func (c capacity) files() int { return ownFiles + c.connections + perAttempt*c.inFlight + c.idle }

// within is the capacity that so many files allow: all of it, or else at most a
// quarter for clients and an eighth for idle connections, so that deliveries go
// on whoever else holds on to something.
func (c capacity) within(files int) capacity {
	if c.files() <= files {
		return c
	}
	room := max(files-ownFiles, 0)
	c.connections = max(min(c.connections, room/4), 1)
	c.idle = max(min(c.idle, room/8), 1)
	c.inFlight = max(min(c.inFlight, (room-c.connections-c.idle)/perAttempt), 1)
	return c
}

// capacityOf is what the settings ask for, within what the system allows. Go
// raises the soft limit to the hard one when a process starts.
func capacityOf(c *config.Config) capacity {
	files, bounded := openFiles()
	if !bounded {
		return wanted(c)
	}
	return wanted(c).within(files)
}

// logCapacity says when the settings ask for more than the system allows.
func logCapacity(log *slog.Logger, c *config.Config) {
	want, got := wanted(c), capacityOf(c)
	if want == got {
		return
	}
	files, _ := openFiles()
	log.Warn("too few file descriptors for the settings: fewer requests and connections at a time", "descriptors", files, "needed", want.files(),
		"delivery.max_in_flight", got.inFlight, "max_connections", got.connections)
}

func (a *app) examineDescriptors(d *diagnosis, c *config.Config) {
	files, bounded := openFiles()
	want, got := wanted(c), capacityOf(c)
	switch {
	case !bounded:
		d.pass("descriptors", "this machine", "it sets no limit")
	case want != got:
		d.warn("descriptors", "this machine", "raise the hard limit (LimitNOFILE= of a systemd unit, ulimit -n), or lower delivery.max_in_flight and max_connections",
			"a process may have %d files open, and the settings want %d: a daemon started so has at most %d requests under way and %d connections",
			files, want.files(), got.inFlight, got.connections)
	default:
		d.pass("descriptors", "this machine", "a process may have %d files open, and the settings want at most %d", files, want.files())
	}
}

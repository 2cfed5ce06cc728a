package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sealpost/internal/config"
	"sealpost/internal/guard"
	"sealpost/internal/store"
)

// What doctor takes for unusual on the machine.
const (
	largeLog   = 256 << 20 // bytes of write-ahead log
	littleDisk = 1 << 30   // bytes free
	noDisk     = 64 << 20
	late       = 5 * time.Minute // age of the oldest pending delivery, beyond a first retry or two
	skew       = 2 * time.Minute // between the clock and what is written
	checkTime  = 10 * time.Second
)

func (a *app) examineSettings(d *diagnosis, c *config.Config) {
	for _, warning := range c.Warnings {
		d.warn("config", "settings", "`sealpost help environment` explains each setting", "%s", warning)
	}
	if len(c.Warnings) == 0 {
		d.pass("config", "settings", "they can be read, and fit together")
	}
	g, err := a.newGuard()
	if err != nil {
		d.fail("egress", "settings", "`sealpost help egress` explains exceptions", "%s", err)
		return
	}
	defer g.Close()
	exceptions := g.Exceptions()
	if len(exceptions) == 0 {
		d.pass("egress", "settings", "no exception: public https receivers alone may be called")
	}
	for _, exception := range exceptions {
		d.warn("egress", "settings", "take it away when nobody needs it any more", "in force by exception: %s", exception)
	}
}

// examineFiles looks at who may read what must not be read.
func (a *app) examineFiles(d *diagnosis, c *config.Config) {
	for _, file := range []struct{ code, path string }{
		{"database.mode", c.Database}, {"database.mode", c.Database + "-wal"}, {"key.mode", c.Secrets.KeyFile}, {"key.mode", c.TLS.KeyFile},
	} {
		info, err := os.Stat(file.path)
		switch {
		case file.path == "" || errors.Is(err, fs.ErrNotExist) && file.code == "database.mode":
		case err != nil:
			d.fail(file.code, file.path, "check the path and its permissions", "%v", err)
		case !info.Mode().IsRegular(): // opening it tells what is wrong
		case !private(info):
			d.fail(file.code, file.path, "chmod 600 "+shellQuote(file.path), "others on this machine may read it: mode %04o", info.Mode().Perm())
		case file.code == "database.mode" && !writable(file.path):
			d.fail(file.code, file.path, "check its owner and mode, who you are, and whether its disk is mounted read-only", "it can't be written by whoever runs this: nothing can be stored, nothing delivered")
		default:
			d.pass(file.code, file.path, "only its owner may read it")
		}
	}
	folder := filepath.Dir(c.Database)
	free, err := freeBytes(folder)
	switch {
	case err != nil && errors.Is(err, fs.ErrNotExist):
	case err != nil:
		d.warn("disk", folder, "look with df", "how much is free is not known: %v", err)
	case free < noDisk:
		d.fail("disk", folder, "free some space: without it nothing is accepted any more, and nothing is lost", "%s are free", size(free))
	case free < littleDisk:
		d.warn("disk", folder, "free some space before it runs out", "%s are free", size(free))
	default:
		d.pass("disk", folder, "%s are free", size(free))
	}
}

func (a *app) examineDatabase(ctx context.Context, d *diagnosis, l *local) error {
	path := l.store.Path()
	bounded, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	h, err := l.store.Health(bounded)
	if err != nil {
		f := describe(err)
		d.fail("database.integrity", path, f.Hint, "%s", f.Message)
		return nil
	}
	d.pass("database.schema", path, "schema %d, which is this program's", h.Schema)
	switch {
	case h.Problems != nil:
		d.fail("database.integrity", path, "stop the daemon, keep a copy of the file, and restore a backup", "damaged: %s", strings.Join(h.Problems, "; "))
	case !h.Checked:
		d.warn("database.integrity", path, "check it whole when there is time", "no damage found in %s, then the time was up", checkTime)
	default:
		d.pass("database.integrity", path, "SQLite finds no damage")
	}
	if log := l.store.LogBytes(); log > largeLog {
		d.warn("database.wal", path+"-wal", "look for a process that holds a read open: `fuser` on the file", "the write-ahead log has %s", size(uint64(log)))
	} else {
		d.pass("database.wal", path+"-wal", "the write-ahead log has %s", size(uint64(log)))
	}
	if ahead := h.Newest.Sub(a.now()); ahead > skew {
		d.fail("clock", "this machine", "set the clock; receivers refuse timestamps that are off", "it is %s behind what the database holds", ahead.Round(time.Second))
	} else {
		d.pass("clock", "this machine", "it is %s, and nothing in the database is later", a.now().UTC().Format(time.RFC3339))
	}
	switch {
	case h.Plain > 0:
		d.warn("secrets.plain", path, "seal them: `sealpost help environment` on secrets.key_file, then `sealpost db rekey`",
			"%d signing secret%s in it as plain text; the file's permissions are all that protects them", h.Plain, stands(h.Plain))
	case h.Sealed > 0:
		d.pass("secrets.plain", path, "all %d signing secrets are sealed", h.Sealed)
	}
	if h.Held > 0 {
		d.warn("events.held", path, "`sealpost event list --state held` shows them", "%d event%s for a receipt", h.Held, pick(h.Held, " waits", "s wait"))
	}
	if h.Kept > 0 {
		d.warn("quarantine", path, "`sealpost quarantine list` shows why", "%d provider event%s in quarantine", h.Kept, pick(h.Kept, " is", "s are"))
	}
	if h.Dead > 0 {
		d.warn("deliveries.dead", path, "`sealpost delivery list --state dead` shows why; `sealpost delivery retry --state dead` tries again", "%d deliver%s failed for good", h.Dead, pick(h.Dead, "y has", "ies have"))
	}
	return nil
}

// examineDaemon asks whether somebody delivers, answers, and gets on.
func (a *app) examineDaemon(ctx context.Context, d *diagnosis, c *config.Config, l *local) error {
	lags, err := l.store.Lags(ctx)
	if err != nil {
		return err
	}
	pending, oldest := 0, time.Time{}
	for _, lag := range lags {
		if lag.Parked {
			continue // until somebody enables the webhook, of which the check of webhooks tells
		}
		pending += lag.Pending
		if oldest.IsZero() || lag.Oldest.Before(oldest) {
			oldest = lag.Oldest
		}
	}
	owner, running := store.Daemon(l.store.Path())
	switch {
	case !running && pending > 0:
		d.fail("daemon", l.store.Path(), "start `sealpost serve`", "nobody delivers: no daemon runs, and %d deliver%s", pending, pick(pending, "y waits", "ies wait"))
	case !running:
		d.warn("daemon", l.store.Path(), "start `sealpost serve`", "no daemon runs; nothing waits for one")
	default:
		a.examineAnswers(ctx, d, c, owner)
	}
	switch age := a.now().Sub(oldest).Round(time.Second); {
	case pending == 0:
		d.pass("pending", l.store.Path(), "nothing waits to be delivered")
	case age > late:
		d.warn("pending", l.store.Path(), "`sealpost delivery list --state pending` shows what for", "%d deliver%s, the oldest for %s", pending, pick(pending, "y waits", "ies wait"), age)
	default:
		d.pass("pending", l.store.Path(), "%d deliver%s, the oldest for %s", pending, pick(pending, "y waits", "ies wait"), age)
	}
	return nil
}

// examineAnswers asks the running daemon itself.
func (a *app) examineAnswers(ctx context.Context, d *diagnosis, c *config.Config, owner store.Owner) {
	scheme := "http"
	if c.TLS.CertFile != "" {
		scheme = "https"
	}
	at := scheme + "://" + owner.Listen
	client, err := guard.Pinned(at, guard.PinnedOptions{CAFile: c.TLS.CertFile, Timeout: 3 * time.Second})
	if err != nil || owner.Listen == "" {
		d.warn("daemon", owner.String(), "ask it yourself", "it runs, and does not say where it listens")
		return
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"/readyz", nil)
	if err != nil {
		d.warn("daemon", owner.String(), "ask it yourself", "%v", err)
		return
	}
	began := time.Now()
	response, err := client.Do(request)
	switch {
	case err != nil && strings.Contains(err.Error(), "x509: "):
		d.pass("daemon", owner.String(), "it answers over TLS in %s", time.Since(began).Round(time.Millisecond))
	case err != nil:
		d.fail("daemon", owner.String(), "look at its log; if it hangs, restart it: what is pending stays so", "it holds the database and does not answer: %v", errors.Unwrap(err))
	case response.StatusCode != http.StatusOK:
		_ = response.Body.Close()
		d.warn("daemon", owner.String(), "look at its log", "it is starting or stopping: /readyz answers %d", response.StatusCode)
	default:
		_ = response.Body.Close()
		d.pass("daemon", owner.String(), "it answers in %s", time.Since(began).Round(time.Millisecond))
	}
}

func stands(n int) string { return pick(n, " stands", "s stand") }

// pick chooses the form of a word for a number.
func pick(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// size writes a number of bytes for people.
func size(bytes uint64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(bytes), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}

package main

import (
	"io"
	"log/slog"
	"os"
	"regexp"
	"runtime/debug"
	"strings"

	"sealpost/internal/store"
)

// A panic that nothing contains, in whichever goroutine, ends the process at
// once: what is on disk is in order, what is in memory may not be. Go leaves its
// last words in a file beside the database, and the next daemon tells of them.

// crashMost bounds what is read of last words, in bytes.
const crashMost = 64 << 10

// lastWords tells how the daemon before this one crashed, if it did, and keeps
// the place for this one's until it ends in order. The stack is told; the value of the panic may be part
// of a body, so that stays on this machine's standard error.
func lastWords(database string, log *slog.Logger) (forget func()) {
	forget = func() {}
	path := database + ".crash"
	file, err := store.OpenPrivate(path, database, os.O_CREATE|os.O_RDWR)
	if err == nil {
		defer file.Close() //nolint:errcheck // Go keeps a handle of its own
		if text, err := io.ReadAll(io.LimitReader(file, crashMost)); err == nil && len(text) > 0 {
			log.Error("the daemon before this one crashed; please report it", slog.String("stack", stackOf(string(text))))
		}
		if err = file.Truncate(0); err == nil {
			_, err = file.Seek(0, io.SeekStart)
		}
	}
	if err == nil {
		err = debug.SetCrashOutput(file, debug.CrashOptions{})
	}
	if err != nil {
		log.Warn("a crash of this daemon would not be told of by the next one", "error", err)
		return forget
	}
	return func() {
		_ = debug.SetCrashOutput(nil, debug.CrashOptions{})
		_ = os.Remove(path) // an empty file says the same
	}
}

// called is a line of a stack that names a function, a file or a goroutine.
var called = regexp.MustCompile(`^(goroutine \d+ .*:|\t/?[\w./@-]+\.go:\d+.*|[\w./*()\[\]-]+\.[\w.*()\[\]·-]+\(.*\)|created by .*)$`)

// stackOf is the first goroutine's stack of a crash, without values.
func stackOf(text string) string {
	var stack strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case line == "" && stack.Len() > 0:
			return stack.String()
		case stack.Len() == 0 && !strings.HasPrefix(line, "goroutine "), !called.MatchString(line):
			continue
		}
		if at := strings.LastIndexByte(line, '('); at > 0 && !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "created by") {
			line = line[:at] // what follows are arguments
		}
		stack.WriteString(line + "\n")
	}
	return stack.String()
}

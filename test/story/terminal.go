package story

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"syscall"
	"testing"

	"github.com/creack/pty"
)

// OnTerminal runs a command on a terminal of its own, so many columns wide, and
// returns what is to be seen there.
func OnTerminal(t testing.TB, cmd *exec.Cmd, columns int, reply string) string {
	t.Helper()
	screen, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(columns)})
	if err != nil {
		t.Fatal(err)
	}
	defer screen.Close() //nolint:errcheck // it was only looked at
	if _, err := io.WriteString(screen, reply); err != nil {
		t.Fatal(err)
	}
	var seen bytes.Buffer
	if _, err := io.Copy(&seen, screen); err != nil && !errors.Is(err, syscall.EIO) { // EIO is how a terminal ends on Linux
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return seen.String()
}

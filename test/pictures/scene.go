package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/creack/pty"
)

// columns is how wide the terminal is: as the longest line of `sealpost demo`.
const columns = 112

// secret is the README's example, and nobody's.
const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// A scene becomes one picture. What it shows as typed is what a shell is given.
type scene struct {
	name, title string
	columns     int    // how wide its terminal is; 0 is as wide as the others
	answers     string // what a receiver answers, for `listen --respond`; none when empty
	typed       []typed
}

type typed struct {
	line string
	as   string // what the shell is given instead, where that is not the same in every run
	exit int
}

var scenes = []scene{
	{name: "demo", title: "a delivery, with one retry", typed: []typed{{line: "sealpost demo"}}},
	{name: "verify-signature", title: "why a signature does not match", typed: []typed{
		{line: `printf '{ "total": 2500 }' > body.json    # re-serialised on the way`},
		{line: "sealpost verify-signature --body @body.json --secret env:HOOK_SECRET \\\n" +
			"  -H 'Signature: 076e6210e981287a1ef6f2700e46cddb6a337eccf643d2dd7b63d1a79b755b40'", exit: 1},
	}},
	{name: "delivery", title: "what became of an event", columns: 133, answers: "503,200", typed: []typed{
		{line: `sealpost publish order.paid --data '{"order":"A-17","total":2500}' --direct`},
		{line: "sealpost delivery list"},
		{line: "sealpost delivery get dlv_4d2k9q0m7g3t8s1r5v6n0b2c4h", as: "sealpost delivery get dlv_1_1"},
	}},
}

// wide is how many columns the scene's terminal has. Ids are drawn as they are in
// every run, so a table must have room for them: one that breaks is not known.
func (s scene) wide() int { return cmp.Or(s.columns, columns) }

// play runs a scene and returns what the terminal shows at its end.
func (s scene) play(ctx context.Context, exe string) (lines []line, err error) {
	folder, err := os.MkdirTemp("", "scene")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	// Nothing of the environment: settings and colours of whoever runs this
	// would be in the picture.
	env := []string{
		"PATH=" + filepath.Dir(exe) + string(os.PathListSeparator) + os.Getenv("PATH"),
		"HOME=" + folder, "TMPDIR=" + folder, "TZ=UTC", "LANG=C.UTF-8", "TERM=xterm-256color",
		"HOOK_SECRET=" + secret,
	}
	if s.answers != "" {
		url, hangUp, err := receiver(ctx, exe, folder, env, s.answers)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, hangUp()) }()
		env = append(env, "SEALPOST_EGRESS_ALLOW=127.0.0.1/32", "SEALPOST_EGRESS_CA_FILE="+filepath.Join(folder, "ca.pem"))
		create := exec.CommandContext(ctx, exe, "webhook", "create", "orders", "--url", url+"hook", "--secret", "env:HOOK_SECRET")
		create.Dir, create.Env = folder, env
		if out, err := create.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("create the webhook: %w\n%s", err, out)
		}
	}
	for i, t := range s.typed {
		out, err := t.run(ctx, folder, env, s.wide())
		if err != nil {
			return nil, err
		}
		shown, err := screen(steady(out), s.wide())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.line, err)
		}
		if i > 0 && len(lines) > 0 && len(lines[len(lines)-1]) > 0 && len(shown) > 0 {
			lines = append(lines, nil)
		}
		lines = append(append(lines, prompt(t.line)...), shown...)
	}
	return lines, nil
}

// run has a shell run the line on a terminal, and returns what was written there.
func (t typed) run(ctx context.Context, folder string, env []string, columns int) (string, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", cmp.Or(t.as, t.line))
	cmd.Dir, cmd.Env = folder, env
	terminal, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 50, Cols: uint16(columns)})
	if err != nil {
		return "", err
	}
	defer terminal.Close() //nolint:errcheck // it was only looked at
	var seen bytes.Buffer
	if _, err := io.Copy(&seen, terminal); err != nil && !errors.Is(err, syscall.EIO) { // EIO is how a terminal ends on Linux
		return "", err
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != t.exit {
		return "", fmt.Errorf("%s: exit code %d instead of %d (%w), and said\n%s", t.line, cmd.ProcessState.ExitCode(), t.exit, err, seen.String())
	}
	return seen.String(), nil
}

// receiver starts `sealpost listen` and returns its URL once it listens. It ends
// by itself when it has given all its answers.
func receiver(ctx context.Context, exe, folder string, env []string, answers string) (url string, hangUp func() error, err error) {
	count := fmt.Sprint(strings.Count(answers, ",") + 1)
	cmd := exec.CommandContext(ctx, exe, "listen", "--tls", "--ca-file", "ca.pem", "--address", "127.0.0.1:0",
		"--secret", "env:HOOK_SECRET", "--respond", answers, "--count", count, "--strict", "--timeout", "30s")
	cmd.Dir, cmd.Env = folder, env
	said, err := cmd.StderrPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	rest := bufio.NewReader(said)
	first, err := rest.ReadString('\n')
	url, found := strings.CutPrefix(strings.TrimSpace(first), "listening on ")
	if err != nil || !found {
		_ = cmd.Process.Kill()
		return "", nil, fmt.Errorf("`sealpost listen` said %q: %w", first, errors.Join(err, cmd.Wait()))
	}
	return url, func() error {
		_, err := io.Copy(io.Discard, rest)
		return errors.Join(err, cmd.Wait())
	}, nil
}

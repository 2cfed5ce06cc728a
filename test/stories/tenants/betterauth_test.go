package tenants

import (
	"bufio"
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sealpost/test/story"
)

// TestBetterAuth has the real clients speak to the real daemon: both versions
// of better-auth, with viem for the wallets, in a script as their users write it.
// It fails where Node.js or the packages are missing; `make node` installs them.
func TestBetterAuth(t *testing.T) {
	const domain = "app.example.com"
	p := story.New(t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.0/8",
		"SEALPOST_AUTH_SIWE_ENABLED=true", "SEALPOST_AUTH_SIWE_DOMAIN=" + domain, "SEALPOST_AUTH_RATE_LIMIT=0",
	})
	url, logs := p.Serve()
	for _, version := range []string{"1.6", "1.7"} {
		t.Run(version, func(t *testing.T) {
			node := exec.CommandContext(t.Context(), "node", "user.js", version, url, domain, "https://127.0.0.1:8443/hook")
			node.Dir = filepath.Join("..", "..", "better-auth")
			if out, err := node.CombinedOutput(); err != nil {
				t.Fatalf("%v (`make node` installs what this test needs)\n%s\nthe daemon says:\n%s", err, out, logs)
			}
		})
	}
}

// TestLoginElsewhere has login get along with better-auth's own server, which
// wants the wallet named in 1.6, refuses that in 1.7, and insists on an Origin.
func TestLoginElsewhere(t *testing.T) {
	const wallet = "0x19e7e376e7c213b7e7e7e46cc70a5dd086daff2a"
	for _, version := range []string{"1.6", "1.7"} {
		t.Run(version, func(t *testing.T) {
			node := exec.CommandContext(t.Context(), "node", "server.js", version)
			node.Dir = filepath.Join("..", "..", "better-auth")
			var said bytes.Buffer
			node.Stderr = &said
			stdin, err := node.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			stdout, err := node.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := node.Start(); err != nil {
				t.Fatalf("%v (`make node` installs what this test needs)", err)
			}
			url, err := bufio.NewReader(stdout).ReadString('\n')
			if err != nil {
				_ = node.Wait()
				t.Fatalf("%v (`make node` installs what this test needs)\n%s", err, said.String())
			}
			t.Cleanup(func() {
				_ = stdin.Close()
				_ = node.Wait()
			})
			p := story.New(t, []string{"XDG_STATE_HOME=" + t.TempDir(), "SEALPOST_SERVER=" + strings.TrimSpace(url), "KEY=" + strings.Repeat("1", 64)})
			for _, step := range []struct {
				args []string
				code int
				want string
			}{
				{[]string{"login", "--wallet-key", "env:KEY"}, story.ExitDenied, "--domain"},
				{[]string{"login", "--wallet-key", "env:KEY", "--domain", "app.example.com"}, story.ExitDone, "signed in to"},
				{[]string{"webhook", "list", "-o", "json"}, story.ExitDone, wallet},
				{[]string{"logout"}, story.ExitDone, "signed out"},
				{[]string{"webhook", "list"}, story.ExitDenied, "not signed in"},
			} {
				out, errs, code := p.Run("", step.args...)
				if code != step.code || !strings.Contains(out+errs, step.want) || strings.Contains(errs, "warning:") {
					t.Errorf("%q: exit code %d\n%s%s", step.args, code, out, errs)
				}
			}
		})
	}
}

package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestBetterAuth has the real clients speak to the real daemon: both versions
// of better-auth, with viem for the wallets, in a script as their users write it.
// It fails where Node.js or the packages are missing; `make node` installs them.
func TestBetterAuth(t *testing.T) {
	const domain = "app.example.com"
	p := program{t, []string{
		"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "sealpost.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.0/8",
		"SEALPOST_AUTH_SIWE_ENABLED=true", "SEALPOST_AUTH_SIWE_DOMAIN=" + domain, "SEALPOST_AUTH_RATE_LIMIT=0",
	}}
	url, logs := p.serve()
	for _, version := range []string{"1.6", "1.7"} {
		t.Run(version, func(t *testing.T) {
			node := exec.CommandContext(t.Context(), "node", "user.js", version, url, domain, "https://127.0.0.1:8443/hook")
			node.Dir = filepath.Join("..", "..", "test", "better-auth")
			if out, err := node.CombinedOutput(); err != nil {
				t.Fatalf("%v (`make node` installs what this test needs)\n%s\nthe daemon says:\n%s", err, out, logs)
			}
		})
	}
}

package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"sealpost/internal/config"
	"sealpost/internal/secret"
	"sealpost/internal/store"
)

func newDB(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "db",
		Short: "Look after the database file",
		Example: `  sealpost db backup sealpost-backup.db
  sealpost db prune --dry-run`,
	}
	cmd.AddCommand(newDBBackup(a), newDBRestore(a), newDBCheck(a), newDBMigrate(a), newDBPrune(a), newDBRekey(a))
	return cmd
}

// sealKey is the configured key that seals signing secrets.
func (a *app) sealKey(c *config.Config) (secret.Text, error) {
	if c.Secrets.KeyFile == "" {
		return c.Secrets.Key, nil
	}
	raw, err := os.ReadFile(c.Secrets.KeyFile)
	if err != nil {
		return secret.Text{}, unusable(fmt.Sprintf("secrets.key_file: %v", err), "check the path and its permissions")
	}
	if len(raw) > secret.MaxBytes {
		return secret.Text{}, unusable("secrets.key_file is no key: it is too large", "`openssl rand -hex 32` makes one")
	}
	return secret.New(trimNewline(string(raw))), nil
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func newDBRekey(a *app) *cobra.Command {
	var newKey string
	var off bool
	cmd := &cobra.Command{
		Use:   "rekey (--new-key SRC | --off)",
		Short: "Seal the signing secrets, change the key, or store them as they are again",
		Long: `rekey stores every signing secret anew: sealed under --new-key (AES-256-GCM, each
secret bound to its organization and webhook), or, with --off, as they are. The key
in use until now is taken from the settings (secrets.key_file, secrets.key). The
daemon must be stopped; afterwards configure the new key. Nothing of the old text
stays behind in the file.

The key is 32 bytes as 64 hex digits: openssl rand -hex 32 > sealpost.key`,
		Example: `  sealpost db rekey --new-key env:NEW_KEY
  sealpost db rekey --off`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if off == (newKey != "") {
				return &usageError{"either --new-key or --off is needed", "`openssl rand -hex 32 > sealpost.key` makes a key for --new-key @sealpost.key"}
			}
			var next secret.Text
			if newKey != "" {
				text, err := a.secretText("--new-key", newKey)
				if err != nil {
					return err
				}
				if next = secret.New(text); store.CheckKey(next) != nil {
					return &usageError{"--new-key is not 32 bytes as 64 hex digits or base64", "`openssl rand -hex 32 > sealpost.key` makes one for --new-key @sealpost.key"}
				}
			}
			return a.rekey(cmd.Context(), next)
		},
	}
	cmd.Flags().StringVar(&newKey, "new-key", "", "the new key: @FILE, -, env:NAME or the key")
	cmd.Flags().BoolVar(&off, "off", false, "store the secrets as they are from now on")
	return cmd
}

func (a *app) rekey(ctx context.Context, next secret.Text) error {
	if err := a.onFile("db rekey"); err != nil {
		return err
	}
	s, err := a.open(ctx, false)
	if err != nil {
		return err
	}
	path := s.Path()
	lock, err := store.LockDaemon(path, store.Owner{PID: os.Getpid(), Started: a.now()})
	if err != nil {
		_ = s.Close()
		return err
	}
	defer lock.Unlock() //nolint:errcheck // it ends with the process
	working := a.progress("sealing anew, and wiping the old text")
	err = s.Rekey(ctx, next)
	if closing := s.Close(); err == nil {
		err = closing
	}
	sealed := err == nil
	if sealed {
		err = store.Wipe(ctx, path)
	}
	working.end()
	if err != nil {
		if sealed {
			a.warn("the secrets are stored anew already, so configure the key accordingly; the old text may stand in the file still, and `sealpost db prune --compact` wipes it")
		}
		return err
	}
	if next.IsZero() {
		a.say("the secrets in %s are stored as they are now; take the key out of the settings", path)
	} else {
		a.say("the secrets in %s are sealed under the new key; configure it with secrets.key_file", path)
	}
	if a.json() {
		return a.printJSON(map[string]bool{"sealed": !next.IsZero()})
	}
	return nil
}

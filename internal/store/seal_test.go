package store_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestSealedRowsCantBeSwapped puts one webhook's sealed secret in another's
// place, as somebody who can write the file but has no key might.
func TestSealedRowsCantBeSwapped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	key := secret.New(strings.Repeat("ab", 32))
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	create(t, s, "acme", webhook.Config{Name: "a", URL: "u"})
	create(t, s, "acme", webhook.Config{Name: "b", URL: "u"})
	if found, err := s.Secrets(t.Context(), "acme", "a"); err != nil || len(found[0].Value.Reveal()) != 64 {
		t.Fatalf("%d (%v)", len(found), err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // the test is over
	for _, change := range []string{
		`UPDATE signing_secret SET value = (SELECT value FROM signing_secret WHERE webhook = 2) WHERE webhook = 1`,
		`UPDATE signing_secret SET value = x'00' WHERE webhook = 1`,
		`UPDATE webhook SET name = 'c' WHERE seq = 2`,
	} {
		if _, err := db.Exec(change); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"a", "c"} {
		if _, err := s.Secrets(t.Context(), "acme", name); webhook.CodeOf(err) != webhook.CodeUnavailable || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// sealedFile makes a file with one webhook whose secret was rotated, and opens the file behind
// its back.
func sealedFile(t *testing.T, key secret.Text) (path string, db *sql.DB) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s.db")
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	create(t, s, "acme", webhook.Config{Name: "a", URL: "u"})
	if _, err := s.Rotate(t.Context(), "acme", "a", webhook.Rotation{Secret: secret.New("second"), Overlap: time.Hour}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = sql.Open("sqlite", path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return path, db
}

// current opens a file and reads the current secret of its webhook.
func current(t *testing.T, path string, key secret.Text) (string, error) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: path, Migrate: true, Key: key})
	if err != nil {
		return "", err
	}
	defer s.Close() //nolint:errcheck // it was only read
	found, err := s.Secrets(t.Context(), "acme", "a")
	if err != nil {
		return "", err
	}
	return found[0].Value.Reveal(), nil
}

// TestOldSecretCantComeBack puts a sealed secret that was rotated out in the place of the one that
// signs now.
func TestOldSecretCantComeBack(t *testing.T) {
	key := secret.New(strings.Repeat("ab", 32))
	for name, change := range map[string]string{
		"its value":    `UPDATE signing_secret SET value = (SELECT value FROM signing_secret WHERE ends_at IS NOT NULL) WHERE ends_at IS NULL`,
		"its time too": `UPDATE signing_secret SET (value, created_at) = (SELECT value, created_at FROM signing_secret WHERE ends_at IS NOT NULL) WHERE ends_at IS NULL`,
		"its time":     `UPDATE signing_secret SET created_at = created_at + 1`,
	} {
		path, db := sealedFile(t, key)
		if got, err := current(t, path, key); err != nil || got != "second" {
			t.Fatalf("%q, %v", got, err)
		}
		if _, err := db.Exec(change); err != nil {
			t.Fatal(err)
		}
		if got, err := current(t, path, key); err == nil || !strings.Contains(err.Error(), "does not open") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// asBefore seals a file's secrets as earlier versions did.
func asBefore(t *testing.T, db *sql.DB, key secret.Text) {
	t.Helper()
	raw, err := hex.DecodeString(key.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		t.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	seal := func(text, to string) []byte {
		nonce := make([]byte, aead.NonceSize())
		_, _ = rand.Read(nonce)
		return aead.Seal(nonce, nonce, []byte(text), []byte(to))
	}
	var organization string
	if err := db.QueryRow(`SELECT id FROM organization WHERE slug = 'acme'`).Scan(&organization); err != nil {
		t.Fatal(err)
	}
	to := "sealpost signing secret\x00" + organization + "\x00a\x001"
	for query, value := range map[string][]byte{
		`UPDATE signing_secret SET value = ? WHERE ends_at IS NOT NULL`: seal("first", to),
		`UPDATE signing_secret SET value = ? WHERE ends_at IS NULL`:     seal("second", to),
		`UPDATE seal SET value = ?`:                                     seal("sealpost", "sealpost"),
	} {
		if _, err := db.Exec(query, value); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOldSealsAreBoundOnce: the first start seals the secrets of an earlier version again and
// says so in the file. From then on a value of before does not open, not even with the mark of before.
func TestOldSealsAreBoundOnce(t *testing.T) {
	key := secret.New(strings.Repeat("cd", 32))
	path, db := sealedFile(t, key)
	asBefore(t, db, key)
	var old, mark []byte
	if err := db.QueryRow(`SELECT value, (SELECT value FROM seal) FROM signing_secret WHERE ends_at IS NOT NULL`).Scan(&old, &mark); err != nil {
		t.Fatal(err)
	}
	if checked, err := store.Check(t.Context(), path, key); err != nil || slices.ContainsFunc(checked, func(c store.Checked) bool { return len(c.Faults) > 0 }) {
		t.Errorf("a file of before: %+v, %v", checked, err)
	}
	if _, err := current(t, path, secret.New(strings.Repeat("ef", 32))); err == nil {
		t.Error("another key opens it")
	}
	if got, err := current(t, path, key); err != nil || got != "second" {
		t.Fatalf("%q, %v", got, err)
	}
	if _, err := db.Exec(`UPDATE signing_secret SET value = ? WHERE ends_at IS NULL`, old); err != nil {
		t.Fatal(err)
	}
	if got, err := current(t, path, key); err == nil || !strings.Contains(err.Error(), "does not open") {
		t.Errorf("an old seal: %q, %v", got, err)
	}
	if _, err := db.Exec(`UPDATE seal SET value = ?`, mark); err != nil {
		t.Fatal(err)
	}
	if got, err := current(t, path, key); err == nil || !strings.Contains(err.Error(), "older") {
		t.Errorf("an old seal and the mark of before: %q, %v", got, err)
	}
}

// TestRekeyBinds: another key, a copy of the file, and no key at all keep the secrets.
func TestRekeyBinds(t *testing.T) {
	key, next := secret.New(strings.Repeat("cd", 32)), secret.New(strings.Repeat("12", 32))
	path, db := sealedFile(t, key)
	asBefore(t, db, key)
	for _, step := range []struct{ from, to secret.Text }{{key, next}, {next, secret.Text{}}, {secret.Text{}, key}} {
		s, err := store.Open(t.Context(), store.Options{Path: path, Migrate: true, Key: step.from})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(s.Rekey(t.Context(), step.to), s.Close()); err != nil {
			t.Fatal(err)
		}
		if got, err := current(t, path, step.to); err != nil || got != "second" {
			t.Errorf("%q, %v", got, err)
		}
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	if _, err := db.Exec(`VACUUM INTO ?`, copied); err != nil {
		t.Fatal(err)
	}
	if got, err := current(t, copied, key); err != nil || got != "second" {
		t.Errorf("a copy: %q, %v", got, err)
	}
}

package store

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"sealpost/internal/secret"
)

// Signing secrets can be stored sealed: AES-256-GCM (NIST SP 800-38D) under a
// key that is not in the file. Each is bound to its organization, its webhook's
// name and number, so that a row that was put in another's place does not open.
// A sealed constant in the table seal tells at once whether a key fits.

// sealKey is a key, ready for use; nil stores secrets as they are.
type sealKey struct{ aead cipher.AEAD }

// CheckKey reports why a text is no key that secrets can be sealed under.
func CheckKey(text secret.Text) error {
	_, err := newSealKey(text)
	return err
}

// newSealKey reads a key: 32 bytes as 64 hex digits or as base64. No key is
// nil.
func newSealKey(text secret.Text) (*sealKey, error) {
	if text.IsZero() {
		return nil, nil
	}
	value := strings.TrimSpace(text.Reveal())
	raw, err := hex.DecodeString(value)
	if err != nil || len(raw) != 32 {
		raw, err = base64.StdEncoding.DecodeString(value)
	}
	if err != nil || len(raw) != 32 {
		return nil, unavailable("the key that seals secrets is not 32 bytes as hex or base64", "`openssl rand -hex 32` makes one")
	}
	block, err := aes.NewCipher(raw)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &sealKey{aead}, nil
}

func (k *sealKey) seal(plain []byte, to string) []byte {
	nonce := make([]byte, k.aead.NonceSize())
	rand.Read(nonce) // never returns an error
	return k.aead.Seal(nonce, nonce, plain, []byte(to))
}

func (k *sealKey) open(sealed []byte, to string) ([]byte, error) {
	if len(sealed) < k.aead.NonceSize() {
		return nil, errors.New("too short to be sealed")
	}
	return k.aead.Open(nil, sealed[:k.aead.NonceSize()], sealed[k.aead.NonceSize():], []byte(to))
}

// binding is what a secret is sealed to.
func binding(organization, name string, seq int64) string {
	return fmt.Sprintf("sealpost signing secret\x00%s\x00%s\x00%d", organization, name, seq)
}

const checkText = "sealpost"

// keyFits compares the key with what a file was sealed under. fresh says that
// the file has nothing sealed yet and nothing in the way of it.
func keyFits(ctx context.Context, db *sql.DB, key *sealKey, path string) (fresh bool, err error) {
	var check []byte
	err = db.QueryRowContext(ctx, `SELECT value FROM seal`).Scan(&check)
	sealed := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, err
	}
	switch {
	case sealed && key == nil:
		return false, unavailable(fmt.Sprintf("the secrets in %s are sealed, and no key is configured", path), "name it with secrets.key_file or SEALPOST_SECRETS_KEY")
	case sealed:
		if text, err := key.open(check, checkText); err != nil || string(text) != checkText {
			return false, unavailable(fmt.Sprintf("the configured key is not the one that seals the secrets in %s", path), "check secrets.key_file; `sealpost db rekey` changes the key, with the old one configured")
		}
		return false, nil
	case key == nil:
		return false, nil
	}
	var secrets int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM signing_secret`).Scan(&secrets); err != nil {
		return false, err
	}
	if secrets > 0 {
		return false, unavailable(fmt.Sprintf("a key is configured, but the secrets in %s are not sealed", path), "stop the daemon and run `sealpost db rekey --new-key @FILE` without a configured key, once")
	}
	return true, nil
}

// checkKey makes sure that the key fits, and marks a file without secrets as
// sealed under it.
func checkKey(ctx context.Context, db *sql.DB, key *sealKey, path string) error {
	fresh, err := keyFits(ctx, db, key, path)
	if err != nil || !fresh {
		return err
	}
	_, err = db.ExecContext(ctx, `INSERT INTO seal (value) VALUES (?)`, key.seal([]byte(checkText), checkText))
	return err
}

// closedSecrets lists the webhooks, as organization/name, with sealed secrets
// that a key does not open.
func closedSecrets(ctx context.Context, db *sql.DB, key *sealKey) (names []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT t.value, o.id, o.slug, w.name, w.seq FROM signing_secret t
		JOIN webhook w ON w.seq = t.webhook JOIN organization o ON o.seq = w.organization WHERE t.sealed = 1`)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var stored []byte
		var organization, slug, name string
		var seq int64
		if err := rows.Scan(&stored, &organization, &slug, &name, &seq); err != nil {
			return nil, err
		}
		if key == nil {
			names = append(names, slug+"/"+name)
		} else if _, err := key.open(stored, binding(organization, name, seq)); err != nil {
			names = append(names, slug+"/"+name)
		}
	}
	return names, nil
}

// sealed prepares a secret for storing.
func (s *session) sealed(key *sealKey, value secret.Text, webhookSeq int64) (stored []byte, isSealed bool, err error) {
	if key == nil {
		return []byte(value.Reveal()), false, nil
	}
	var organization, name string
	err = s.row(`SELECT o.id, w.name FROM webhook w JOIN organization o ON o.seq = w.organization WHERE w.seq = ?`, []any{webhookSeq}, &organization, &name)
	if err != nil {
		return nil, false, err
	}
	return key.seal([]byte(value.Reveal()), binding(organization, name, webhookSeq)), true, nil
}

// unsealed reads a stored secret.
func (s *Store) unsealed(stored []byte, isSealed bool, organization, name string, webhookSeq int64) (secret.Text, error) {
	if !isSealed {
		return secret.New(string(stored)), nil
	}
	if s.key == nil {
		return secret.Text{}, unavailable(fmt.Sprintf("the secret of %q is sealed, and no key is configured", name), "name it with secrets.key_file")
	}
	text, err := s.key.open(stored, binding(organization, name, webhookSeq))
	if err != nil {
		return secret.Text{}, unavailable(fmt.Sprintf("the sealed secret of %q does not open: it was damaged, or moved there from another webhook", name),
			"restore a backup, or set a new secret with `sealpost webhook rotate`")
	}
	return secret.New(string(text)), nil
}

// Rekey stores all secrets anew under another key, or, with a zero one, as
// they are. Close the store then, and [Wipe] the file, so that nothing of the
// old text stays behind. No other process may use the file meanwhile.
func (s *Store) Rekey(ctx context.Context, next secret.Text) error {
	key, err := newSealKey(next)
	if err != nil {
		return err
	}
	err = s.separate(ctx, func(tx *session) error {
		rows, err := tx.conn.QueryContext(background, `SELECT t.seq, t.value, t.sealed, o.id, w.name, w.seq FROM signing_secret t
			JOIN webhook w ON w.seq = t.webhook JOIN organization o ON o.seq = w.organization`)
		if err != nil {
			return err
		}
		type row struct {
			seq, webhook int64
			value        secret.Text
		}
		var all []row
		for rows.Next() {
			var r row
			var stored []byte
			var isSealed bool
			var organization, name string
			if err := rows.Scan(&r.seq, &stored, &isSealed, &organization, &name, &r.webhook); err != nil {
				return errors.Join(err, rows.Close())
			}
			if r.value, err = s.unsealed(stored, isSealed, organization, name, r.webhook); err != nil {
				return errors.Join(err, rows.Close())
			}
			all = append(all, r)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, r := range all {
			stored, isSealed, err := tx.sealed(key, r.value, r.webhook)
			if err != nil {
				return err
			}
			if err := tx.exec(`UPDATE signing_secret SET value = ?, sealed = ? WHERE seq = ?`, stored, isSealed, r.seq); err != nil {
				return err
			}
		}
		if err := tx.exec(`DELETE FROM seal`); err != nil || key == nil {
			return err
		}
		return tx.exec(`INSERT INTO seal (value) VALUES (?)`, key.seal([]byte(checkText), checkText))
	})
	if err != nil {
		return err
	}
	s.key = key
	return nil
}

// Wipe writes a whole closed file anew and empties its log, so that what was
// deleted or replaced stands nowhere any more.
func Wipe(ctx context.Context, path string) error {
	db, err := connect(path, false)
	if err != nil {
		return fault(path, err)
	}
	defer db.Close() //nolint:errcheck // every statement has been checked
	db.SetMaxOpenConns(1)
	empty := func() error {
		var busy, pages, done int
		err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &done)
		if err == nil && busy != 0 { // which is no error to SQLite
			err = unavailable(fmt.Sprintf("another process reads %s, so what stood in it before stands there still", path), "wait for it to end (a backup, say), then `sealpost db prune --compact`")
		}
		return fault(path, err)
	}
	if err := empty(); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `VACUUM`); err != nil {
		return fault(path, err)
	}
	return empty()
}

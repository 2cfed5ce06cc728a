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
// key that is not in the file. Each is bound to its purpose, its own row, its
// organization, and its webhook's name and number. A sealed value that was put
// into another row does not open: neither another webhook's nor an older one of the
// same webhook. A sealed constant in the table seal tells at once whether a key fits,
// and that the file's secrets are bound to their rows (see reseal.go).

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

// secretPlace is where a sealed secret stands.
type secretPlace struct {
	organization string // its id
	name         string // of the webhook
	webhook      int64
	row          int64 // of signing_secret
	created      int64
}

// binding is what a secret is sealed to.
func (p secretPlace) binding() string {
	return fmt.Sprintf("sealpost 2\x00signing_secret.value\x00%d\x00%d\x00%s\x00%s\x00%d", p.row, p.created, p.organization, p.name, p.webhook)
}

// checkText is what is sealed in the table seal of a file whose secrets are bound
// to their rows.
const checkText = "sealpost 2"

// sealState is how a file stands to a key.
type sealState int

const (
	sealNone  sealState = iota // no key, nothing is sealed
	sealFresh                  // nothing is sealed yet, and nothing in the way of it
	sealBound                  // secrets are sealed, each to its row
	sealOld                    // secrets are sealed as earlier versions did
)

// keyFits compares the key with what a file was sealed under.
func keyFits(ctx context.Context, db *sql.DB, key *sealKey, path string) (sealState, error) {
	var check []byte
	err := db.QueryRowContext(ctx, `SELECT value FROM seal`).Scan(&check)
	sealed := err == nil
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return sealNone, err
	}
	switch {
	case sealed && key == nil:
		return sealNone, unavailable(fmt.Sprintf("the secrets in %s are sealed, and no key is configured", path), "name it with secrets.key_file or SEALPOST_SECRETS_KEY")
	case sealed:
		for text, is := range map[string]sealState{checkText: sealBound, oldCheckText: sealOld} {
			if opened, err := key.open(check, text); err == nil && string(opened) == text {
				return is, nil
			}
		}
		return sealNone, unavailable(fmt.Sprintf("the configured key is not the one that seals the secrets in %s", path), "check secrets.key_file; `sealpost db rekey` changes the key, with the old one configured")
	case key == nil:
		return sealNone, nil
	}
	var secrets int
	if err := db.QueryRowContext(ctx, `SELECT count(*) FROM signing_secret`).Scan(&secrets); err != nil {
		return sealNone, err
	}
	if secrets > 0 {
		return sealNone, unavailable(fmt.Sprintf("a key is configured, but the secrets in %s are not sealed", path), "stop the daemon and run `sealpost db rekey --new-key @FILE` without a configured key, once")
	}
	return sealFresh, nil
}

// checkKey makes sure that the key fits, marks a file without secrets as
// sealed under it, and binds the secrets of an earlier version to their rows.
func checkKey(ctx context.Context, db *sql.DB, key *sealKey, path string) error {
	is, err := keyFits(ctx, db, key, path)
	if err != nil {
		return err
	}
	switch is {
	case sealFresh:
		_, err = db.ExecContext(ctx, `INSERT INTO seal (value) VALUES (?)`, key.seal([]byte(checkText), checkText))
	case sealOld:
		err = reseal(ctx, db, key)
	case sealNone, sealBound:
	}
	return err
}

// secretRow is a secret as it is stored.
type secretRow struct {
	secretPlace
	slug     string
	stored   []byte
	isSealed bool
}

// secretRows lists all secrets of a file.
func secretRows(ctx context.Context, q interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}) (all []secretRow, err error) {
	rows, err := q.QueryContext(ctx, `SELECT t.seq, t.value, t.sealed, t.created_at, o.id, o.slug, w.name, w.seq FROM signing_secret t
		JOIN webhook w ON w.seq = t.webhook JOIN organization o ON o.seq = w.organization`)
	if err != nil {
		return nil, err
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		var r secretRow
		if err := rows.Scan(&r.row, &r.stored, &r.isSealed, &r.created, &r.organization, &r.slug, &r.name, &r.webhook); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

// closedSecrets lists the webhooks, as organization/name, with sealed secrets
// that a key does not open. In a file that an earlier version sealed and nobody has
// started since, a secret may be sealed as that version did.
func closedSecrets(ctx context.Context, db *sql.DB, key *sealKey, is sealState) (names []string, err error) {
	all, err := secretRows(ctx, db)
	if err != nil {
		return nil, err
	}
	for _, r := range all {
		if !r.isSealed {
			continue
		}
		if key == nil {
			names = append(names, r.slug+"/"+r.name)
			continue
		}
		_, err := key.open(r.stored, r.binding())
		if err != nil && is == sealOld {
			_, err = key.open(r.stored, r.oldBinding())
		}
		if err != nil {
			names = append(names, r.slug+"/"+r.name)
		}
	}
	return names, nil
}

// sealed prepares a secret for storing in a row.
func (s *session) sealed(key *sealKey, value secret.Text, row, created, webhookSeq int64) (stored []byte, isSealed bool, err error) {
	if key == nil {
		return []byte(value.Reveal()), false, nil
	}
	at := secretPlace{webhook: webhookSeq, row: row, created: created}
	err = s.row(`SELECT o.id, w.name FROM webhook w JOIN organization o ON o.seq = w.organization WHERE w.seq = ?`, []any{webhookSeq}, &at.organization, &at.name)
	if err != nil {
		return nil, false, err
	}
	return key.seal([]byte(value.Reveal()), at.binding()), true, nil
}

// unsealed reads a stored secret.
func (s *Store) unsealed(stored []byte, isSealed bool, at secretPlace) (secret.Text, error) {
	if !isSealed {
		return secret.New(string(stored)), nil
	}
	if s.key == nil {
		return secret.Text{}, unavailable(fmt.Sprintf("the secret of %q is sealed, and no key is configured", at.name), "name it with secrets.key_file")
	}
	text, err := s.key.open(stored, at.binding())
	if err != nil {
		return secret.Text{}, unavailable(fmt.Sprintf("the sealed secret of %q does not open: it was damaged, or moved there from another place in the file", at.name),
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
		all, err := secretRows(background, tx.conn)
		if err != nil {
			return err
		}
		for _, r := range all {
			value, err := s.unsealed(r.stored, r.isSealed, r.secretPlace)
			if err != nil {
				return err
			}
			stored, isSealed, err := tx.sealed(key, value, r.row, r.created, r.webhook)
			if err != nil {
				return err
			}
			if err := tx.exec(`UPDATE signing_secret SET value = ?, sealed = ? WHERE seq = ?`, stored, isSealed, r.row); err != nil {
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

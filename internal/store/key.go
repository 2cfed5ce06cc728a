package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
)

// KeySize is the size of a key in bytes.
const KeySize = 32

// Key returns the file's key for a purpose: [KeySize] random bytes, made on
// first use. Every process that works on the file gets the same key, also after
// a restart. Each purpose has a key of its own, so what is made for one purpose
// is worth nothing for another. An error says that the file can't be read or,
// on first use, can't be written.
func (s *Store) Key(ctx context.Context, purpose string) ([]byte, error) {
	var value []byte
	err := s.read.QueryRowContext(ctx, `SELECT value FROM key WHERE purpose = ?`, purpose).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		fresh := make([]byte, KeySize)
		_, _ = rand.Read(fresh) // never fails
		err = s.always(ctx, func(tx *session) error {
			// Another process may have been first: then its key is the key.
			if err := tx.exec(`INSERT INTO key (purpose, value) VALUES (?, ?) ON CONFLICT (purpose) DO NOTHING`, purpose, fresh); err != nil {
				return err
			}
			return tx.row(`SELECT value FROM key WHERE purpose = ?`, []any{purpose}, &value)
		})
	}
	if err != nil {
		return nil, fault(s.path, err)
	}
	if len(value) != KeySize {
		return nil, unavailable(fmt.Sprintf("the key %q in the database %s has %d bytes; it must have %d", purpose, s.path, len(value), KeySize),
			"stop the daemon and restore a backup")
	}
	return value, nil
}

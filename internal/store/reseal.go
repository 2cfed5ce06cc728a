package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Earlier versions sealed a secret to its webhook and not to its row, so that a
// secret which was rotated out could be put back in the place of the current one. The first
// start with the key seals such secrets again. From then on the old form does not open.

// oldCheckText is what is sealed in the table seal of such a file.
const oldCheckText = "sealpost"

func (p secretPlace) oldBinding() string {
	return fmt.Sprintf("sealpost signing secret\x00%s\x00%s\x00%d", p.organization, p.name, p.webhook)
}

// reseal binds all sealed secrets to their rows and says so in the file, in one
// transaction. A secret that opens in neither form stays as it is and goes on not
// to open: it must not keep the others from being used.
func reseal(ctx context.Context, db *sql.DB, key *sealKey) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var check []byte
	if err := tx.QueryRowContext(ctx, `SELECT value FROM seal`).Scan(&check); err != nil {
		return err
	}
	if _, err := key.open(check, oldCheckText); err != nil {
		return tx.Rollback() // another process has done it meanwhile
	}
	all, err := secretRows(ctx, tx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if !r.isSealed {
			continue
		}
		if _, err := key.open(r.stored, r.binding()); err == nil {
			return unavailable("secrets in the file are bound to their rows, and the mark that says so was replaced by an older one",
				"somebody has put parts of an older copy into the file: restore a backup")
		}
		text, err := key.open(r.stored, r.oldBinding())
		if err != nil {
			continue
		}
		if _, err := tx.ExecContext(ctx, `UPDATE signing_secret SET value = ? WHERE seq = ?`, key.seal(text, r.binding()), r.row); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, `UPDATE seal SET value = ?`, key.seal([]byte(checkText), checkText)); err != nil {
		return err
	}
	return tx.Commit()
}

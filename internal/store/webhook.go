package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

const webhookColumns = `w.seq, o.id, w.name, w.url, w.routes, w.only_types, w.disabled, w.failing_since, w.failures, w.failure_hours, w.failure_hour, w.retry_after, w.config,
	w.created_at, w.updated_at, w.deleted_at, (SELECT max(ends_at) FROM signing_secret WHERE webhook = w.seq), w.disabled_before,
	(SELECT events FROM missing WHERE webhook = w.seq), (SELECT since FROM missing WHERE webhook = w.seq)`

const webhookTables = `webhook w JOIN organization o ON o.seq = w.organization`

// scanner is what *sql.Row and *sql.Rows have in common.
type scanner interface{ Scan(into ...any) error }

func scanWebhook(row scanner) (w webhook.Webhook, deleted bool, err error) {
	var routes, only, config string
	var disabled, before sql.NullString
	var failing, floor, deletedAt, ends, missed, since sql.NullInt64
	var created, updated int64
	err = row.Scan(&w.Seq, &w.Organization, &w.Name, &w.URL, &routes, &only, &disabled, &failing, &w.Health.Failures, &w.Health.Hours, &w.Health.Hour, &floor, &config,
		&created, &updated, &deletedAt, &ends, &before, &missed, &since)
	if err != nil {
		return w, false, err
	}
	if w.Suspended = disabled.String == webhook.DisabledBySuspension; w.Suspended {
		disabled = before
	}
	w.Disabled, w.DisabledWhy = disabled.Valid, disabled.String
	if err := errors.Join(decodeRoutes(routes, &w.Config), json.Unmarshal([]byte(only), &w.Only), w.ReadStored(config)); err != nil {
		// One row that can't be read stops neither lists nor other webhooks. Where
		// its events should go is not known, so they wait.
		w.Damaged, w.Disabled, w.DisabledWhy = true, true, fmt.Sprintf("its stored configuration can't be read: %v", err)
	}
	w.FailingSince = fromMillis(failing.Int64)
	w.Health.Since, w.RetryAfter = w.FailingSince, webhook.RetryAfter{Time: fromMillis(floor.Int64)}
	w.Created, w.Updated = fromMillis(created), fromMillis(updated)
	w.PreviousUntil = fromMillis(ends.Int64)
	w.Missed = webhook.Gap{Events: missed.Int64, Since: fromMillis(since.Int64)}
	return w, deletedAt.Valid, nil
}

func noWebhook(name string) error {
	return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no webhook %q", name)).Advise()
}

// Webhooks lists an organization's webhooks by name; none when the
// organization is not there.
func (s *Store) Webhooks(ctx context.Context, organization string) (found []webhook.Webhook, err error) {
	rows, err := s.read.QueryContext(ctx, `SELECT `+webhookColumns+` FROM `+webhookTables+`
		WHERE `+isNamed("?1")+` AND w.deleted_at IS NULL ORDER BY w.name`, organization)
	if err != nil {
		return nil, fault(s.path, err)
	}
	defer closeRows(rows, &err)
	for rows.Next() {
		w, _, err := scanWebhook(rows)
		if err != nil {
			return nil, fault(s.path, err)
		}
		found = append(found, w)
	}
	return found, nil
}

// Webhook finds a webhook by name.
func (s *Store) Webhook(ctx context.Context, organization, name string) (webhook.Webhook, error) {
	w, _, err := scanWebhook(s.read.QueryRowContext(ctx, `SELECT `+webhookColumns+` FROM `+webhookTables+`
		WHERE `+isNamed("?1")+` AND w.name = ?2 AND w.deleted_at IS NULL`, organization, name))
	if errors.Is(err, sql.ErrNoRows) {
		return w, noWebhook(name)
	}
	return w, fault(s.path, err)
}

// CreateWebhook stores a new webhook with its secret, making the organization
// when create asks for it. A taken name is [webhook.CodeNameConflict], a webhook
// past a bound [webhook.CodeLimitReached].
func (s *Store) CreateWebhook(ctx context.Context, organization string, config webhook.Config, value secret.Text, now time.Time) error {
	return s.separate(ctx, func(tx *session) error {
		org, err := tx.organization(organization, true, now)
		if err != nil {
			return err
		}
		if err := s.insertWebhook(tx, org, config, value, now); err != nil {
			return err
		}
		return errors.Join(s.webhooksWithin(tx, org, 1), s.urlsWithin(tx, org, webhook.Config{}, config))
	})
}

func (s *Store) insertWebhook(tx *session, org int64, config webhook.Config, value secret.Text, now time.Time) error {
	routes, only := encodeRoutes(config)
	var disabled any
	if config.Disabled {
		disabled = webhook.DisabledByHand
	}
	seq, err := tx.insert(`INSERT INTO webhook (organization, name, url, routes, only_types, disabled, config, created_at, updated_at)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) ON CONFLICT DO NOTHING`,
		org, config.Name, config.URL, routes, only, disabled, string(config.Stored()), millis(now))
	if err != nil {
		return err
	}
	if seq == 0 {
		return webhook.Errorf(webhook.CodeNameConflict, fmt.Sprintf("there is a webhook %q already", config.Name)).Advise()
	}
	return s.insertSecret(tx, seq, value, now)
}

// Change decides what becomes of a webhook inside the transaction that stores
// it, so that two changes at once never lose one another. found is nil when
// there is no such webhook; result nil means to leave things as they are.
type Change = func(found *webhook.Webhook) (result *webhook.Config, err error)

// ChangeWebhook changes a webhook, or, when change answers so, creates it with
// the given secret. created tells which it was.
func (s *Store) ChangeWebhook(ctx context.Context, organization, name string, value secret.Text, now time.Time, change Change) (result webhook.Config, created bool, err error) {
	err = s.releasing(ctx, func(tx *session, committed *webhook.Committed) error {
		result, created = webhook.Config{}, false
		org, err := tx.organization(organization, !value.IsZero(), now)
		if err != nil {
			return instead(err, noWebhook(name))
		}
		found, err := tx.webhook(org, name)
		if err != nil {
			return err
		}
		if found != nil && found.Damaged {
			return unavailable(fmt.Sprintf("webhook %q can't be changed: %s", name, found.DisabledWhy), "use the newer program if one wrote it, or restore a backup, or delete the webhook and create it again")
		}
		next, err := change(found)
		if err != nil {
			return err
		}
		switch {
		case next == nil && found != nil:
			result = found.Config
			return nil
		case next == nil:
			return noWebhook(name)
		case found == nil:
			result, created = *next, true
			if err := s.insertWebhook(tx, org, *next, value, now); err != nil {
				return err
			}
			return errors.Join(s.webhooksWithin(tx, org, 1), s.urlsWithin(tx, org, webhook.Config{}, *next))
		}
		if err := s.urlsWithin(tx, org, found.Config, *next); err != nil {
			return err
		}
		result = *next
		return tx.updateWebhook(found, *next, now, committed)
	})
	return result, created, err
}

func (s *session) webhook(org int64, name string) (*webhook.Webhook, error) {
	stmt, err := s.statement(`SELECT ` + webhookColumns + ` FROM ` + webhookTables + ` WHERE w.organization = ? AND w.name = ? AND w.deleted_at IS NULL`)
	if err != nil {
		return nil, err
	}
	w, _, err := scanWebhook(stmt.QueryRowContext(background, org, name))
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &w, err
}

func (s *session) updateWebhook(found *webhook.Webhook, next webhook.Config, now time.Time, committed *webhook.Committed) error {
	routes, only := encodeRoutes(next)
	var disabled any
	switch {
	case next.Disabled && found.Disabled:
		disabled = found.DisabledWhy
	case next.Disabled:
		disabled = webhook.DisabledByHand
	}
	err := s.exec(`UPDATE webhook SET url = ?, routes = ?, only_types = ?, disabled = ?, config = ?, updated_at = ? WHERE seq = ?`,
		next.URL, routes, only, disabled, string(next.Stored()), millis(now), found.Seq)
	if err == nil && found.Disabled != next.Disabled {
		err = s.exec(`UPDATE webhook SET failing_since = NULL, failures = 0, failure_hours = 0, failure_hour = 0 WHERE seq = ?`, found.Seq)
	}
	enabled := found.Disabled && !next.Disabled
	if err != nil || !enabled && !addsURL(found.Config, next) {
		return err
	}
	return s.lift(found.Seq, now, committed)
}

// addsURL reports whether a webhook gets a URL that it did not have.
func addsURL(before, after webhook.Config) bool {
	targets := before.Targets()
	return slices.ContainsFunc(after.Targets(), func(one webhook.Target) bool {
		return !slices.ContainsFunc(targets, func(had webhook.Target) bool { return had.URL == one.URL })
	})
}

// lift ends a webhook's Retry-After, since a person wants it: now, so the oldest
// due delivery goes alone as after any pause. A person can do so once in [ByHand]
// for a webhook; an earlier wish leaves the pause as it is. Otherwise whoever
// repeats a change would have a receiver asked as often as they like.
func (s *session) lift(seq int64, now time.Time, committed *webhook.Committed) error {
	n, err := s.changed(`UPDATE webhook SET retry_after = ?2, lifted_at = ?2
		WHERE seq = ?1 AND retry_after > ?2 AND coalesce(lifted_at NOT BETWEEN ?2 - ?3 + 1 AND ?2, true)`, seq, millis(now), ByHand.Milliseconds())
	if n > 0 {
		committed.Lifted = append(committed.Lifted, seq)
	}
	return err
}

// DeleteWebhook deletes a webhook; check, when given, may refuse. Its pending
// deliveries are cancelled by it: they count as such from the same commit.
func (s *Store) DeleteWebhook(ctx context.Context, organization, name string, now time.Time, check func(webhook.Webhook) error) error {
	// There may be a million of them, so they are counted while others write. The
	// count is for the metrics, and may lack what is published at the same time.
	var counted, pending int64
	err := s.row(ctx, `SELECT w.seq, (SELECT count(*) FROM delivery d WHERE d.webhook = w.seq AND d.state = 0) FROM webhook w
		WHERE w.organization = (SELECT seq FROM organization o WHERE `+isNamed("?1")+`) AND w.name = ?2 AND w.deleted_at IS NULL`, []any{organization, name}, &counted, &pending)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fault(s.path, err)
	}
	return s.alwaysReleasing(ctx, func(tx *session, committed *webhook.Committed) error {
		org, err := tx.organization(organization, false, now)
		if err != nil {
			return instead(err, noWebhook(name))
		}
		found, err := tx.webhook(org, name)
		if err != nil {
			return err
		}
		if found == nil {
			return noWebhook(name)
		}
		if check != nil {
			if err := check(*found); err != nil {
				return err
			}
		}
		if found.Seq == counted {
			committed.Cancelled = int(pending)
		}
		if err := tx.exec(`DELETE FROM signing_secret WHERE webhook = ?`, found.Seq); err != nil {
			return err
		}
		if err := tx.exec(`DELETE FROM missing WHERE webhook = ?`, found.Seq); err != nil {
			return err
		}
		return tx.exec(`UPDATE webhook SET deleted_at = ?2, updated_at = ?2 WHERE seq = ?1`, found.Seq, millis(now))
	})
}

func encodeRoutes(config webhook.Config) (routes, only string) {
	return string(mustJSON(config.Routes, "{}")), string(mustJSON(config.Only, "[]"))
}

func decodeRoutes(text string, config *webhook.Config) error {
	if text == "{}" {
		return nil
	}
	return json.Unmarshal([]byte(text), &config.Routes)
}

func mustJSON(v any, empty string) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps and lists of strings can't fail
	}
	if string(text) == "null" {
		return []byte(empty)
	}
	return text
}

package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"sealpost/internal/webhook"
)

// stream is one order in which the deliveries of a webhook are read.
type stream struct {
	index string // that has them in order; the table itself when empty
	where string // which deliveries x these are
	hooks string // for which webhooks h they are read
}

// streamsOf are the streams that together have all deliveries of a state, with an
// index each; nil when there is none for it.
func streamsOf(state webhook.DeliveryState) []stream {
	pending := func(hooks string) []stream {
		return []stream{
			{"delivery_pending", `x.state = 0 AND x.due = 0`, hooks},
			{"delivery_later", `x.state = 0 AND x.due > 0`, hooks},
		}
	}
	switch state {
	case webhook.Pending:
		return pending(`h.disabled IS NULL AND h.deleted_at IS NULL`)
	case webhook.Parked:
		return pending(`h.disabled IS NOT NULL AND h.deleted_at IS NULL`)
	case webhook.Cancelled: // what a deleted webhook left pending counts as cancelled
		return append(pending(`h.deleted_at IS NOT NULL`), stream{"delivery_ended", `x.state IN (2, 3) AND x.state = 3`, `true`})
	case webhook.Dead:
		return []stream{{"delivery_ended", `x.state IN (2, 3) AND x.state = 2`, `true`}}
	}
	return nil
}

// byWebhook looks at the next deliveries of all webhooks.
func (w *deliveryWalk) byWebhook(ctx context.Context) error {
	streams := streamsOf(w.query.State)
	if streams == nil {
		streams = []stream{{where: `true`, hooks: `true`}}
	}
	most := max(fetched(), w.webhooks) // each query begins with one look for each webhook
	limit := min(w.size+1-len(w.found), most)
	if w.query.Type != "" || w.query.Publisher != "" || !w.query.Since.IsZero() || w.query.State == webhook.Delivered {
		limit = most // not all of them fit
	}
	fits := w.conditions()
	oldest := int64(math.MinInt64)
	if !w.query.Since.IsZero() {
		oldest = millis(w.query.Since.Add(-clockSlack))
	}
	rows, err := w.store.rows(ctx, merge(streams, w.query.Webhook != "")+`
		SELECT `+deliveryColumns+`, coalesce(true`+fits.clause()+`, false), e.accepted_at < ?
		FROM m CROSS JOIN `+deliveryTables+` WHERE d.webhook = m.webhook AND d.event = m.event AND d.run = m.run
		ORDER BY m.event DESC, m.webhook, m.run DESC`,
		slices.Concat([]any{w.org, w.query.Webhook, w.after.Event, w.after.Webhook, w.after.Run, limit}, fits.args, []any{oldest})...)
	if err != nil {
		return fault(w.store.path, err)
	}
	n, err := w.take(rows)
	w.cost.rows += n
	w.ended = w.ended || n < limit
	return fault(w.store.path, err)
}

// take adds those of the rows that fit, and returns how many rows there were.
func (w *deliveryWalk) take(rows *sql.Rows) (n int, err error) {
	defer closeRows(rows, &err)
	for rows.Next() {
		var fits, old bool
		d, err := scanDelivery(rows, &w.store.ids, &fits, &old)
		if err != nil {
			return n, err
		}
		n++
		if w.after = d.Key; fits {
			w.found = append(w.found, d)
		}
		if w.ended = old; old || len(w.found) > w.size {
			return n, nil
		}
	}
	return n, nil
}

// merge is a table m of the next deliveries of an organization's webhooks in the
// order of lists. It keeps, in a queue, the next delivery of each stream of each
// webhook; whenever one is taken, the one after it takes its place. So it costs one
// look at an index for each webhook, and one for each delivery.
//
// Its parameters are the organization, a name of webhooks or "" for all, where the
// list goes on (event, webhook, run), and how many deliveries are wanted.
func merge(streams []stream, named bool) string {
	name := `>=` // every name
	if named {
		name = `=`
	}
	var first, next []string
	for i, s := range streams {
		from := `delivery x`
		if s.index != "" {
			from += ` INDEXED BY ` + s.index
		}
		lookup := func(hook, event, run string) string {
			return fmt.Sprintf(`(d.event, d.run) = (SELECT x.event, x.run FROM %s WHERE x.webhook = %s AND %s AND (x.event, x.run) < (%s, %s) ORDER BY x.event DESC, x.run DESC LIMIT 1)`,
				from, hook, s.where, event, run)
		}
		first = append(first, fmt.Sprintf(`SELECT d.event, d.webhook, d.run, %d FROM webhook h CROSS JOIN delivery d
			WHERE h.organization = ?1 AND h.name %s ?2 AND %s AND d.webhook = h.seq AND %s`,
			i, name, s.hooks, lookup(`h.seq`, `?3`, `CASE WHEN h.seq < ?4 THEN -1 WHEN h.seq = ?4 THEN ?5 ELSE 9223372036854775807 END`)))
		next = append(next, fmt.Sprintf(`SELECT d.event, d.webhook, d.run, m.stream FROM m CROSS JOIN delivery d
			WHERE m.stream = %d AND d.webhook = m.webhook AND %s`, i, lookup(`m.webhook`, `m.event`, `m.run`)))
	}
	return `WITH RECURSIVE m(event, webhook, run, stream) AS (` + strings.Join(append(first, next...), "\n\t\tUNION ALL ") + `
		ORDER BY 1 DESC, 2, 3 DESC LIMIT ?6)`
}

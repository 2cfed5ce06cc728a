package main

import (
	"context"
	"fmt"
	"time"

	"sealpost/internal/bounds"
	"sealpost/internal/store"
)

// maxOrganizations bounds how many organizations doctor names for one reason.
const maxOrganizations = 20

// examineLimits looks at what waits in vain and who has little room left, over all
// organizations of the file.
func (a *app) examineLimits(ctx context.Context, d *diagnosis, s *store.Store) error {
	if err := a.examineParked(ctx, d, s); err != nil {
		return err
	}
	missing, err := s.AllMissing(ctx)
	if err != nil {
		return err
	}
	for i, m := range missing {
		if i == maxOrganizations {
			d.warn("deliveries.missed", s.Path(), "`sealpost doctor --org ORG` names the webhooks of one", "webhooks of %d more organizations missed events", len(missing)-i)
			break
		}
		d.warn("deliveries.missed", named(m.Organization, m.ID), "enable the webhooks, then `sealpost event resend --missing --org "+m.ID+"` sends them",
			"%d disabled webhook%s missed %d event%s since %s: limits.parked was reached", m.Webhooks, plural(m.Webhooks), m.Events, plural(int(m.Events)), a.when(m.Since))
	}
	if len(missing) == 0 {
		d.pass("deliveries.missed", s.Path(), "no webhook has missed an event")
	}
	near, err := s.Near(ctx, a.now())
	if err != nil {
		return err
	}
	for i, one := range near {
		if i == maxOrganizations {
			d.warn("limits", s.Path(), "`sealpost org limits ORG` shows the use of one", "%d more limits are at 80 %% or more", len(near)-i)
			break
		}
		row := bounds.Table[one.Kind]
		status := "is near its limit"
		if one.Reached() {
			status = "has reached its limit"
		}
		d.warn("limits", named(one.Organization, one.ID), fmt.Sprintf("make room, or allow more: `sealpost org limits %s --%s N`", one.ID, row.Flag()),
			"it %s: %s allows %s %s, and it has %s", status, row.Key, amount(row, one.Limit), row.Counts, used(row, one))
	}
	if len(near) == 0 {
		d.pass("limits", s.Path(), "no organization uses 80 %% of a limit")
	}
	return nil
}

// used is what an organization uses of a limit. Past the limit, deliveries are not
// counted on.
func used(row bounds.Row, c bounds.Close) string {
	if (c.Kind == bounds.Pending || c.Kind == bounds.Parked) && c.Use > c.Limit {
		return "more"
	}
	return amount(row, c.Use)
}

// named writes an organization's slug with its id, by which commands find it whoever
// chose the slug.
func named(slug, id string) string { return slug + " (" + id + ")" }

// examineParked adds up what waits for disabled webhooks.
func (a *app) examineParked(ctx context.Context, d *diagnosis, s *store.Store) error {
	lags, err := s.Lags(ctx)
	if err != nil {
		return err
	}
	parked, webhooks, more, oldest := 0, 0, "", time.Time{}
	for _, lag := range lags {
		if !lag.Parked {
			continue
		}
		if parked, webhooks = parked+lag.Pending, webhooks+1; lag.Pending >= store.Counted {
			more = "at least "
		}
		if oldest.IsZero() || lag.Oldest.Before(oldest) {
			oldest = lag.Oldest
		}
	}
	if webhooks == 0 {
		d.pass("deliveries.parked", s.Path(), "nothing waits for a disabled webhook")
		return nil
	}
	d.warn("deliveries.parked", s.Path(), "`sealpost delivery list --state parked` shows them; `sealpost webhook update NAME --enable` sends them, `sealpost delivery cancel` ends them",
		"%s%d deliver%s for %d disabled webhook%s, the oldest for %s", more, parked, pick(parked, "y waits", "ies wait"), webhooks, plural(webhooks), a.now().Sub(oldest).Round(time.Second))
	return nil
}

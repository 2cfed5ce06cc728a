package main

import (
	"context"
	"fmt"

	"sealpost/internal/server"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// defaultOrganization is the organization that commands work on unless they are told
// another one.
const defaultOrganization = "default"

// workOn finds the organization of the setting in a file, and says which one it is. It
// refuses the slug of an organization that sign-up made. An organization that is not
// there is no error: the commands that store something make it.
func (a *app) workOn(ctx context.Context, s *store.Store) error {
	found, err := s.Organization(ctx, a.organization())
	switch {
	case err == nil:
		a.working = found
	case webhook.CodeOf(err) == webhook.CodeNotFound:
		a.working = webhook.Organization{Slug: a.organization()}
	default:
		return err
	}
	a.announce()
	return nil
}

// announce says which organization a command works on, when it is not the default one.
// With -o json it is said at the end, and not of a command that fails: then the error is
// all that stands on stderr.
func (a *app) announce() {
	if a.working.Slug == defaultOrganization || a.announced {
		return
	}
	a.announced = true
	if a.json() {
		a.last = append(a.last, "organization "+nameOf(a.working))
		return
	}
	a.say("organization %s", nameOf(a.working))
}

// nameOf names an organization for people: its slug, with the id and what should be
// known of it.
func nameOf(o webhook.Organization) string {
	slug := printable(o.Slug)
	switch {
	case o.ID == "":
		return slug + " (not there yet)"
	case !o.Suspended.IsZero():
		return fmt.Sprintf("%s (%s, suspended)", slug, o.ID)
	case o.Maker == webhook.MadeOverAPI:
		return fmt.Sprintf("%s (%s, made over the API)", slug, o.ID)
	}
	return fmt.Sprintf("%s (%s)", slug, o.ID)
}

// whoAmI asks a server which organization the credentials belong to.
func (a *app) whoAmI(ctx context.Context, client *server.Client) (server.WhoAmI, error) {
	who, err := client.WhoAmI(ctx)
	if err == nil {
		a.working = webhook.Organization{ID: who.Organization.ID, Slug: who.Organization.Slug, Name: who.Organization.Name}
	}
	return who, err
}

// sameOrganization makes sure that a server works on the organization of the setting,
// before anything is changed there. The default of the setting names none: then the
// organization is the token's.
func (a *app) sameOrganization(ctx context.Context, client *server.Client) error {
	if !a.conf.Given("organization") {
		return nil
	}
	wanted, origin := a.organization(), a.conf.Origin("organization")
	who, err := a.whoAmI(ctx, client)
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		return &usageError{fmt.Sprintf("the server does not say which organization it works on, so nobody knows whether it is %q (%s)", wanted, origin),
			"the server is older than this sealpost: update it, or leave the organization out, and it works on the one of the token"}
	}
	if err != nil {
		return err
	}
	if o := who.Organization; wanted != o.ID && wanted != o.Slug {
		return &usageError{fmt.Sprintf("the server works on the organization %s (%s), that of the token or session, not on %q (%s)", o.Slug, o.ID, wanted, origin),
			"use a token of the organization that you mean, or leave the organization out"}
	}
	a.announce()
	return nil
}

// planned is the organization that a plan is about. It is the zero one on a server that
// is too old to say.
func (a *app) planned(ctx context.Context, b backend) (webhook.Organization, error) {
	client, remote := b.(*server.Client)
	if !remote || a.working.ID != "" {
		return a.working, nil
	}
	_, err := a.whoAmI(ctx, client)
	if webhook.CodeOf(err) == webhook.CodeNotFound {
		return webhook.Organization{}, nil
	}
	return a.working, err
}

// localIn opens the database for a command that works on an organization.
func (a *app) localIn(ctx context.Context, create bool) (*local, error) {
	l, err := a.local(ctx, create)
	if err != nil {
		return nil, err
	}
	if err := a.workOn(ctx, l.store); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// openIn opens the database for a command that works on an organization of it.
func (a *app) openIn(ctx context.Context, what string, create bool) (*store.Store, error) {
	s, err := a.openFile(ctx, what, create)
	if err != nil {
		return nil, err
	}
	if err := a.workOn(ctx, s); err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

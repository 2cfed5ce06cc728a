package store_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// TestMakerOfOldFile: a file of an older version does not say who made its
// organizations. Sign-up made those whose oldest member is an owner who joined in the
// millisecond in which the organization was made.
func TestMakerOfOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "old.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	steps, err := filepath.Glob("migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(steps)
	const last = 11 // the schema before
	for _, step := range steps[:last] {
		text, err := os.ReadFile(step)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(string(text)); err != nil {
			t.Fatalf("%s: %v", step, err)
		}
	}
	if _, err := db.Exec(`
		INSERT INTO organization (seq, id, slug, name, created_at) VALUES
			(1, 'org_1', 'nobody', 'a', 100), (2, 'org_2', 'signed-up', 'b', 100), (3, 'org_3', 'added', 'c', 100),
			(4, 'org_4', 'demoted', 'd', 100), (5, 'org_5', 'left', 'e', 100), (6, 'org_6', 'second', 'f', 100);
		INSERT INTO user (seq, id, address, created_at) VALUES (1, 'usr_1', x'01', 1), (2, 'usr_2', x'02', 1);
		INSERT INTO member (id, organization, user, role, joined_at) VALUES
			('mem_1', 2, 1, 'owner', 100), ('mem_2', 2, 2, 'member', 150),
			('mem_3', 3, 1, 'owner', 101),
			('mem_4', 4, 1, 'admin', 100), ('mem_5', 4, 2, 'owner', 100),
			('mem_6', 5, 2, 'owner', 200),
			('mem_7', 6, 1, 'member', 99), ('mem_8', 6, 2, 'owner', 100);
		PRAGMA application_id = 1936023916; PRAGMA user_version = 11`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), store.Options{Path: path, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // nothing was written
	all, err := s.Organizations(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range all {
		want := webhook.MadeOnMachine
		if o.Slug == "signed-up" {
			want = webhook.MadeOverAPI
		}
		if o.Maker != want {
			t.Errorf("%s was made by %s, not %s", o.Slug, o.Maker, want)
		}
	}
	if len(all) != 6 {
		t.Errorf("%d organizations", len(all))
	}
}

// TestSlugsOfStrangers: whatever names an organization by the slug of one that sign-up
// made is refused, also when the organization comes to be between a look and a write. By
// its id it is found.
func TestSlugsOfStrangers(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	owner := access.User{ID: "usr_1", Created: now}
	o := webhook.Organization{ID: "org_stranger", Slug: "default", Name: "Default", Type: "integrator", Created: now}
	if err := s.AddOrganization(t.Context(), o, access.NewMembership(o, owner, access.Owner, now), access.Digest{}); err != nil {
		t.Fatal(err)
	}
	publish := func(organization string) error {
		p := event(t, "e", `{}`)
		p.Organization = organization
		results, err := s.Publish(t.Context(), []webhook.Publication{p})
		if err != nil {
			return err
		}
		return results[0].Err
	}
	for what, do := range map[string]func(organization string) error{
		"organization": func(name string) error { _, err := s.Organization(t.Context(), name); return err },
		"publish":      publish,
		"token": func(name string) error {
			return s.AddToken(t.Context(), name, access.Token{ID: "t-" + name, Name: "t-" + name, Role: access.Owner, Created: now})
		},
		"credential": func(name string) error {
			return s.LinkCredentials(t.Context(), name, now, webhook.Credential{Provider: "panda", User: "u", ID: "c"})
		},
		"setting": func(name string) error { _, err := s.OwnOrganization(t.Context(), name, now); return err },
		"import": func(name string) error {
			_, err := s.ImportWebhooks(t.Context(), name, "", nil, now)
			return err
		},
	} {
		if err := do("default"); webhook.CodeOf(err) != webhook.CodeConflict {
			t.Errorf("%s by slug: %v", what, err)
		}
		if err := do(o.ID); err != nil {
			t.Errorf("%s by id: %v", what, err)
		}
	}
	events, _, err := s.Events(t.Context(), webhook.EventQuery{Organization: "default"})
	if err != nil || len(events) > 0 {
		t.Errorf("events by slug: %v, %v", events, err)
	}
	if err := s.Adopt(t.Context(), "default"); webhook.CodeOf(err) != webhook.CodeNotFound {
		t.Errorf("adopted by slug: %v", err)
	}
	if err := s.Adopt(t.Context(), o.ID); err != nil {
		t.Fatal(err)
	}
	if err := publish("default"); err != nil {
		t.Errorf("adopted, and %v", err)
	}
	if _, err := s.OwnOrganization(t.Context(), "org_mistyped", now); webhook.CodeOf(err) != webhook.CodeNotFound {
		t.Errorf("a mistyped id made an organization: %v", err)
	}
}

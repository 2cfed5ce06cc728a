package admin_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sealpost/internal/admin"
	"sealpost/internal/catalog"
	"sealpost/internal/guard"
	"sealpost/internal/secret"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

var now = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// judge is the guard as the use cases see it.
type judge struct{ *guard.Guard }

func (j judge) Check(ctx context.Context, url string) admin.Verdict {
	v := j.Guard.Check(ctx, url)
	return admin.Verdict{URL: v.URL, Allowed: v.Allowed, Reason: string(v.Reason), Message: v.Message}
}

// service has the use cases over a real store, guard and catalog.
func service(t *testing.T) *admin.Service {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: filepath.Join(t.TempDir(), "s.db"), Create: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	g, err := guard.New(guard.Settings{Allow: []string{"127.0.0.1/32"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	types, err := catalog.New(catalog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &admin.Service{Store: s, Deliver: s, Guard: judge{g}, Catalog: types, Now: func() time.Time { return now }}
}

func draft(t *testing.T, eventType, body string) *webhook.Draft {
	t.Helper()
	d, err := webhook.NewDraft(eventType, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// patch reads a configuration's change.
func patch(t *testing.T, text string) *webhook.Patch {
	t.Helper()
	p, err := webhook.DecodePatch([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestValidate judges events by size and catalog.
func TestValidate(t *testing.T) {
	s := service(t)
	whole := draft(t, "card.updated", `{}`)
	whole.Whole = []byte(`{"id":"e","timestamp":"x","resource":"card","action":"updated","body":{}}`)
	for name, test := range map[string]struct {
		draft *webhook.Draft
		most  int
		code  webhook.Code
		says  string
	}{
		"an unknown type":        {draft(t, "order.paid", `{"any":1}`), 0, "", ""},
		"a known type":           {draft(t, "card.updated", `{}`), 0, webhook.CodeBadRequest, "status: is missing"},
		"a whole event":          {whole, 0, "", ""},
		"just small enough":      {draft(t, "order.paid", `{"a":"bcd"}`), 11, "", ""},
		"just too large":         {draft(t, "order.paid", `{"a":"bcde"}`), 11, webhook.CodeTooLarge, "has 12 bytes; at most 11"},
		"a whole one, too large": {whole, 11, webhook.CodeTooLarge, "at most 11"},
		"the default":            {draft(t, "order.paid", `{"a":"`+strings.Repeat("x", admin.DefaultMaxBody-8)+`"}`), 0, "", ""},
		"beyond the default":     {draft(t, "order.paid", `{"a":"`+strings.Repeat("x", admin.DefaultMaxBody-7)+`"}`), 0, webhook.CodeTooLarge, ""},
	} {
		s.MaxBody = test.most
		err := s.Validate(test.draft)
		if webhook.CodeOf(err) != test.code && (err != nil || test.code != "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBatch: what is refused does not keep its neighbours out, and each is
// answered in its place.
func TestBatch(t *testing.T) {
	s := service(t)
	drafts := []*webhook.Draft{draft(t, "card.updated", `{}`), draft(t, "order.paid", `{}`), draft(t, "user.updated", `{}`), draft(t, "order.paid", `{}`)}
	params := make([]admin.PublishParams, len(drafts))
	for i, d := range drafts {
		params[i] = admin.PublishParams{Organization: "acme", Draft: d}
	}
	got, err := s.Publish(t.Context(), params)
	if err != nil || len(got) != len(drafts) {
		t.Fatalf("%v %v", got, err)
	}
	for i, refused := range []bool{true, false, true, false} {
		if (got[i].Err != nil) != refused || !refused && got[i].ID != drafts[i].ID {
			t.Errorf("%d: %+v", i, got[i])
		}
	}
	if got, err := s.Publish(t.Context(), params[:1]); err != nil || got[0].Err == nil {
		t.Errorf("nothing but a fault: %v %v", got, err)
	}
}

// TestURLs judges those that a change names, all at once, and no others.
func TestURLs(t *testing.T) {
	s := service(t)
	for text, want := range map[string]string{
		`{}`:                             "",
		`{"enabled":false}`:              "",
		`{"url":"https://127.0.0.1/"}`:   "allow",
		`{"url":"https://10.0.0.1/"}`:    "private",
		`{"order":{"paid":null}}`:        "",
		`{"order":{"paid":""}}`:          "url_syntax", // meant for some place, and not for the default URL
		`{"order":{"paid":"http://x/"}}`: "scheme",
		`{"url":"https://10.0.0.1/","order":{"paid":"https://127.0.0.1/","lost":"ftp://x/"}}`: "private scheme allow",
	} {
		var got []string
		for _, v := range s.CheckURLs(t.Context(), patch(t, text)) {
			if v.Allowed {
				v.Reason = "allow"
			}
			got = append(got, v.Reason)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, not %q", text, got, want)
		}
	}
	doc, err := admin.ParseDocument([]byte(`{"webhooks":{"a":{"url":"https://10.0.0.1/"},"b":{"url":"https://127.0.0.1/","order":{"paid":""}}}}`), noLine)
	if err != nil {
		t.Fatal(err)
	}
	var fault *webhook.Error
	if err := s.CheckDocument(t.Context(), doc); !errors.As(err, &fault) || fault.Code != webhook.CodeInvalidURL || len(fault.Messages) != 2 ||
		!strings.HasPrefix(fault.Messages[0], "a: ") || !strings.HasPrefix(fault.Messages[1], "b: ") {
		t.Errorf("%v", err)
	}
}

// TestIfMatch: a change is made only while the webhook is what its caller saw.
func TestIfMatch(t *testing.T) {
	s := service(t)
	ctx, config := t.Context(), `{"url":"https://127.0.0.1/hook"}`
	if _, _, err := s.Put(ctx, "acme", "a", patch(t, config), `"x"`); webhook.CodeOf(err) != webhook.CodePreconditionFailed {
		t.Errorf("put of what is not there: %v", err)
	}
	made, err := s.Create(ctx, "acme", "a", patch(t, config), secret.Text{}, false)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(tag string) error{
		"put": func(tag string) error {
			_, _, err := s.Put(ctx, "acme", "a", patch(t, config), tag)
			return err
		},
		"update": func(tag string) error {
			_, err := s.Update(ctx, "acme", "a", patch(t, `{}`), tag)
			return err
		},
	} {
		now := made.Config.ETag()
		for tag, code := range map[string]webhook.Code{
			"": "", "*": "", now: "", `"x", ` + now: "", now + `,W/"x"`: "",
			`"x"`: webhook.CodePreconditionFailed, "x": webhook.CodePreconditionFailed, `"x", "y"`: webhook.CodePreconditionFailed,
			"W/" + now: webhook.CodePreconditionFailed, strings.Trim(now, `"`): webhook.CodePreconditionFailed,
		} {
			if err := change(tag); webhook.CodeOf(err) != code && (err != nil || code != "") {
				t.Errorf("%s with %q: %v", name, tag, err)
			}
		}
	}
	if err := s.Delete(ctx, "acme", "a", `"x"`); webhook.CodeOf(err) != webhook.CodePreconditionFailed {
		t.Errorf("delete: %v", err)
	}
	if err := s.Delete(ctx, "acme", "a", made.Config.ETag()); err != nil {
		t.Errorf("delete: %v", err)
	}
}

// TestOrderOfChecks: the name, then the URLs, then what is there.
func TestOrderOfChecks(t *testing.T) {
	s := service(t)
	ctx, unsafe, fine := t.Context(), patch(t, `{"url":"https://10.0.0.1/"}`), patch(t, `{"url":"https://127.0.0.1/"}`)
	create := func(name string, p *webhook.Patch) error {
		_, err := s.Create(ctx, "acme", name, p, secret.Text{}, false)
		return err
	}
	update := func(name string, p *webhook.Patch) error {
		_, err := s.Update(ctx, "acme", name, p, "")
		return err
	}
	for i, step := range []struct {
		err  error
		code webhook.Code
	}{
		{create("A", unsafe), webhook.CodeInvalidName}, {create("a", unsafe), webhook.CodeInvalidURL}, {create("a", fine), ""},
		{create("a", unsafe), webhook.CodeInvalidURL}, {create("a", fine), webhook.CodeNameConflict},
		{update("A", unsafe), webhook.CodeInvalidName}, {update("b", unsafe), webhook.CodeInvalidURL}, {update("b", fine), webhook.CodeNotFound},
	} {
		if webhook.CodeOf(step.err) != step.code && (step.err != nil || step.code != "") {
			t.Errorf("step %d: %v, not %s", i, step.err, step.code)
		}
	}
	again, err := s.Create(ctx, "acme", "a", fine, secret.Text{}, true)
	if err != nil || !again.Existed || !again.Secret.IsZero() || again.Config.URL != "https://127.0.0.1/" {
		t.Errorf("created if absent: %+v %v", again, err)
	}
}

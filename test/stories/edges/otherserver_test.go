package edges

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sealpost/test/story"
)

// other is a server that is not ours and speaks the first four rows of the
// webhook API and sign-in with Ethereum, as better-auth 1.7 does it, alone. It
// refuses what it does not know, and says more than we know.
type other struct {
	mu      sync.Mutex
	hooks   map[string]map[string]any
	unknown []string // what it should not have been sent
}

const othersCookie = "__Secure-better-auth.session_token=kept"

func (o *other) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	text, _ := io.ReadAll(r.Body)
	var in map[string]any
	_ = json.Unmarshal(text, &in)
	answer := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	if path, found := strings.CutPrefix(r.URL.Path, "/api/auth/siwe/"); found {
		if in["walletAddress"] != nil || in["chainId"] != nil || r.Header.Get("Origin") != "http://"+r.Host {
			answer(http.StatusBadRequest, map[string]string{"message": "unrecognized keys", "code": "VALIDATION_ERROR"})
			return
		}
		if path == "verify" {
			w.Header().Set("Set-Cookie", othersCookie+"; Path=/; HttpOnly")
		}
		answer(http.StatusOK, map[string]string{"nonce": "abcdefgh12345678"})
		return
	}
	for name := range in {
		if strings.HasSuffix(r.URL.Path, "/rotate") {
			break // was asked for
		}
		if name != "url" && name != "transaction" && name != "card" && name != "user" {
			o.unknown = append(o.unknown, r.Method+" "+name)
		}
	}
	if r.Header.Get("If-Match") != "" {
		o.unknown = append(o.unknown, "If-Match")
	}
	name := strings.Trim(strings.TrimPrefix(r.URL.Path, "/api/webhook"), "/")
	shown := func(name string, extra map[string]any) map[string]any {
		out := map[string]any{
			"id": 7, "createdAt": "2026-01-05", "card": nil, "events": nil, "enabled": nil,
			"organization": map[string]string{"id": "o_1", "name": "Acme"}, "meta": map[string]string{"Foo": "b"},
		}
		maps.Copy(out, o.hooks[name])
		maps.Copy(out, extra)
		return out
	}
	switch {
	case r.Header.Get("Cookie") != othersCookie:
		answer(http.StatusUnauthorized, map[string]string{"code": "unauthorized"})
	case r.Method == http.MethodGet && name == "":
		all := map[string]any{}
		for name := range o.hooks {
			all[name] = shown(name, nil)
		}
		answer(http.StatusOK, all)
	case strings.Contains(name, "/"):
		answer(http.StatusNotFound, map[string]string{"code": "not found"})
	case r.Method == http.MethodPost && o.hooks[name] != nil:
		answer(http.StatusConflict, map[string]string{"code": "name conflict"})
	case r.Method == http.MethodPost:
		o.hooks[name] = in
		answer(http.StatusCreated, shown(name, map[string]any{"name": name, "secret": strings.Repeat("a", 64)}))
	case o.hooks[name] != nil && r.Method == http.MethodGet:
		answer(http.StatusOK, shown(name, nil))
	case o.hooks[name] != nil && r.Method == http.MethodPatch:
		maps.Copy(o.hooks[name], in)
		answer(http.StatusOK, shown(name, map[string]any{"name": name}))
	default:
		answer(http.StatusNotFound, map[string]string{"code": "not found"})
	}
}

// TestOtherServer has the webhook commands work on a server that knows less
// than ours and says more: nothing that it does not know is sent, and no extra
// of its answers costs the secret that is shown once.
func TestOtherServer(t *testing.T) {
	there := &other{hooks: map[string]map[string]any{}}
	web := httptest.NewServer(there)
	t.Cleanup(web.Close)
	p := story.New(t, []string{"SEALPOST_SERVER=" + web.URL, "XDG_STATE_HOME=" + filepath.Join(t.TempDir(), "state"), "KEY=" + strings.Repeat("1", 64)})
	const route = `"transaction":{"created":"https://r.example.com/t"}`
	document := func(url string) string {
		return fmt.Sprintf(`{"webhooks":{"orders":{"url":%q,%s}}}`, url, route)
	}
	for _, c := range []struct {
		stdin, line string
		code        int
		out         string // in what is printed
	}{
		{"", "webhook list", story.ExitDenied, ""},
		{"", "login --wallet-key env:KEY --domain r.example.com", 0, ""},
		{"", "webhook list -o json", 0, "{}"},
		{"", "webhook create orders --url https://r.example.com/ --event transaction.created=https://r.example.com/t -o json", 0, `,"secret":"` + strings.Repeat("a", 64) + `"}`},
		{"", "webhook create orders --url https://r.example.com/ -o json", story.ExitConflict, "name conflict"},
		{"", "webhook create orders --url https://r.example.com/ --if-absent -o json", 0, route},
		{"", "webhook get orders -o json", 0, `{"name":"orders","url":"https://r.example.com/",` + route + `}`},
		{"", "webhook get nobody -o json", story.ExitNotFound, "not found: GET /api/webhook/nobody"},
		{"", "webhook list -o json", 0, "orders"},
		{"", "webhook update orders --url https://r.example.com/2 -o json", 0, `"url":"https://r.example.com/2"`},
		{document("https://r.example.com/2"), "webhook apply -f - --dry-run --exit-code", 0, ""},
		{document("https://r.example.com/3"), "webhook apply -f - -o json", 0, `"update"`},
		{"", "webhook export -o json", 0, `{"type":"integrator","webhooks":{"orders":{"url":"https://r.example.com/3",` + route + `}}}`},
		{`{"webhooks":{"more":{"url":"https://r.example.com/m"}}}`, "webhook import -f - -q -o json", 0, `{"created":1,"unchanged":0,"secrets":{"more":"` + strings.Repeat("a", 64) + `"}}`},
		{`{"webhooks":{"last":{"url":"https://r.example.com/l"}}}`, "webhook import -f - -q", 0, "last  " + strings.Repeat("a", 64)},
		{"", "webhook rotate orders -o json", story.ExitNotFound, "does not know the call"},
		{"", "webhook delete orders -y -o json", story.ExitNotFound, "does not know the call"},
		{"", "logout", 0, ""},
	} {
		out, errs, code := p.Run(c.stdin, strings.Fields(c.line)...)
		if text := map[bool]string{true: out, false: errs}[c.code == 0]; code != c.code || !strings.Contains(text, c.out) {
			t.Errorf("%s: exit code %d, not %d\n%s\n%s", c.line, code, c.code, out, errs)
		}
	}
	if there.unknown != nil {
		t.Errorf("it was sent %q", there.unknown)
	}
}

package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/admin"
	"sealpost/internal/bounds"
	"sealpost/internal/catalog"
	"sealpost/internal/guard"
	"sealpost/internal/secret"
	"sealpost/internal/server"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// edge is a server over a database of its own, with a clock that stands still
// unless it is moved, and everything that it says.
type edge struct {
	testing.TB
	dir    string
	store  *store.Store
	users  *access.Service
	opts   server.Options
	intake *admin.Intake // behind /hooks/panda
	web    *httptest.Server
	said   *said // logs, and the bodies of refusals
	seen   *seen // answers that openapi.json describes

	mu  sync.Mutex
	now time.Time
}

// said collects text from many goroutines.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// judge is the guard as package admin sees it.
type judge struct{ guard *guard.Guard }

func (j judge) Check(ctx context.Context, url string) admin.Verdict {
	v := j.guard.Check(ctx, url)
	return admin.Verdict{URL: v.URL, Allowed: v.Allowed, Reason: string(v.Reason), Message: v.Message, Outside: v.Reason.Message()}
}

const (
	domain     = "app.example.com"
	maxPending = 300 // deliveries of an organization
)

// pandaHook is the provider's route.
func pandaHook(intake *admin.Intake) server.Hook {
	panda, _ := catalog.ProviderByName("panda")
	return server.Hook{
		Name: panda.Name(),
		Check: func(header func(string) string) (server.Check, error) {
			return panda.Check(secret.New(providerKey), header)
		},
		Take: func(ctx context.Context, raw []byte) (webhook.Taking, error) { return intake.Take(ctx, panda, raw) },
	}
}

// newEdge starts a server. change may alter how sign-in is set up.
func newEdge(t testing.TB, change func(*server.SignIn)) *edge {
	t.Helper()
	e := &edge{TB: t, said: &said{}, seen: &seen{}, now: time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)}
	var err error
	e.dir = t.TempDir()
	e.store, err = store.Open(t.Context(), store.Options{Path: filepath.Join(e.dir, "sealpost.db"), Create: true, Migrate: true, Bounds: bounds.Values{bounds.Pending: int64(maxPending)}})
	e.must(err)
	t.Cleanup(func() { e.must(e.store.Close()) })
	g, err := guard.New(guard.Settings{Allow: []string{"127.0.0.1/32"}})
	e.must(err)
	t.Cleanup(g.Close)
	e.users = &access.Service{Store: e.store, Now: e.time, Policy: access.Policy{Domain: domain, ChainID: 1, Signup: access.SignupOpen}}
	signIn := &server.SignIn{Service: e.users, BaseURL: "https://" + domain}
	if change != nil {
		change(signIn)
	}
	e.intake = &admin.Intake{Store: e.store, Now: e.time, Timeout: time.Hour, KeepUnlinked: 7 * 24 * time.Hour}
	e.opts = server.Options{
		Hooks:   []server.Hook{pandaHook(e.intake)},
		Service: &admin.Service{Store: e.store, Deliver: e.store, Guard: judge{g}, Now: e.time}, Tokens: e.store,
		Log: slog.New(slog.NewTextHandler(e.said, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: e.time, Version: "test", SignIn: signIn,
	}
	handler := server.New(e.opts)
	handler.Ready(true)
	e.serve(handler)
	return e
}

// serve starts the server as the daemon does.
func (e *edge) serve(handler http.Handler) {
	e.web = httptest.NewUnstartedServer(nil)
	e.web.Config = server.HTTP(handler, e.opts.Log)
	e.web.Start()
	e.Cleanup(e.web.Close)
}

// off starts another server over the same database, with sign-in off, no
// provider's key, and not ready.
func (e *edge) off() {
	e.opts.SignIn, e.opts.Hooks = nil, nil
	e.serve(server.New(e.opts))
}

func (e *edge) must(err error) {
	e.Helper()
	if err != nil {
		e.Fatal(err)
	}
}

func (e *edge) time() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

func (e *edge) wait(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = e.now.Add(d)
}

// answer is what came back. Code and Message are an error's, in either form.
type answer struct {
	status int
	header http.Header
	body   string
	code   string
	text   string
}

// ask makes a request; headers are names and values by turns. Whatever comes
// back is held to openapi.json.
func (e *edge) ask(method, path, body string, headers ...string) answer {
	e.Helper()
	request, err := http.NewRequestWithContext(e.Context(), method, e.web.URL+path, strings.NewReader(body))
	e.must(err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	request.Host = request.Header.Get("Host")
	response, err := e.web.Client().Do(request)
	e.must(err)
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(response.Body)
	e.must(err)
	out := answer{status: response.StatusCode, header: response.Header, body: string(text)}
	if response.StatusCode >= 400 {
		var fault struct {
			Code    string
			Message any
		}
		if err := json.Unmarshal(text, &fault); err != nil || fault.Code == "" {
			e.Errorf("%s %s: %d with %q, which has no code", method, path, response.StatusCode, text)
		}
		out.code = fault.Code
		out.text, _ = fault.Message.(string)
		_, err = e.said.Write(text)
		e.must(err)
	}
	if err := e.seen.hold(request, body, out); err != nil {
		e.Errorf("%s %s: %d %s\n%v", method, path, out.status, out.body, err)
	}
	return out
}

// want fails unless the answer has the status and the code.
func (e *edge) want(what string, got answer, status int, code string) {
	e.Helper()
	if got.status != status || got.code != code {
		e.Errorf("%s: %d %q, not %d %q: %s", what, got.status, got.code, status, code, got.body)
	}
}

// read reads an answer that has to be 200, by name.
func read[T any](e *edge, got answer) (out T) {
	e.Helper()
	if got.status != http.StatusOK {
		e.Fatalf("%d %s", got.status, got.body)
	}
	e.must(json.Unmarshal([]byte(got.body), &out))
	return out
}

// id is the id of the organization with a slug, whoever made it; without one it is the
// slug.
func (e *edge) id(slug string) string {
	e.Helper()
	all, err := e.store.Organizations(e.Context())
	e.must(err)
	for _, o := range all {
		if o.Slug == slug {
			return o.ID
		}
	}
	return slug
}

// token makes a bearer token and returns the header for it.
func (e *edge) token(organization string, role access.Role) (header string) {
	e.Helper()
	token, text, err := access.NewToken("", string(role), role, access.Owner, 0, e.time())
	e.must(err)
	e.must(e.store.AddToken(e.Context(), e.id(organization), token))
	return "Bearer " + text.Reveal()
}

func wallet(e *edge, digit string) access.Wallet {
	e.Helper()
	w, err := access.ParseWallet(secret.New(strings.Repeat(digit, 64)))
	e.must(err)
	return w
}

// signed asks for a nonce and signs a message with it; the result is the body
// for verify.
func (e *edge) signed(digit string, change func(*access.Message)) map[string]any {
	e.Helper()
	nonce := read[struct{ Nonce string }](e, e.ask("POST", "/api/auth/siwe/nonce", "{}")).Nonce
	w := wallet(e, digit)
	message := access.Message{Domain: domain, Address: w.Address, URI: "https://" + domain, ChainID: 1, Nonce: nonce, IssuedAt: access.At(e.time())}
	if change != nil {
		change(&message)
	}
	signature, err := w.Sign(message.String())
	e.must(err)
	return map[string]any{"message": message.String(), "signature": signature.String()}
}

func (e *edge) verify(body map[string]any, headers ...string) answer {
	e.Helper()
	text, err := json.Marshal(body)
	e.must(err)
	return e.ask("POST", "/api/auth/siwe/verify", string(text), headers...)
}

// signIn returns a cookie as clients send it back: the whole Set-Cookie.
func (e *edge) signIn(digit, email string) string {
	e.Helper()
	body := e.signed(digit, nil)
	if email != "" {
		body["email"] = email
	}
	got := e.verify(body)
	if cookies := got.header.Values("Set-Cookie"); got.status != http.StatusOK || len(cookies) != 1 {
		e.Fatalf("%d %q %s", got.status, cookies, got.body)
	}
	return got.header.Get("Set-Cookie")
}

// found is an organization with its first member signed in.
func (e *edge) found(digit, slug string) (cookie, id string) {
	e.Helper()
	cookie = e.signIn(digit, "")
	return cookie, read[struct{ ID string }](e, e.ask("POST", "/api/auth/organization/create", `{"name":"N","slug":"`+slug+`"}`, "Cookie", cookie)).ID
}

func proxies(texts ...string) (out []netip.Prefix) {
	for _, text := range texts {
		out = append(out, netip.MustParsePrefix(text))
	}
	return out
}

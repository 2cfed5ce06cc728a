package server_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sealpost/internal/access"
	"sealpost/internal/bounds"
	"sealpost/internal/server"
)

// described is openapi.json, as a validator of JSON Schemas sees it.
type described struct {
	mu       sync.Mutex // the compiler is not safe for several callers
	compiler *jsonschema.Compiler
	doc      map[string]any
}

// description reads openapi.json once for all tests.
var description = sync.OnceValue(func() *described {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		panic(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		panic(err)
	}
	d := &described{compiler: jsonschema.NewCompiler(), doc: doc.(map[string]any)}
	d.compiler.AssertFormat()
	if err := d.compiler.AddResource("openapi.json", doc); err != nil {
		panic(err)
	}
	return d
})

// at follows a path of keys, and references on the way.
func (d *described) at(keys ...string) (pointer []string, value any, found bool) {
	value = d.doc
	for _, key := range keys {
		object, isObject := value.(map[string]any)
		if ref, isRef := object["$ref"].(string); isRef {
			pointer, value, _ = d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			object, isObject = value.(map[string]any)
		}
		if value, found = object[key]; !found || !isObject {
			return nil, nil, false
		}
		pointer = append(pointer, key)
	}
	return pointer, value, true
}

// fits holds JSON to the schema at a path of keys.
func (d *described) fits(text string, keys []string) error {
	pointer := "openapi.json#"
	for _, key := range keys {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
	}
	d.mu.Lock()
	schema, err := d.compiler.Compile(pointer)
	d.mu.Unlock()
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// operation finds the pattern of a call; none for one that is not described.
func (d *described) operation(method, path string) (keys []string, found bool) {
	segments := strings.Split(strings.TrimSuffix(path, "/"), "/")
	_, paths, _ := d.at("paths")
	for pattern := range paths.(map[string]any) {
		fits := slices.EqualFunc(strings.Split(pattern, "/"), segments, func(p, s string) bool { return p == s || strings.HasPrefix(p, "{") && s != "" })
		if keys, _, found = d.at("paths", pattern, strings.ToLower(method)); fits && found {
			return keys, true
		}
	}
	return nil, false
}

// operations lists every call as method, pattern and status.
func (d *described) operations() (all []string) {
	_, paths, _ := d.at("paths")
	for pattern, methods := range paths.(map[string]any) {
		for method := range methods.(map[string]any) {
			_, responses, found := d.at("paths", pattern, method, "responses")
			if !found {
				continue // what the methods of a path have in common
			}
			for status := range responses.(map[string]any) {
				all = append(all, strings.Join([]string{method, pattern, status}, " "))
			}
		}
	}
	slices.Sort(all)
	return all
}

// seen collects which of the described answers were got.
type seen struct {
	mu  sync.Mutex
	all map[string]bool
}

// hold holds an answer to what openapi.json says of the call, and a request
// that was well received too.
func (s *seen) hold(request *http.Request, body string, got answer) error {
	d := description()
	operation, found := d.operation(request.Method, request.URL.EscapedPath())
	if !found {
		if got.status != http.StatusNotFound && got.status != http.StatusMethodNotAllowed && !strings.HasPrefix(got.header.Get("Content-Type"), "text/html") && request.URL.Path != "/openapi.json" {
			return errors.New("the call is not described")
		}
		return nil
	}
	status := fmt.Sprint(got.status)
	if _, _, found := d.at(append(slices.Clone(operation), "responses", status)...); !found && got.status >= 500 {
		status = "default"
	}
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	schema, _, found := d.at(append(slices.Clone(operation), "responses", status, "content", kind, "schema")...)
	if !found {
		return fmt.Errorf("%s with status %s is not described", kind, status)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[string]bool{}
	}
	s.all[operation[2]+" "+operation[1]+" "+status] = true
	if got.status < 300 && strings.HasPrefix(request.Header.Get("Content-Type"), "application/json") {
		keys, _, found := d.at(append(slices.Clone(operation), "requestBody", "content", "application/json", "schema")...)
		if !found {
			return errors.New("no body is described")
		}
		if err := d.fits(body, keys); err != nil {
			return fmt.Errorf("the request: %w", err)
		}
	}
	if kind != "application/json" {
		return nil
	}
	return d.fits(got.body, schema)
}

// firstDelivery is the id of the newest delivery of a caller's organization.
func (e *edge) firstDelivery(authorization string) string {
	e.Helper()
	var page struct{ Data []struct{ ID string } }
	e.must(json.Unmarshal([]byte(e.ask("GET", "/api/delivery?event=e1", "", "Authorization", authorization).body), &page))
	if len(page.Data) == 0 {
		e.Fatal("there is no delivery")
	}
	return page.Data[0].ID
}

// TestAnswersAreAsDescribed gets every answer that is described, from one call
// each; ask holds them, and those of all other tests, to openapi.json.
func TestAnswersAreAsDescribed(t *testing.T) {
	e := newEdge(t, func(s *server.SignIn) { s.RateLimit, s.TrustedProxies = 30, proxies("127.0.0.1/32") })
	owner, member := e.token("acme", access.Owner), e.token("acme", access.Member)
	const (
		url   = `"url":"https://127.0.0.1:8443/hook"`
		hook  = `{` + url + `,"order":{"paid":"https://127.0.0.1:8443/paid"},"events":["order.*"]}`
		paid  = `{"id":"e1","resource":"order","action":"paid","body":{"n":1}}`
		stale = `"stale"`
	)
	receipt := func(digit, block string) string {
		return `{"transactionHash":"0x` + strings.Repeat(digit, 64) + `","blockNumber":` + block + `,"status":"success"}`
	}
	first := "" // id of the first delivery, once there is one
	for _, call := range []struct {
		method, path, body string
		headers            []string
	}{
		{"GET", "/healthz", "", nil},
		{"GET", "/readyz", "", nil},
		{"POST", "/api/webhook", `{"name":"first",` + url + `}`, nil},
		{"POST", "/api/webhook", `{"name":"first",` + url + `}`, nil},
		{"POST", "/api/webhook", `{`, nil},
		{"POST", "/api/webhook/orders", hook, nil},
		{"POST", "/api/webhook/orders", hook, nil},
		{"POST", "/api/webhook/unsafe", `{"url":"https://10.0.0.1/"}`, nil},
		{"GET", "/api/webhook/A_B", "", nil},
		{"GET", "/api/webhook/orders", "", nil},
		{"GET", "/api/webhook/nobody", "", nil},
		{"PUT", "/api/webhook/put", hook, nil},
		{"PUT", "/api/webhook/put", hook, nil},
		{"PUT", "/api/webhook/put", hook, []string{"If-Match", stale}},
		{"PUT", "/api/webhook/put", `[]`, nil},
		{"PATCH", "/api/webhook/put", `{"order":{"paid":null},"enabled":false}`, nil},
		{"PATCH", "/api/webhook/put", `{}`, []string{"If-Match", stale}},
		{"PATCH", "/api/webhook/put", `{"url":null}`, nil},
		{"PATCH", "/api/webhook/nobody", `{}`, nil},
		{"GET", "/api/webhook", "", nil},
		{"POST", "/api/webhook/put/rotate", `{"overlap":"1h"}`, nil},
		{"POST", "/api/webhook/put/rotate", ``, nil},
		{"POST", "/api/webhook/put/rotate", `{"overlap":true}`, nil},
		{"POST", "/api/webhook/nobody/rotate", ``, nil},
		{"DELETE", "/api/webhook/put", "", []string{"If-Match", stale}},
		{"DELETE", "/api/webhook/put", "", nil},
		{"DELETE", "/api/webhook/put", "", nil},
		{"DELETE", "/api/webhook/A_B", "", nil},
		{"POST", "/api/event", paid, nil},
		{"POST", "/api/event", paid, nil},
		{"POST", "/api/event", strings.Replace(paid, "1}", "2}", 1), nil},
		{"POST", "/api/event", `{"resource":"order"}`, nil},
		{"POST", "/api/event", paid + "\n", []string{"Content-Type", "application/x-ndjson"}},
		{"POST", "/api/event", `{"id":"e2","resource":"transaction","action":"created","body":{"id":"tx"},"receipt":{"transactionHash":"0x` + strings.Repeat("a", 64) + `"}}`, nil},
		{"POST", "/api/event?receipt=await&to=first", `{"id":"e3","resource":"order","action":"paid","body":{}}`, nil},
		{"POST", "/api/event?to=nobody", `{"resource":"order","action":"paid","body":{}}`, nil},
		{"GET", "/api/event?limit=1", "", nil},
		{"GET", "/api/event?limit=0", "", nil},
		{"GET", "/api/event/e1", "", nil},
		{"GET", "/api/event/e2", "", nil},
		{"GET", "/api/event/none", "", nil},
		{"POST", "/api/event/e3/receipt", receipt("b", "7"), nil},
		{"POST", "/api/event/e3/receipt", receipt("b", "7"), nil},
		{"POST", "/api/event/e3/receipt", receipt("c", "7"), nil},
		{"POST", "/api/event/none/receipt", receipt("b", "7"), nil},
		{"POST", "/api/event/e2/receipt", `{"transactionHash":"0x1","blockNumber":7,"status":"success"}`, nil},
		{"POST", "/api/decline", `{"transactionId":"tx","reason":"too large"}`, nil},
		{"POST", "/api/event/e1/resend", "", nil},
		{"POST", "/api/event/e2/resend", "", nil},
		{"POST", "/api/event/none/resend", "", nil},
		{"POST", "/api/event/resend", `{"missing":true,"to":["all"]}`, nil},
		{"POST", "/api/event/resend", `{"missing":true,"to":["none"]}`, nil},
		{"POST", "/api/event/resend", `{"missing":true,"since":"2026-01-01T00:00:00Z"}`, nil},
		{"GET", "/api/delivery", "", nil},
		{"GET", "/api/delivery?state=none", "", nil},
		{"GET", "/api/delivery/{first}", "", nil},
		{"GET", "/api/delivery/none", "", nil},
		{"POST", "/api/delivery/{first}/cancel", "", nil},
		{"POST", "/api/delivery/{first}/cancel", "", nil},
		{"POST", "/api/delivery/none/cancel", "", nil},
		{"POST", "/api/delivery/{first}/retry", "", nil},
		{"POST", "/api/delivery/none/retry", "", nil},
	} {
		if strings.Contains(call.path, "{first}") && first == "" {
			first = e.firstDelivery(owner)
		}
		e.ask(call.method, strings.Replace(call.path, "{first}", first, 1), call.body, append([]string{"Authorization", owner}, call.headers...)...)
	}

	// What has been delivered can't be cancelled, and what is too much isn't taken.
	r := e.delivering()
	e.ask("POST", "/api/event?to=all", `{"id":"sent","resource":"order","action":"paid","body":{}}`, "Authorization", owner)
	r.arrives(`"id":"sent"`)
	r.stop()
	sent := read[struct{ Data []struct{ ID string } }](e, e.ask("GET", "/api/delivery?event=sent", "", "Authorization", owner)).Data[0].ID
	e.want("delivered", e.ask("POST", "/api/delivery/"+sent+"/cancel", "", "Authorization", owner), 409, "conflict")
	e.ask("POST", "/api/event", strings.Repeat(`{"resource":"order","action":"paid","body":{}}`+"\n", maxPending), "Authorization", owner, "Content-Type", "application/x-ndjson")
	e.want("too much", e.ask("POST", "/api/event", `{"resource":"order","action":"paid","body":{}}`, "Authorization", owner), 429, "limit reached")
	e.ask("POST", "/api/event/resend", `{"missing":true}`, "Authorization", owner)
	e.bound("acme", bounds.Parked, 1)
	e.ask("PATCH", "/api/webhook/all", `{"enabled":false}`, "Authorization", owner)
	e.ask("POST", "/api/event?to=all", `{"resource":"order","action":"missed","body":{}}`, "Authorization", owner)
	e.ask("PATCH", "/api/webhook/all", `{"enabled":true}`, "Authorization", owner)
	const config = `{"url":"https://127.0.0.1:8443/hook"}`
	e.bound("acme", bounds.Webhooks, 1)
	e.bound("acme", bounds.URLs, 1)
	dead := read[struct{ Data []struct{ ID string } }](e, e.ask("GET", "/api/delivery?limit=1", "", "Authorization", owner)).Data[0].ID
	e.ask("POST", "/api/delivery/"+dead+"/cancel", "", "Authorization", owner)
	e.bound("acme", bounds.Pending, 1)
	for _, call := range []struct{ method, path, body string }{
		{"POST", "/api/webhook", `{"name":"past","url":"https://127.0.0.1:8443/hook"}`},
		{"POST", "/api/webhook/past", config},
		{"PUT", "/api/webhook/past", config},
		{"PATCH", "/api/webhook/all", `{"order":{"a":"https://127.0.0.1:8443/a","b":"https://127.0.0.1:8443/b","c":"https://127.0.0.1:8443/c"}}`},
		{"POST", "/api/event/sent/resend", ""},
		{"POST", "/api/event/resend", `{"missing":true}`},
		{"POST", "/api/delivery/" + dead + "/retry", ""},
	} {
		e.want(call.method+" "+call.path, e.ask(call.method, call.path, call.body, "Authorization", owner), 429, "limit reached")
	}

	// Sign-in and what people do.
	cookie, _ := e.found("1", "first")
	homeless := e.signIn("4", "")
	signed, err := json.Marshal(e.signed("2", nil))
	e.must(err)
	e.want("sign-in", e.ask("POST", "/api/auth/siwe/verify", string(signed)), 200, "")
	invitation := e.invite(cookie, "fay@example.com", "admin").ID
	mine := []string{"Cookie", cookie, "X-Forwarded-For", "203.0.113.7"}
	for _, call := range []struct{ method, path, fine, bad, denied string }{
		{"POST", "siwe/nonce", `{"walletAddress":"0xabc","chainId":1}`, `[]`, ``},
		{"POST", "siwe/get-nonce", `{}`, `[]`, ``},
		{"POST", "siwe/verify", ``, `{}`, string(signed)},
		{"GET", "get-session", ``, ``, ``},
		{"POST", "organization/create", `{"name":"Two","slug":"two"}`, `{}`, ``},
		{"GET", "organization/list", ``, ``, ``},
		{"POST", "organization/invite-member", `{"email":"x@example.com","role":["member"]}`, `{}`, ``},
		{"POST", "organization/accept-invitation", ``, `{}`, `{"invitationId":"` + invitation + `"}`},
		{"POST", "organization/has-permission", `{"permissions":{"webhook":["create"]}}`, `{}`, ``},
	} {
		for _, body := range []string{call.bad, call.fine, call.denied} {
			if body != "" || call.method == "GET" {
				e.ask(call.method, "/api/auth/"+call.path, body, mine...)
			}
		}
	}
	e.ask("POST", organizationPath+"accept-invitation", `{"invitationId":"`+invitation+`"}`, "Cookie", e.signIn("3", "fay@example.com"))
	e.ask("POST", "/api/auth/sign-out", `[]`, "Cookie", e.signIn("1", ""))
	e.ask("POST", "/api/auth/sign-out", `{}`, "Cookie", e.signIn("1", ""))
	for range 11 {
		for _, path := range []string{"nonce", "get-nonce", "verify"} {
			e.ask("POST", "/api/auth/siwe/"+path, `{}`, "X-Forwarded-For", "203.0.113.8")
		}
	}
	e.ask("POST", "/hooks/panda", `{}`, "signature", digest(providerKey, `{}`))
	dispute := `{"id":"d","resource":"dispute","action":"created","body":{}}`
	e.ask("POST", "/hooks/panda", dispute, "signature", digest(providerKey, dispute))

	// What every call refuses alike: nobody, a member who may not, a page of
	// another origin, a body too large or of another type, and in the end a
	// server that has less and a database that has gone.
	each := func(body string, headers ...string) {
		for _, operation := range description().operations() {
			fields := strings.Fields(operation)
			if fields[2] > "300" {
				continue // a call is listed with each of its answers
			}
			method, sent := strings.ToUpper(fields[0]), body
			if _, _, takes := description().at("paths", fields[1], fields[0], "requestBody"); !takes {
				sent = ""
			}
			e.ask(method, strings.NewReplacer("{name}", "first", "/delivery/{id}", "/delivery/"+first, "{id}", "e1").Replace(fields[1]), sent, headers...)
		}
	}
	each(`{}`)
	each(`{`+url+`,"permissions":{},"name":"x","resource":"order","action":"paid","body":{}}`, "Authorization", member)
	each(`{}`, "Cookie", homeless)
	each(`{}`, "Cookie", cookie+"; "+homeless)
	each(`{}`, "Cookie", cookie, "Origin", "https://evil.example")
	each(`"`+strings.Repeat("x", 2<<20)+`"`, "Authorization", owner, "Cookie", cookie, "signature", likely)
	each(`{}`, "Authorization", owner, "Cookie", cookie, "Content-Type", "text/plain")
	each(`{}`, "Authorization", owner)
	askUnwritable(t, e.seen)
	e.opts.SignIn.Service = &access.Service{Store: e.store, Now: e.time, Policy: e.users.Policy} // which has no key for nonces yet
	restarted := server.New(e.opts)
	restarted.Ready(true)
	e.serve(restarted)
	e.must(e.store.Close())
	each(dispute, "Authorization", owner, "Cookie", cookie, "signature", digest(providerKey, dispute), "X-Forwarded-For", "203.0.113.9")
	e.ask("POST", "/api/auth/siwe/verify", string(signed), "X-Forwarded-For", "203.0.113.9")
	e.off()
	each(`{}`)
	for _, operation := range description().operations() {
		if !e.seen.all[operation] {
			t.Errorf("%s was never answered", operation)
		}
	}
}

// TestRealClientsAreAsDescribed has the scripts of better-auth's users call an
// edge behind which each request and answer is held to openapi.json.
func TestRealClientsAreAsDescribed(t *testing.T) {
	e := newEdge(t, func(s *server.SignIn) { s.BaseURL = "" })
	e.now = time.Now()
	edge := e.web.Config.Handler
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		answered := httptest.NewRecorder()
		edge.ServeHTTP(answered, r)
		got := answer{status: answered.Code, header: answered.Header(), body: answered.Body.String()}
		if err := e.seen.hold(r, string(body), got); err != nil {
			t.Errorf("%s %s: %d %s\n%v", r.Method, r.URL, got.status, got.body, err)
		}
		maps.Copy(w.Header(), answered.Header())
		w.WriteHeader(answered.Code)
		_, _ = w.Write(answered.Body.Bytes())
	}))
	defer web.Close()
	for _, version := range []string{"1.6", "1.7"} {
		node := exec.CommandContext(t.Context(), "node", "user.js", version, web.URL, domain, "https://127.0.0.1:8443/hook")
		node.Dir = filepath.Join("..", "..", "test", "better-auth")
		if out, err := node.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v (`make node` installs what this test needs)\n%s", version, err, out)
		}
	}
	if !e.seen.all["post /api/auth/organization/accept-invitation 200"] {
		t.Error("the clients have done less than they should")
	}
}

// TestDescriptionIsSound resolves every reference and compiles every schema.
func TestDescriptionIsSound(t *testing.T) {
	d := description()
	var visit func(value any) error
	visit = func(value any) (err error) {
		switch v := value.(type) {
		case map[string]any:
			if ref, isRef := v["$ref"].(string); isRef {
				if _, _, found := d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...); !found {
					err = fmt.Errorf("%s leads nowhere", ref)
				}
			}
			for _, inner := range v {
				err = errors.Join(err, visit(inner))
			}
		case []any:
			for _, inner := range v {
				err = errors.Join(err, visit(inner))
			}
		}
		return err
	}
	if err := visit(d.doc); err != nil {
		t.Error(err)
	}
	_, schemas, _ := d.at("components", "schemas")
	for name := range schemas.(map[string]any) {
		if err := d.fits("null", []string{"components", "schemas", name}); err == nil {
			t.Errorf("null is a %s", name)
		}
	}
	ids := map[string]bool{}
	_, paths, _ := d.at("paths")
	for _, methods := range paths.(map[string]any) {
		for _, operation := range methods.(map[string]any) {
			if o, ok := operation.(map[string]any); ok {
				id, _ := o["operationId"].(string)
				if id == "" || ids[id] {
					t.Errorf("operation id %q is missing or twice there", id)
				}
				ids[id] = true
			}
		}
	}
}

// TestDescriptionIsOpenAPI asks a validator of OpenAPI 3.1; it must be able to
// say no. `make node` installs it.
func TestDescriptionIsOpenAPI(t *testing.T) {
	validate := func(file string) error {
		node := exec.CommandContext(t.Context(), "node", "validate.js", file)
		node.Dir = filepath.Join("..", "..", "test", "openapi")
		if out, err := node.CombinedOutput(); err != nil {
			return fmt.Errorf("%w (`make node` installs what this test needs)\n%s", err, out)
		}
		return nil
	}
	file, err := filepath.Abs("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(file); err != nil {
		t.Error(err)
	}
	broken := maps.Clone(description().doc)
	broken["paths"] = map[string]any{"/x": map[string]any{"get": map[string]any{"responses": map[string]any{"700": "x"}}}}
	text, err := json.Marshal(broken)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "broken.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := validate(file); err == nil {
		t.Error("anything is valid")
	}
}

func TestDocs(t *testing.T) {
	e := newEdge(t, nil)
	if got := e.ask("GET", "/openapi.json", ""); !json.Valid([]byte(got.body)) || got.status != 200 {
		t.Errorf("%d", got.status)
	}
	got := e.ask("GET", "/docs", "")
	if got.status != 200 || strings.Contains(got.body, "src=") {
		t.Errorf("%d %s", got.status, got.body)
	}
	_, paths, _ := description().at("paths")
	for _, path := range slices.Sorted(maps.Keys(paths.(map[string]any))) {
		if !strings.Contains(got.body, path+"</h2>") {
			t.Errorf("/docs does not show %s", path)
		}
	}
	for _, want := range []string{"invitationId", "signature", "better-auth.session_token", "A nonce for one sign-in; open to anybody", "Sign-in with Ethereum is not switched on."} {
		if !strings.Contains(got.body, want) {
			t.Errorf("/docs says nothing of %q", want)
		}
	}
}

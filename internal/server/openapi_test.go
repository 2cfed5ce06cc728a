package server_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"sealpost/internal/access"
)

// described is the description of the API, as a JSON Schema validator sees it.
type described struct {
	compiler *jsonschema.Compiler
	doc      map[string]any
	seen     map[string]bool
}

func describe(t *testing.T) *described {
	t.Helper()
	file, err := os.Open("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	doc, err := jsonschema.UnmarshalJSON(file)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	return &described{c, doc.(map[string]any), map[string]bool{}}
}

// at follows a path of keys.
func (d *described) at(keys ...string) (any, bool) {
	var value any = d.doc
	for _, key := range keys {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[key]; !ok {
			return nil, false
		}
	}
	return value, true
}

// check holds an answer to what the description says of the call's pattern.
func (d *described) check(pattern, method string, got answer) error {
	method = strings.ToLower(method)
	status := fmt.Sprint(got.status)
	response, found := d.at("paths", pattern, method, "responses", status)
	if !found {
		return fmt.Errorf("the status %s is not described", status)
	}
	keys := []string{"paths", pattern, method, "responses", status}
	if ref, isRef := response.(map[string]any)["$ref"].(string); isRef {
		keys = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
	}
	kind, _, _ := strings.Cut(got.header.Get("Content-Type"), ";")
	keys = append(keys, "content", kind, "schema")
	if _, found := d.at(keys...); !found {
		return fmt.Errorf("the type %q with status %s is not described", kind, status)
	}
	d.seen[method+" "+pattern+" "+status] = true
	if kind != "application/json" {
		return nil
	}
	pointer := ""
	for _, key := range keys {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(key)
	}
	schema, err := d.compiler.Compile("openapi.json#" + pointer)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(got.body))
	if err != nil {
		return err
	}
	return schema.Validate(value)
}

// TestAnswersAreAsDescribed makes calls of every kind and holds each answer to
// openapi.json; in the end every success that is described has been seen.
func TestAnswersAreAsDescribed(t *testing.T) {
	e := newEdge(t, nil)
	d := describe(t)
	owner := e.token("acme", access.Owner)
	member := e.token("acme", access.Member)
	const hook = `{"url":"https://127.0.0.1:8443/hook","order":{"paid":"https://127.0.0.1:8443/paid"},"events":["order.*"]}`
	for _, call := range []struct{ pattern, method, path, body, token string }{
		{"/healthz", "GET", "/healthz", "", ""},
		{"/readyz", "GET", "/readyz", "", ""},
		{"/api/webhook", "GET", "/api/webhook", "", owner},
		{"/api/webhook", "GET", "/api/webhook", "", ""},
		{"/api/webhook", "GET", "/api/webhook", "", member},
		{"/api/webhook", "POST", "/api/webhook", `{"name":"first","url":"https://127.0.0.1:8443/"}`, owner},
		{"/api/webhook", "POST", "/api/webhook", `{"name":"first","url":"https://127.0.0.1:8443/"}`, owner},
		{"/api/webhook", "POST", "/api/webhook", `{`, owner},
		{"/api/webhook/{name}", "POST", "/api/webhook/orders", hook, owner},
		{"/api/webhook/{name}", "POST", "/api/webhook/unsafe", `{"url":"https://10.0.0.1/"}`, owner},
		{"/api/webhook/{name}", "GET", "/api/webhook/orders", "", owner},
		{"/api/webhook/{name}", "GET", "/api/webhook/nobody", "", owner},
		{"/api/webhook/{name}", "PUT", "/api/webhook/put", hook, owner},
		{"/api/webhook/{name}", "PUT", "/api/webhook/put", hook, owner},
		{"/api/webhook/{name}", "PATCH", "/api/webhook/put", `{"order":{"paid":null},"enabled":false}`, owner},
		{"/api/webhook", "GET", "/api/webhook", "", owner},
		{"/api/webhook/{name}/rotate", "POST", "/api/webhook/put/rotate", `{"overlap":"1h"}`, owner},
		{"/api/webhook/{name}/rotate", "POST", "/api/webhook/put/rotate", ``, owner},
		{"/api/webhook/{name}", "DELETE", "/api/webhook/put", "", owner},
		{"/api/webhook/{name}", "DELETE", "/api/webhook/put", "", owner},
		{"/api/event", "POST", "/api/event", `{"id":"e1","resource":"order","action":"paid","body":{"n":1}}`, owner},
		{"/api/event", "POST", "/api/event", `{"id":"e1","resource":"order","action":"paid","body":{"n":1}}`, owner},
		{"/api/event", "POST", "/api/event", `{"id":"e1","resource":"order","action":"paid","body":{"n":2}}`, owner},
		{"/api/event", "POST", "/api/event", `{"resource":"order"}`, owner},
		{"/api/event", "POST", "/api/event", `{"id":"e2","resource":"transaction","action":"created","body":{"id":"tx"},"receipt":{"transactionHash":"0x` + strings.Repeat("a", 64) + `"}}`, owner},
		{"/api/event", "POST", "/api/event?receipt=await&to=first", `{"id":"e3","resource":"order","action":"paid","body":{}}`, owner},
		{"/api/event", "GET", "/api/event?limit=1", "", owner},
		{"/api/event", "GET", "/api/event?limit=0", "", owner},
		{"/api/event/{id}", "GET", "/api/event/e1", "", owner},
		{"/api/event/{id}", "GET", "/api/event/e2", "", owner},
		{"/api/event/{id}", "GET", "/api/event/none", "", owner},
		{"/api/event/{id}/receipt", "POST", "/api/event/e3/receipt", `{"transactionHash":"0x` + strings.Repeat("b", 64) + `","blockNumber":7,"status":"success"}`, owner},
		{"/api/event/{id}/receipt", "POST", "/api/event/e3/receipt", `{"transactionHash":"0x` + strings.Repeat("b", 64) + `","blockNumber":7,"status":"success"}`, owner},
		{"/api/event/{id}/receipt", "POST", "/api/event/e3/receipt", `{"transactionHash":"0x` + strings.Repeat("c", 64) + `","blockNumber":7,"status":"success"}`, owner},
		{"/api/event/{id}/receipt", "POST", "/api/event/e1/receipt", `{"transactionHash":"0x` + strings.Repeat("b", 64) + `","blockNumber":7,"status":"success"}`, owner},
		{"/api/event/{id}/receipt", "POST", "/api/event/none/receipt", `{"transactionHash":"0x` + strings.Repeat("b", 64) + `","blockNumber":7,"status":"success"}`, owner},
		{"/api/event/{id}/receipt", "POST", "/api/event/e2/receipt", `{"transactionHash":"0x1","blockNumber":7,"status":"success"}`, owner},
		{"/api/event/{id}/resend", "POST", "/api/event/e1/resend", "", owner},
		{"/api/event/{id}/resend", "POST", "/api/event/e2/resend", "", owner},
		{"/api/delivery", "GET", "/api/delivery", "", owner},
		{"/api/delivery", "GET", "/api/delivery?state=none", "", owner},
		{"/api/delivery/{id}", "GET", "/api/delivery/dlv_1_1", "", owner},
		{"/api/delivery/{id}", "GET", "/api/delivery/none", "", owner},
		{"/api/delivery/{id}/cancel", "POST", "/api/delivery/dlv_1_1/cancel", "", owner},
		{"/api/delivery/{id}/retry", "POST", "/api/delivery/dlv_1_1/retry", "", owner},
		{"/api/delivery/{id}/retry", "POST", "/api/delivery/dlv_1_1/retry", "", member},
	} {
		var headers []string
		if call.token != "" {
			headers = []string{"Authorization", call.token}
		}
		got := e.ask(call.method, call.path, call.body, headers...)
		if err := d.check(call.pattern, call.method, got); err != nil {
			t.Errorf("%s %s: %d %s\n%v", call.method, call.path, got.status, got.body, err)
		}
	}
	paths, _ := d.at("paths")
	for pattern, methods := range paths.(map[string]any) {
		for method, operation := range methods.(map[string]any) {
			if method == "parameters" {
				continue
			}
			for status := range operation.(map[string]any)["responses"].(map[string]any) {
				if status < "300" && pattern != "/readyz" && !d.seen[method+" "+pattern+" "+status] {
					t.Errorf("%s %s never answered %s", method, pattern, status)
				}
			}
		}
	}
}

// TestDescriptionIsSound resolves every reference and compiles every schema.
func TestDescriptionIsSound(t *testing.T) {
	d := describe(t)
	var visit func(value any) error
	visit = func(value any) (err error) {
		switch v := value.(type) {
		case map[string]any:
			if ref, isRef := v["$ref"].(string); isRef {
				if _, found := d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...); !found {
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
	schemas, _ := d.at("components", "schemas")
	for name := range schemas.(map[string]any) {
		if _, err := d.compiler.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	ids := map[string]bool{}
	paths, _ := d.at("paths")
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
	e := newEdge(t, nil)
	if got := e.ask("GET", "/openapi.json", ""); !json.Valid([]byte(got.body)) || got.status != 200 {
		t.Errorf("%d", got.status)
	}
	if got := e.ask("GET", "/docs", ""); got.status != 200 || !strings.Contains(got.body, "/api/event") || strings.Contains(got.body, "src=") {
		t.Errorf("%d %s", got.status, got.body)
	}
}

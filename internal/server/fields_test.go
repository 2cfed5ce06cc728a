package server_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sealpost/internal/access"
	"sealpost/internal/secret"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

// TestWebhookFields: limits travel over each call, and the entity tag with them.
func TestWebhookFields(t *testing.T) {
	e := newEdge(t, nil)
	token := e.token("acme", access.Owner)
	const url = `"url":"https://127.0.0.1:8443/hook"`
	tags := map[string]string{}
	for i, c := range []struct {
		method, name, body string
		status             int
		shown              string // members of the webhook after the call
	}{
		{"POST", "/a", `{` + url + `,"limits":{"maxInFlight":8,"rate":10}}`, 201, `,"limits":{"maxInFlight":8,"rate":10}`},
		{"PATCH", "/a", `{}`, 200, `,"limits":{"maxInFlight":8,"rate":10}`},
		{"PATCH", "/a", `{"limits":{"rate":20}}`, 200, `,"limits":{"maxInFlight":8,"rate":20}`},
		{"PUT", "/a", `{` + url + `}`, 200, `,"limits":{"maxInFlight":8,"rate":20}`},
		{"PUT", "/a", `{` + url + `,"limits":{"maxInFlight":0}}`, 200, `,"limits":{"rate":20}`},
		{"PATCH", "/a", `{"limits":{"rate":-1}}`, 400, `,"limits":{"rate":20}`},
		{"PATCH", "/a", `{"limits":{}}`, 200, `,"limits":{"rate":20}`},
		{"PATCH", "/a", `{"limits":{"reached":null}}`, 200, `,"limits":{"rate":20}`},
		{"PATCH", "/a", `{"limits":{"reached":"https://127.0.0.1:8443/l"}}`, 200, `,"limits":{"reached":"https://127.0.0.1:8443/l"}`},
		{"PATCH", "/a", `{"limits":{"rate":5}}`, 400, `,"limits":{"reached":"https://127.0.0.1:8443/l"}`},
		{"PUT", "/a", `{` + url + `,"limits":{"rate":5}}`, 400, `,"limits":{"reached":"https://127.0.0.1:8443/l"}`},
		{"PATCH", "/a", `{"limits":{"rate":0}}`, 200, `,"limits":{"reached":"https://127.0.0.1:8443/l"}`},
		{"PATCH", "/a", `{"limits":{"reached":null}}`, 200, ``},
		{"PATCH", "/a", `{"limits":{"rate":5}}`, 200, `,"limits":{"rate":5}`},
		{"PUT", "/b", `{` + url + `,"limits":{"rate":0.5}}`, 201, `,"limits":{"rate":0.5}`},
		{"POST", "", `{"name":"c",` + url + `,"limits":{"maxInFlight":1}}`, 201, `,"limits":{"maxInFlight":1}`},
		{"POST", "", `{"name":"d",` + url + `,"limits":{"maxInFlight":1.5}}`, 400, ``},
	} {
		got := e.ask(c.method, "/api/webhook"+c.name, c.body, "Authorization", token)
		name := strings.TrimPrefix(c.name, "/")
		if name == "" {
			name = c.body[9:10]
		}
		code := ""
		if c.status == 400 {
			code = "bad request"
		}
		e.want(c.method+" "+c.body, got, c.status, code)
		if name == "d" {
			continue
		}
		after := e.ask("GET", "/api/webhook/"+name, "", "Authorization", token)
		if want := `{` + url + c.shown + `}`; after.body != want {
			t.Errorf("%d: after %s %s it is %s, not %s", i, c.method, c.body, after.body, want)
		}
		if c.status < 300 && !strings.Contains(got.body, `{"name":"`+name+`",`+url+c.shown) {
			t.Errorf("%d: %s %s answers %s", i, c.method, c.body, got.body)
		}
		if list := e.ask("GET", "/api/webhook", "", "Authorization", token); !strings.Contains(list.body, `"`+name+`":{`+url+c.shown+`}`) {
			t.Errorf("%d: the list is %s", i, list.body)
		}
		tag := after.header.Get("ETag")
		if c.status < 300 && got.header.Get("ETag") != tag {
			t.Errorf("%d: two entity tags", i)
		}
		if before, seen := tags[name+after.body]; seen && before != tag && i != 11 { // the limits that a group hides
			t.Errorf("%d: the same webhook has another entity tag", i)
		}
		for body, other := range tags {
			if other == tag && body != name+after.body {
				t.Errorf("%d: %s and %s have one entity tag", i, body, after.body)
			}
		}
		tags[name+after.body] = tag
	}
	tag := e.ask("GET", "/api/webhook/a", "", "Authorization", token).header.Get("ETag")
	e.want("another client's change", e.ask("PATCH", "/api/webhook/a", `{"limits":{"rate":6}}`, "Authorization", token), 200, "")
	e.want("a change of what was read before it", e.ask("PATCH", "/api/webhook/a", `{"limits":{"rate":7}}`, "Authorization", token, "If-Match", tag), 412, "precondition failed")
}

// TestOlderServer: a server that does not know a field passes it over; its client says
// so, and keeps the secret that it has made.
func TestOlderServer(t *testing.T) {
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"name":"a","url":"u","secret":"0123456789abcdef0123456789abcdef"}`)
	}))
	defer old.Close()
	client := server.NewClient(old.URL, old.Client(), http.Header{})
	patch, err := webhook.DecodeConfig([]byte(`{"url":"u","limits":{"rate":5}}`))
	if err != nil {
		t.Fatal(err)
	}
	created, err := client.Create(t.Context(), "", "a", patch, secret.Text{}, false)
	if err != nil || created.Secret.IsZero() || len(created.Lacking) != 1 || created.Lacking[0] != "limits" {
		t.Errorf("create: %+v, %v", created, err)
	}
	if _, err := client.Update(t.Context(), "", "a", patch, ""); webhook.CodeOf(err) != webhook.CodeUnavailable || !strings.Contains(err.Error(), "does not know limits") {
		t.Errorf("update: %v", err)
	}
	none, err := webhook.DecodeConfig([]byte(`{"url":"u","limits":{"rate":0}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Update(t.Context(), "", "a", none, ""); err != nil {
		t.Errorf("the default: %v", err)
	}
}

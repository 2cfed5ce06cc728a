package server_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/access"
)

// kinds are the kinds of callers, in the order of a row's statuses.
var kinds = []string{"none", "garbage", "expired", "revoked", "publisher", "member", "admin", "owner", "other", "suspended"}

// matrix has a row for each call that openapi.json describes: what to send, and the
// status for each kind of caller. CALLER in path and body is the kind, ORG the id of the
// organization, DELIVERY the id of one of its deliveries.
var matrix = []struct {
	call, path, body string
	statuses         string
}{
	{"GET /healthz", "", "", "200 200 200 200 200 200 200 200 200 200"},
	{"GET /readyz", "", "", "200 200 200 200 200 200 200 200 200 200"},
	{"GET /api/whoami", "", "", "401 401 401 401 200 200 200 200 200 403"},
	{"GET /api/webhook", "", "", "401 401 401 401 403 403 200 200 200 403"},
	{"POST /api/webhook", "", `{"name":"a-CALLER","url":"https://127.0.0.1:8443/hook"}`, "401 401 401 401 403 403 201 201 201 403"},
	{"GET /api/webhook/{name}", "/api/webhook/orders", "", "401 401 401 401 403 403 200 200 404 403"},
	{"POST /api/webhook/{name}", "/api/webhook/b-CALLER", `{"url":"https://127.0.0.1:8443/hook"}`, "401 401 401 401 403 403 201 201 201 403"},
	{"PUT /api/webhook/{name}", "/api/webhook/c-CALLER", `{"url":"https://127.0.0.1:8443/hook"}`, "401 401 401 401 403 403 201 201 201 403"},
	{"PATCH /api/webhook/{name}", "/api/webhook/orders", "{}", "401 401 401 401 403 403 200 200 404 403"},
	{"POST /api/webhook/{name}/rotate", "/api/webhook/orders/rotate", `{"now":true}`, "401 401 401 401 403 403 200 200 404 403"},
	{"GET /api/event", "", "", "401 401 401 401 200 200 200 200 200 403"},
	{"POST /api/event", "", `{"resource":"order","action":"paid","body":{}}`, "401 401 401 401 202 403 202 202 202 403"},
	{"GET /api/event/{id}", "/api/event/e1", "", "401 401 401 401 404 200 200 200 404 403"},
	{"POST /api/event/resend", "", `{"missing":true}`, "401 401 401 401 403 403 200 200 200 403"},
	{"POST /api/event/{id}/resend", "/api/event/e1/resend", "", "401 401 401 401 403 403 202 202 404 403"},
	{"POST /api/event/{id}/receipt", "/api/event/h1/receipt", `{"status":"success","blockNumber":1,"transactionHash":"0x` + hash64 + `"}`, "401 401 401 401 404 403 200 200 404 403"},
	{"GET /api/delivery", "", "", "401 401 401 401 200 200 200 200 200 403"},
	{"GET /api/delivery/{id}", "/api/delivery/DELIVERY", "", "401 401 401 401 404 200 200 200 404 403"},
	{"POST /api/delivery/{id}/retry", "/api/delivery/DELIVERY/retry", "", "401 401 401 401 403 403 200 200 404 403"},
	{"POST /api/delivery/{id}/cancel", "/api/delivery/DELIVERY/cancel", "", "401 401 401 401 403 403 200 200 404 403"},
	{"POST /api/decline", "", `{"transactionId":"tx-CALLER","reason":"no"}`, "401 401 401 401 200 403 200 200 200 403"},
	{"DELETE /api/webhook/{name}", "/api/webhook/d-CALLER", "", "401 401 401 401 403 403 200 200 404 403"},
	{"POST /hooks/panda", "", "{}", "401 401 401 401 401 401 401 401 401 401"},
	{"POST /api/auth/siwe/nonce", "", "{}", "200 200 200 200 200 200 200 200 200 200"},
	{"POST /api/auth/siwe/get-nonce", "", "{}", "200 200 200 200 200 200 200 200 200 200"},
	{"POST /api/auth/siwe/verify", "", `{"message":"x","signature":"0x00"}`, "401 401 401 401 401 401 401 401 401 401"},
	{"GET /api/auth/get-session", "", "", "200 200 200 200 200 200 200 200 200 200"},
	{"GET /api/auth/organization/list", "", "", "401 401 401 401 401 200 200 200 200 200"},
	{"POST /api/auth/organization/invite-member", "", `{"email":"CALLER@example.org","role":"member","organizationId":"ORG"}`, "401 401 401 401 401 403 200 200 400 400"},
	{"POST /api/auth/organization/accept-invitation", "", `{"invitationId":"inv_none"}`, "401 401 401 401 401 400 400 400 400 400"},
	{"POST /api/auth/organization/has-permission", "", `{"permissions":{"webhook":["create"]},"organizationId":"ORG"}`, "401 401 401 401 401 200 200 200 401 400"},
	{"POST /api/auth/organization/create", "", `{"name":"New","slug":"new-CALLER"}`, "401 401 401 401 401 200 200 200 200 200"},
	{"POST /api/auth/sign-out", "", "{}", "200 200 200 200 200 200 200 200 200 200"},
}

const hash64 = "1111111111111111111111111111111111111111111111111111111111111111"

// TestMatrix makes every call that openapi.json describes as every kind of caller. A call
// without a row fails.
func TestMatrix(t *testing.T) {
	described := map[string]bool{}
	for _, line := range description().operations() {
		words := strings.Fields(line)
		described[strings.ToUpper(words[0])+" "+words[1]] = true
	}
	for _, row := range matrix {
		if !described[row.call] {
			t.Errorf("%s is not described", row.call)
		}
		delete(described, row.call)
	}
	for call := range described {
		t.Errorf("%s has no row in the matrix", call)
	}

	e := newEdge(t, nil)
	callers := newCallers(e)
	for _, row := range matrix {
		method, pattern, _ := strings.Cut(row.call, " ")
		path, statuses := row.path, strings.Fields(row.statuses)
		if path == "" {
			path = pattern
		}
		for i, kind := range kinds {
			c := callers.of[kind]
			fill := strings.NewReplacer("CALLER", kind, "ORG", callers.organization(kind), "DELIVERY", callers.delivery)
			headers := c.bearer
			if strings.HasPrefix(pattern, "/api/auth/") {
				headers = c.cookie
			}
			got := e.ask(method, fill.Replace(path), fill.Replace(row.body), headers...)
			if fmt.Sprint(got.status) != statuses[i] {
				t.Errorf("%s as %s: %d, not %s: %s", row.call, kind, got.status, statuses[i], got.body)
			}
			if got.status == 403 && kind == "suspended" && got.code != "no organization" {
				t.Errorf("%s as %s: %q", row.call, kind, got.code)
			}
		}
	}
}

// credentials are the headers with which a caller presents a token, or a session.
type credentials struct{ bearer, cookie []string }

// callers has one caller of each kind; the first organization has a webhook, an event
// with a delivery, a held event, and a webhook for each kind to delete.
type callers struct {
	of           map[string]credentials
	acme, frozen string // ids of organizations
	delivery     string
}

// organization is the id that a caller names: that of the first organization, of which
// a caller of another one is no member. The suspended caller names its own.
func (c *callers) organization(kind string) string {
	if kind == "suspended" {
		return c.frozen
	}
	return c.acme
}

func newCallers(e *edge) *callers {
	e.Helper()
	c := &callers{of: map[string]credentials{}}
	bearer := func(header string) []string { return []string{"Authorization", header} }
	cookie := func(header string) []string { return []string{"Cookie", header} }

	// What has expired comes first: then time passes.
	expiring, text, err := access.NewToken("", "expired", access.Owner, access.Owner, time.Hour, e.time())
	e.must(err)
	e.must(e.store.AddToken(e.Context(), "early", expiring))
	c.of["expired"] = credentials{bearer("Bearer " + text.Reveal()), cookie(e.signIn("7", ""))}
	e.wait(9 * 24 * time.Hour)

	ownerCookie, acme := e.found("1", "acme")
	adminCookie, memberCookie := e.signIn("2", ""), e.signIn("3", "")
	e.want("an admin", e.accept(adminCookie, e.invite(ownerCookie, e.email("2"), "admin").ID), 200, "")
	e.want("a member", e.accept(memberCookie, e.invite(ownerCookie, e.email("3"), "member").ID), 200, "")
	otherCookie, _ := e.found("4", "other")
	frozenCookie, frozen := e.found("5", "frozen")
	c.acme, c.frozen = acme, frozen
	owner := e.token("acme", access.Owner)
	c.of["owner"] = credentials{bearer(owner), cookie(ownerCookie)}
	c.of["admin"] = credentials{bearer(e.token("acme", access.Admin)), cookie(adminCookie)}
	c.of["member"] = credentials{bearer(e.token("acme", access.Member)), cookie(memberCookie)}
	publisher := bearer(e.token("acme", access.Publisher))
	c.of["publisher"] = credentials{publisher, publisher}
	c.of["other"] = credentials{bearer(e.token("other", access.Owner)), cookie(otherCookie)}
	c.of["suspended"] = credentials{bearer(e.token("frozen", access.Owner)), cookie(frozenCookie)}
	_, err = e.store.Suspend(e.Context(), frozen, e.time())
	e.must(err)

	revoked := e.token("revoked", access.Owner)
	e.must(e.store.RevokeToken(e.Context(), "revoked", "owner", e.time()))
	signedOut := e.signIn("6", "")
	e.want("signing out", e.ask("POST", "/api/auth/sign-out", "{}", "Cookie", signedOut), 200, "")
	c.of["revoked"] = credentials{bearer(revoked), cookie(signedOut)}
	c.of["garbage"] = credentials{bearer("Bearer sp_garbage"), cookie(access.CookieName + "=garbage")}
	c.of["none"] = credentials{}

	const url = `{"url":"https://127.0.0.1:8443/hook"}`
	e.want("a webhook", e.ask("POST", "/api/webhook/orders", url, "Authorization", owner), 201, "")
	e.want("an event", e.ask("POST", "/api/event", `{"id":"e1","resource":"order","action":"paid","body":{}}`, "Authorization", owner), 202, "")
	e.want("a held event", e.ask("POST", "/api/event?receipt=await", `{"id":"h1","resource":"order","action":"paid","body":{}}`, "Authorization", owner), 202, "")
	c.delivery = e.firstDelivery(owner)
	for _, kind := range kinds {
		e.want("a webhook to delete", e.ask("POST", "/api/webhook/d-"+kind, url, "Authorization", owner), 201, "")
	}
	if len(c.of) != len(kinds) || slices.ContainsFunc(kinds, func(k string) bool { _, found := c.of[k]; return !found }) {
		e.Fatalf("callers of %d kinds", len(c.of))
	}
	return c
}

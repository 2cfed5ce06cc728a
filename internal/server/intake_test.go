package server_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sealpost/internal/access"
	"sealpost/internal/catalog"
	"sealpost/internal/catalog/catalogtest"
	"sealpost/internal/server"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

// arrival is what a receiver gets, signed.
type arrival struct {
	ID, Timestamp, Resource, Action string
	Body                            json.RawMessage
}

func (a arrival) String() string { return a.Resource + "." + a.Action + " " + string(a.Body) }

// next waits for what arrives.
func (r *rig) next() (a arrival) {
	r.Helper()
	select {
	case body := <-r.got:
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			r.Fatalf("%s: %v", body, err)
		}
	case <-time.After(2 * time.Minute):
		r.Fatal("nothing arrives")
	}
	return a
}

// changed returns an incoming body with some texts changed.
func changed(event string, oldnew ...string) string {
	return strings.NewReplacer(oldnew...).Replace(catalogtest.Incoming[event])
}

// TestProviderTable goes through the rows of the contract's part 4: each goes
// in over HTTP, and comes out, signed, at a receiver; or nothing does.
func TestProviderTable(t *testing.T) {
	const (
		head  = `{"id":"tx-1","type":"spend","spend":{"amount":%d,"currency":"usd","cardId":"card-1","localAmount":%d,"localCurrency":"eur","merchantName":"%s","merchantCategoryCode":"5812",`
		card  = `card.updated {"id":"card-1","last4":"7392","limit":{"amount":1000000,"frequency":"per7DayPeriod"},"status":"%s","tokenWallets":["Apple","Google Pay"]}`
		other = `"userId":"user-2"`
	)
	rows := []struct{ event, body, want string }{
		{"transaction.created", changed("transaction.created"), fmt.Sprintf("transaction.created "+head, 2500, 2300, "Café \u2028Gare") +
			`"merchantCity":"Lyon","merchantCountry":"FR","merchantCategory":"Restaurants","merchantId":" m-1 ","authorizedAmount":2500,` +
			`"authorizedAt":"2026-01-05T10:20:30.000Z","status":"pending","declinedReason":null,"exchangeRate":0.92}}`},
		{"transaction.updated", changed("transaction.updated"), fmt.Sprintf("transaction.updated "+head, 1500, 1380, "Cafe") +
			`"authorizedAt":"2026-01-05T11:20:30.000Z","status":"reversed","authorizationUpdateAmount":-1000,` +
			`"enrichedMerchantIcon":"https://icons.example.com/1.png","enrichedMerchantName":"Café","enrichedMerchantCategory":null}}`},
		{"transaction.completed", changed("transaction.completed"), fmt.Sprintf("transaction.completed "+head, 2500, 2300, "Cafe") +
			`"authorizedAmount":2500,"authorizedAt":"2026-01-05T10:20:30.000Z","status":"completed","exchangeRate":0.92}}`},
		{"card.updated", changed("card.updated"), fmt.Sprintf(card, "ACTIVE")},
		{"card.updated", changed("card.updated", `"active"`, `"locked"`), fmt.Sprintf(card, "FROZEN")},
		{"card.updated", changed("card.updated", `"active"`, `"canceled"`), fmt.Sprintf(card, "DELETED")},
		{"card.updated", changed("card.updated", `"active"`, `"notActivated"`), fmt.Sprintf(card, "INACTIVE")},
		{"user.updated", changed("user.updated"), `user.updated {"credentialId":"cred-1","applicationReason":"","applicationStatus":"approved","isActive":true}`},
		{"transaction.requested", changed("transaction.requested"), ""},
		{"card.notification", changed("card.notification"), ""},
		{"card.notification", changed("card.notification", `"user-1"`, `null`), ""},
		{"dispute.created", changed("dispute.created"), ""},
		{"dispute.won", `{}`, ""},
		{"transaction.created", changed("transaction.created", `"userId":"user-1"`, other), ""},
		{"transaction.updated", changed("transaction.updated", `"userId":"user-1"`, other), ""},
		{"transaction.completed", changed("transaction.completed", `"userId":"user-1"`, other), ""},
		{"card.updated", changed("card.updated", `"userId":"user-1"`, other), ""},
		{"user.updated", changed("user.updated", `"id":"user-1"`, `"id":"user-2"`), ""},
	}
	r := newRig(t)
	want := map[string]string{}
	for i, row := range rows {
		id := fmt.Sprint("p-", i)
		for range 2 { // the provider is never sure
			r.takes(row.event, id, row.body)
		}
		if row.want != "" {
			want[id] = row.want
		}
	}
	r.must(r.store.UnlinkCredential(t.Context(), "acme", "panda", "user-1"))
	r.takes("card.updated", "unlinked", changed("card.updated"))
	unlinked, err := r.store.Unlinked(t.Context())
	if r.must(err); len(unlinked) != 2 || unlinked[0].User != "user-1" || unlinked[0].Events != 1 || unlinked[0].Kept != 1 || unlinked[1].Kept != 5 || unlinked[1].User != "user-2" || unlinked[1].Events != 5 {
		t.Errorf("unknown users are %+v", unlinked)
	}
	got := map[string]string{}
	for range want {
		a := r.next()
		if _, err := time.Parse(webhook.TimestampLayout, a.Timestamp); err != nil {
			t.Error(err)
		}
		got[a.ID] = a.String()
	}
	for id, text := range want {
		if got[id] != text {
			t.Errorf("what comes out is\n%s, not\n%s", got[id], text)
		}
	}
	r.stop()
	deliveries := read[struct{ Data []struct{ Event string } }](r.edge, r.ask("GET", "/api/delivery?limit=1000", "", "Authorization", r.token("acme", access.Owner))).Data
	if len(r.got) != 0 || len(deliveries) != len(want) {
		t.Errorf("more is sent: %v", deliveries)
	}
}

// TestNothingElseLeaves strews fields into events, of any name and at any
// place, and looks at what arrives: nothing that the type's schema does not
// name, and nothing personal.
func TestNothingElseLeaves(t *testing.T) {
	r := newRig(t)
	types, err := catalog.New(catalog.Options{Strict: true})
	r.must(err)
	var names []string
	known := map[string]map[string]bool{}
	for _, typ := range types.Types() {
		known[typ.Name] = map[string]bool{}
		for _, field := range typ.Fields {
			known[typ.Name]["body."+field.Path] = true
			names = append(names, field.Path[strings.LastIndexByte(field.Path, '.')+1:])
		}
	}
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		event := rapid.SampledFrom([]string{"transaction.created", "transaction.updated", "transaction.completed", "card.updated", "user.updated"}).Draw(t, "event")
		n++
		id := fmt.Sprint("leak-", n)
		var whole map[string]any
		r.must(json.Unmarshal(catalogtest.PandaEvent(id, event, catalogtest.Incoming[event]), &whole))
		catalogtest.Strew(t, whole, names, known[event])
		raw, err := json.Marshal(whole)
		r.must(err)
		if got := r.post(string(raw), digest(providerKey, string(raw))); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		a := r.next()
		if a.ID != id || a.Resource+"."+a.Action != event {
			t.Fatalf("%+v arrives", a)
		}
		if faults := types.Validate(event, a.Body); faults != nil {
			t.Fatalf("%s does not fit: %v", a.Body, faults)
		}
		for _, private := range append([]string{catalogtest.Leak}, catalogtest.Personal...) {
			if strings.Contains(a.String(), private) {
				t.Fatalf("%s leaves: %s", private, a)
			}
		}
	})
}

// TestIntakeSignatures has signatures of every kind. What is refused leaves no
// trace.
func TestIntakeSignatures(t *testing.T) {
	r := newRig(t)
	raw := string(catalogtest.PandaEvent("s-1", "card.updated", catalogtest.Incoming["card.updated"]))
	good := digest(providerKey, raw)
	for name, signature := range map[string]string{
		"missing": "", "short": good[:63], "long": good + "0", "twice": good + good, "of another key": digest("another", raw), "of another body": digest(providerKey, raw+" "),
		"of nothing": digest(providerKey, ""), "one digit off": good[:63] + string("0123456789abcdef0"[strings.IndexByte("0123456789abcdef", good[63])+1]),
		"not hex": strings.Repeat("g", 64), "with a prefix": "sha256=" + good, "base64": "K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=", "zeros": strings.Repeat("0", 64),
		"in quotes": `"` + good + `"`, "two": good + "," + good, "a word": "undefined",
	} {
		for _, body := range []string{raw, `{"id":`} {
			if got := r.post(body, signature); got.status != http.StatusUnauthorized || got.code != "unauthorized" {
				t.Errorf("%s: %d %s", name, got.status, got.body)
			}
		}
	}
	for _, signature := range []string{good, strings.ToUpper(good)} {
		r.want("a good signature", r.post(raw, signature), 200, "")
	}
	if a := r.next(); a.ID != "s-1" {
		t.Errorf("%+v", a)
	}
	owner := r.token("acme", access.Owner)
	if got := r.ask("GET", "/api/event", "", "Authorization", owner); strings.Count(got.body, `"id":`) != 1 {
		t.Errorf("what was taken is %s", got.body)
	}
	if kept, err := r.store.Quarantine(t.Context()); err != nil || len(kept) != 0 {
		t.Errorf("unsigned bytes were stored: %v %v", kept, err)
	}
	r.off()
	r.want("without a key", r.post(raw, good), 404, "not found")
	r.want("another provider", r.ask("POST", "/hooks/otter", raw, "signature", good), 404, "not found")
}

// TestIntakeMisfits has what is signed and does not fit: 400 with every path, and
// kept, once however often it comes.
func TestIntakeMisfits(t *testing.T) {
	r := newRig(t)
	misfits := map[string][]string{
		``:                         {"not JSON"},
		`{"id":`:                   {"not JSON"},
		"{\"id\":\"\xff\"}":        {"not JSON"},
		`[]`:                       {"must be an object"},
		`{}`:                       {"id: is missing", "resource: is missing", "action: is missing", "body: is missing"},
		strings.Repeat(`[`, 10000): {"not JSON"},
		`{"id":"x","resource":"card","action":"eaten","body":{}}`:                                                                                         {"card.eaten"},
		string(catalogtest.PandaEvent("m-1", "card.updated", changed("card.updated", `"active"`, `"ACTIVE"`, `"2029"`, `2029`))):                          {"body.status: must be one of", "body.expirationYear: must be a string"},
		string(catalogtest.PandaEvent("m-2", "card.updated", changed("card.updated", `"per7DayPeriod"`, `"weekly"`, `1000000`, `"1000000"`))):             {"body.limit.frequency: must be one of", "body.limit.amount: must be an integer"},
		string(catalogtest.PandaEvent("m-3", "transaction.created", changed("transaction.created", `"amount":2500`, `"amount":9007199254740993`))):        {"body.spend.amount: is beyond"},
		string(catalogtest.PandaEvent("m-4", "transaction.created", changed("transaction.created", `"userId":"user-1",`, ``, `"virtual"`, `"physical"`))): {"body.spend.userId: is missing", "body.spend.cardType: must be"},
		string(catalogtest.PandaEvent("m-5", "transaction.completed", changed("transaction.completed", `"completed"`, `"pending"`))):                      {"body.spend.status: must be"},
		string(catalogtest.PandaEvent("m-6", "user.updated", changed("user.updated", `"approved"`, `"fine"`, `"Jane"`, `null`))):                          {"body.applicationStatus: must be one of", "body.firstName: must be a string"},
		string(catalogtest.PandaEvent("m-7", "card.notification", changed("card.notification", `"user-1"`, `7`))):                                         {"body.card.userId: must be"},
		string(catalogtest.PandaEvent(strings.Repeat("x", 201), "dispute.created", `{}`)):                                                                 {"id: must have at most 200 characters"},
	}
	for _, raw := range slices.Sorted(maps.Keys(misfits)) {
		for range 2 {
			got := r.post(raw, digest(providerKey, raw))
			r.want(raw, got, 400, "bad panda")
			for _, path := range misfits[raw] {
				if !strings.Contains(got.body, path) {
					t.Errorf("%.80s: %q is not in %s", raw, path, got.body)
				}
			}
		}
	}
	kept, err := r.store.Quarantine(t.Context())
	if err != nil || len(kept) != len(misfits) {
		t.Fatalf("%d are kept of %d: %v", len(kept), len(misfits), err)
	}
	for _, q := range kept {
		if _, raw, err := r.store.Quarantined(t.Context(), q.Seq); err != nil || misfits[string(raw)] == nil || len(q.Faults) == 0 {
			t.Errorf("%.80q is kept for %q (%v)", raw, q.Faults, err)
		}
	}

	// The quarantine is bounded: the newest stay.
	for i := range 1010 {
		raw := fmt.Sprintf(`{"id":"q-%d"}`, i)
		r.post(raw, digest(providerKey, raw))
	}
	kept, err = r.store.Quarantine(t.Context())
	if err != nil || len(kept) != 1000 {
		t.Fatalf("%d are kept: %v", len(kept), err)
	}
	if _, raw, err := r.store.Quarantined(t.Context(), kept[0].Seq); err != nil || string(raw) != `{"id":"q-1009"}` {
		t.Errorf("the newest is %s (%v)", raw, err)
	}
}

// TestIntakeKnowsBeforeItMaps: an event is known by its id, whatever it holds
// when it comes again, and however many of it come at once. One with other
// content is answered as well, told at WARN and kept in quarantine.
func TestIntakeKnowsBeforeItMaps(t *testing.T) {
	r := newRig(t)
	const at = 16
	var together sync.WaitGroup
	for i := range at {
		together.Go(func() {
			last4 := fmt.Sprintf(`"%04d"`, i)
			raw := string(catalogtest.PandaEvent("again", "card.updated", changed("card.updated", `"7392"`, last4)))
			for range 2 {
				if got := r.post(raw, digest(providerKey, raw)); got.status != http.StatusOK {
					t.Errorf("%d %s", got.status, got.body)
				}
			}
		})
	}
	together.Wait()
	for _, body := range []string{`{"id":7}`, `{}`, catalogtest.Incoming["user.updated"]} {
		r.takes("card.updated", "again", body)
	}
	r.takes("transaction.requested", "again", catalogtest.Incoming["transaction.requested"])
	raw := `{"id":"again","resource":"nothing","action":"known","body":{}}`
	r.want("of a kind that there is not", r.post(raw, digest(providerKey, raw)), 200, "")
	r.next()
	r.stop()
	kept, err := r.store.Quarantine(t.Context())
	if err != nil || len(kept) != at-1+5 || len(r.got) != 0 {
		t.Errorf("%d kept, %d more sent: %v", len(kept), len(r.got), err)
	}
	for _, q := range kept {
		if !strings.Contains(q.Faults[0], `"again" is known already with other content`) {
			t.Errorf("one is kept for %v", q.Faults)
		}
	}
	if n := strings.Count(r.said.String(), "level=WARN msg=\"the provider sent a known event id with other content"); n < len(kept) {
		t.Errorf("the log says it %d times", n)
	}
}

// TestCredentialsCountAtOnce links and unlinks a user, here and from another
// process, between events: each goes by what is linked then.
func TestCredentialsCountAtOnce(t *testing.T) {
	r := newRig(t)
	other, err := store.Open(t.Context(), store.Options{Path: filepath.Join(r.dir, "sealpost.db")})
	r.must(err)
	defer other.Close() //nolint:errcheck // it has written what it was to write
	n := 0
	for _, who := range []*store.Store{r.store, other} {
		for _, credential := range []string{"cred-1", "cred-2", ""} {
			if credential != "" {
				r.must(who.LinkCredentials(t.Context(), "acme", r.now, webhook.Credential{Provider: "panda", User: "user-1", ID: credential}))
			} else {
				r.must(who.UnlinkCredential(t.Context(), "acme", "panda", "user-1"))
			}
			for range 2 {
				n++
				r.takes("user.updated", fmt.Sprint("u-", n), catalogtest.Incoming["user.updated"])
				if credential == "" {
					continue
				}
				if a := r.next(); !strings.Contains(string(a.Body), `"credentialId":"`+credential+`"`) {
					t.Errorf("%s arrives, not for %s", a, credential)
				}
			}
		}
	}
	r.stop()
	if len(r.got) != 0 {
		t.Errorf("%d arrive for nobody", len(r.got))
	}
}

// TestIntakeIsNeverFull has an organization with all the pending work that it
// may have: publishing is refused, a provider, who may not ask twice, is not.
func TestIntakeIsNeverFull(t *testing.T) {
	r := newRig(t)
	r.stop()
	const event = `{"resource":"order","action":"paid","body":{}}` + "\n"
	owner := r.token("acme", access.Owner)
	r.ask("POST", "/api/event", strings.Repeat(event, maxPending), "Authorization", owner, "Content-Type", "application/x-ndjson")
	r.want("publishing", r.ask("POST", "/api/event", event, "Authorization", owner), 429, "limit reached")
	r.takes("card.updated", "c-1", fmt.Sprintf(cardBody, "user-1", "active"))
	if event, err := r.store.Event(t.Context(), "acme", "c-1"); err != nil || event.State != webhook.Accepted {
		t.Errorf("%+v %v", event, err)
	}
}

// FuzzIntake posts anything, signed and unsigned, to the real edge and store.
func FuzzIntake(f *testing.F) {
	for event, body := range catalogtest.Incoming {
		f.Add(catalogtest.PandaEvent("evt-1", event, body), "")
	}
	f.Add([]byte(`{"id":"e","resource":"transaction","action":"created","body":{"spend":{"amount":1e400}}}`), "00")
	f.Add([]byte(`{"id":"\ud800","resource":"dispute","action":"\udfff","body":{},"body":{}}`), strings.Repeat("0", 64))
	f.Add([]byte(strings.Repeat(`{"body":`, 600)), "\x00")
	e := newEdge(f, nil)
	edge := server.New(e.opts)
	post := func(raw, signature string) (int, string) {
		w, request := httptest.NewRecorder(), httptest.NewRequest("POST", "/hooks/panda", strings.NewReader(raw))
		if signature != "" {
			request.Header["Signature"] = []string{signature}
		}
		edge.ServeHTTP(w, request)
		return w.Code, w.Body.String()
	}
	f.Fuzz(func(t *testing.T, body []byte, signature string) {
		raw := string(body)
		if !strings.EqualFold(signature, digest(providerKey, raw)) {
			if status, got := post(raw, signature); status != http.StatusUnauthorized {
				t.Fatalf("unsigned: %d %s", status, got)
			}
		}
		status, got := post(raw, digest(providerKey, raw))
		switch status {
		case http.StatusOK:
			if got != `{"code":"ok"}` {
				t.Errorf("answered %s", got)
			}
		case http.StatusBadRequest:
			var fault struct {
				Code    string
				Message []string
			}
			if err := json.Unmarshal([]byte(got), &fault); err != nil || fault.Code != "bad panda" || len(fault.Message) == 0 {
				t.Errorf("refused with %s", got)
			}
		default:
			t.Fatalf("%d %s", status, got)
		}
		if again, got := post(raw, digest(providerKey, raw)); again != status {
			t.Errorf("%d, and then %d %s", status, again, got)
		}
	})
}

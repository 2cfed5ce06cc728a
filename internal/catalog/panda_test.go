package catalog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sealpost/internal/ecmajson"
)

// TestPandaTable goes through the rows of the contract's part 4.
func TestPandaTable(t *testing.T) {
	spendHead := `{"id":"tx-1","type":"spend","spend":{`
	tests := []struct{ event, typ, user, subject, want string }{
		{"transaction.created", "transaction.created", "user-1", "tx-1", spendHead +
			`"amount":2500,"currency":"usd","cardId":"card-1","localAmount":2300,"localCurrency":"eur","merchantName":"Café ` + "\u2028" + `Gare",` +
			`"merchantCategoryCode":"5812","merchantCity":"Lyon","merchantCountry":"FR","merchantCategory":"Restaurants","merchantId":" m-1 ",` +
			`"authorizedAmount":2500,"authorizedAt":"2026-01-05T10:20:30.000Z","status":"pending","declinedReason":null,"exchangeRate":0.92}}`},
		{"transaction.updated", "transaction.updated", "user-1", "tx-1", spendHead +
			`"amount":1500,"currency":"usd","cardId":"card-1","localAmount":1380,"localCurrency":"eur","merchantName":"Cafe","merchantCategoryCode":"5812",` +
			`"authorizedAt":"2026-01-05T11:20:30.000Z","status":"reversed","authorizationUpdateAmount":-1000,` +
			`"enrichedMerchantIcon":"https://icons.example.com/1.png","enrichedMerchantName":"Café","enrichedMerchantCategory":null}}`},
		{"transaction.completed", "transaction.completed", "user-1", "tx-1", spendHead +
			`"amount":2500,"currency":"usd","cardId":"card-1","localAmount":2300,"localCurrency":"eur","merchantName":"Cafe","merchantCategoryCode":"5812",` +
			`"authorizedAmount":2500,"authorizedAt":"2026-01-05T10:20:30.000Z","status":"completed","exchangeRate":0.92}}`},
		{"card.updated", "card.updated", "user-1", "",
			`{"id":"card-1","last4":"7392","limit":{"amount":1000000,"frequency":"per7DayPeriod"},"status":"ACTIVE","tokenWallets":["Apple","Google Pay"]}`},
		{"user.updated", "user.updated", "user-1", "",
			`{"credentialId":"our \"credential\"","applicationReason":"","applicationStatus":"approved","isActive":true}`},
		{"transaction.requested", "", "user-1", "", ""},
		{"card.notification", "", "user-1", "", ""},
		{"dispute.created", "", "", "", ""},
		{"dispute.won", "", "", "", ""},
	}
	c := must(New(Options{Strict: true}))
	for _, test := range tests {
		t.Run(test.event, func(t *testing.T) {
			body, found := incoming[test.event]
			if !found {
				body = incoming["dispute.created"]
			}
			in, err := panda{}.Map(pandaEvent("evt.1", test.event, body))
			if err != nil {
				t.Fatal(err)
			}
			if in.ID != "evt.1" || in.Event != test.event || in.Type != test.typ || in.User != test.user || in.Subject != test.subject {
				t.Errorf("intake is %+v", in)
			}
			if want := strings.HasPrefix(test.typ, "transaction.") && test.typ != "transaction.completed"; in.CanWait != want { // the completed one settles what was authorized
				t.Errorf("can wait: %v", in.CanWait)
			}
			got, err := in.Body(`our "credential"`, "")
			if test.typ == "" {
				if err == nil || !in.Ignored() || in.Why == "" {
					t.Errorf("something is sent: %s, %q", got, in.Why)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("the body is\n%s, want\n%s", got, test.want)
			}
			if faults := c.Validate(test.typ, got); faults != nil || !ecmajson.Exact(got) {
				t.Errorf("the body does not fit: %v", faults)
			}
		})
	}
}

// TestPandaValues looks at what becomes of single values.
func TestPandaValues(t *testing.T) {
	tests := map[string]struct {
		event   string
		changes map[string]any
		path    string
		want    string // JSON; empty when the field is not there
	}{
		"active":       {"card.updated", map[string]any{"status": "active"}, "status", `"ACTIVE"`},
		"locked":       {"card.updated", map[string]any{"status": "locked"}, "status", `"FROZEN"`},
		"canceled":     {"card.updated", map[string]any{"status": "canceled"}, "status", `"DELETED"`},
		"notActivated": {"card.updated", map[string]any{"status": "notActivated"}, "status", `"INACTIVE"`},
		"wallets null": {"card.updated", map[string]any{"tokenWallets": nil}, "tokenWallets", "null"},
		"wallets gone": {"card.updated", map[string]any{"tokenWallets": gone}, "tokenWallets", ""},

		"rate abroad":       {"transaction.created", nil, "spend.exchangeRate", "0.92"},
		"rate at home":      {"transaction.created", map[string]any{"spend.localCurrency": "usd"}, "spend.exchangeRate", ""},
		"rate at home, USD": {"transaction.completed", map[string]any{"spend.localCurrency": "USD"}, "spend.exchangeRate", ""},
		"no rate":           {"transaction.completed", map[string]any{"spend.exchangeRate": gone}, "spend.exchangeRate", ""},
		"rate null":         {"transaction.completed", map[string]any{"spend.exchangeRate": nil}, "spend.exchangeRate", "null"},
		"rate of updated":   {"transaction.updated", nil, "spend.exchangeRate", ""},

		"city trimmed":     {"transaction.created", map[string]any{"spend.merchantCity": "\u00a0 São\tPaulo \r\n"}, "spend.merchantCity", `"São\tPaulo"`},
		"city blank":       {"transaction.created", map[string]any{"spend.merchantCity": "  "}, "spend.merchantCity", `""`},
		"city null":        {"transaction.created", map[string]any{"spend.merchantCity": nil}, "spend.merchantCity", "null"},
		"country trimmed":  {"transaction.created", map[string]any{"spend.merchantCountry": " FR "}, "spend.merchantCountry", `"FR"`},
		"country null":     {"transaction.created", map[string]any{"spend.merchantCountry": nil}, "spend.merchantCountry", "null"},
		"category trimmed": {"transaction.created", map[string]any{"spend.merchantCategory": "a "}, "spend.merchantCategory", `"a"`},
		"others kept":      {"transaction.created", map[string]any{"spend.merchantCategoryCode": " 58 "}, "spend.merchantCategoryCode", `" 58 "`},

		"an amount with a point": {"transaction.created", map[string]any{"spend.amount": number("2500.0")}, "spend.amount", "2500"},
		"a huge extra number":    {"transaction.created", map[string]any{"spend.networkId": number("123456789012345678901234567890")}, "spend.networkId", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in, err := panda{}.Map(pandaEvent("evt-1", test.event, with(t, incoming[test.event], test.changes)))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := walk(must(in.Body("cred", "")), strings.Split(test.path, "."))
			if string(got) != test.want {
				t.Errorf("%s is %s, want %s", test.path, got, test.want)
			}
		})
	}
}

func TestPandaCanWait(t *testing.T) {
	tests := []struct {
		event   string
		changes map[string]any
		want    bool
	}{
		{"transaction.created", nil, true},
		{"transaction.created", map[string]any{"spend.amount": 0}, true},
		{"transaction.created", map[string]any{"spend.status": "declined"}, false},
		{"transaction.created", map[string]any{"spend.amount": -1}, false},
		{"transaction.updated", nil, true},
		{"transaction.updated", map[string]any{"spend.status": "declined"}, false},
		{"transaction.updated", map[string]any{"spend.authorizationUpdateAmount": 0}, false},
		{"transaction.updated", map[string]any{"spend.authorizationUpdateAmount": json.Number("0.0")}, false},
		{"transaction.updated", map[string]any{"spend.authorizationUpdateAmount": json.Number("-0")}, false},
		{"transaction.updated", map[string]any{"spend.authorizationUpdateAmount": 1}, true},
		{"transaction.updated", map[string]any{"spend.amount": -1}, true},
		{"transaction.updated", map[string]any{"spend.authorizedAmount": 1500}, true},
		{"transaction.completed", map[string]any{"spend.amount": 2500, "spend.authorizedAmount": 2500}, false},
		{"transaction.completed", map[string]any{"spend.amount": json.Number("2500.0"), "spend.authorizedAmount": json.Number("25e2")}, false},
		{"transaction.completed", map[string]any{"spend.amount": 0, "spend.authorizedAmount": 0}, false},
		{"transaction.completed", map[string]any{"spend.amount": -5, "spend.authorizedAmount": -5}, false},
		{"transaction.completed", map[string]any{"spend.amount": 2499, "spend.authorizedAmount": 2500}, true},
		{"transaction.completed", map[string]any{"spend.amount": 2500, "spend.authorizedAmount": nil}, true},
		{"transaction.completed", map[string]any{"spend.amount": -1}, true},
		{"card.updated", nil, false},
		{"user.updated", nil, false},
	}
	for _, test := range tests {
		in, err := panda{}.Map(pandaEvent("evt-1", test.event, with(t, incoming[test.event], test.changes)))
		if err != nil {
			t.Fatal(err)
		}
		if in.CanWait != test.want {
			t.Errorf("%s with %v can wait: %v", test.event, test.changes, in.CanWait)
		}
	}
}

// TestPandaRefused: what does not fit is named by path and rule.
func TestPandaRefused(t *testing.T) {
	tests := map[string]struct {
		event   string
		changes map[string]any
		want    string
	}{
		"no user":             {"transaction.created", map[string]any{"spend.userId": gone}, "body.spend.userId required"},
		"empty user":          {"transaction.created", map[string]any{"spend.userId": ""}, "body.spend.userId minLength"},
		"card type":           {"transaction.created", map[string]any{"spend.cardType": "physical"}, "body.spend.cardType const"},
		"country of three":    {"transaction.created", map[string]any{"spend.merchantCountry": "USA"}, "body.spend.merchantCountry pattern"},
		"no postedAt":         {"transaction.completed", map[string]any{"spend.postedAt": gone}, "body.spend.postedAt required"},
		"requested, too":      {"transaction.requested", map[string]any{"spend.authorizedAmount": nil}, "body.spend.authorizedAmount type"},
		"status":              {"transaction.updated", map[string]any{"spend.status": "completed"}, "body.spend.status enum"},
		"two at once":         {"transaction.updated", map[string]any{"spend.amount": "1", "id": nil}, "body.id type, body.spend.amount type"},
		"unsafe amount":       {"transaction.created", map[string]any{"spend.amount": number("9007199254740993")}, "body.spend.amount safe-integer"},
		"our word for status": {"card.updated", map[string]any{"status": "ACTIVE"}, "body.status enum"},
		"month":               {"card.updated", map[string]any{"expirationMonth": "012"}, "body.expirationMonth maxLength"},
		"year":                {"card.updated", map[string]any{"expirationYear": "29"}, "body.expirationYear minLength"},
		"wallet":              {"card.updated", map[string]any{"tokenWallets": []any{"Samsung"}}, "body.tokenWallets.0 enum"},
		"card's user":         {"card.notification", map[string]any{"card.userId": 5}, "body.card.userId type"},
		"terms":               {"user.updated", map[string]any{"isTermsOfServiceAccepted": "yes"}, "body.isTermsOfServiceAccepted type"},
		"no name":             {"user.updated", map[string]any{"lastName": gone}, "body.lastName required"},
		"application":         {"user.updated", map[string]any{"applicationStatus": "ok"}, "body.applicationStatus enum"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in, err := panda{}.Map(pandaEvent("evt-1", test.event, with(t, incoming[test.event], test.changes)))
			if got := rules(t, err); got != test.want {
				t.Errorf("faults are %q, want %q", got, test.want)
			}
			if in.ID != "evt-1" || in.Event != test.event || in.Type != "" {
				t.Errorf("what was read is %+v", in)
			}
		})
	}
}

// TestPandaEnvelope: the same for what is around the body.
func TestPandaEnvelope(t *testing.T) {
	long := strings.Repeat("x", maxEventID+1)
	tests := map[string]struct{ raw, want, id string }{
		"not JSON":       {`{"id":`, " syntax", ""},
		"not UTF-8":      {"{\"id\":\"\xff\"}", " syntax", ""},
		"not an object":  {`[1]`, " type", ""},
		"empty":          {``, " syntax", ""},
		"nothing in it":  {`{}`, "action required, body required, id required, resource required", ""},
		"wrong types":    {`{"id":5,"resource":"card","action":"updated","body":[]}`, "body type, id type", ""},
		"long id":        {fmt.Sprintf(`{"id":%q,"resource":"dispute","action":"x","body":{}}`, long), "id maxLength", ""},
		"unknown action": {`{"id":"e","resource":"card","action":"created","body":{}}`, " enum", "e"},
		"unknown thing":  {`{"id":"e","resource":"company","action":"updated","body":{}}`, " enum", "e"},
		"a dotted trick": {`{"id":"e","resource":"transaction.created","action":"x","body":{}}`, " enum", "e"},
		"body missing":   {`{"id":"e","resource":"dispute","action":"x"}`, "body required", "e"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			in, err := panda{}.Map([]byte(test.raw))
			if got := rules(t, err); got != test.want {
				t.Errorf("faults are %q, want %q", got, test.want)
			}
			if in.ID != test.id {
				t.Errorf("the id is %q, want %q", in.ID, test.id)
			}
		})
	}
}

// rules lists the faults of a refusal as "path rule".
func rules(t *testing.T, err error) string {
	t.Helper()
	var refusal *IntakeError
	if !errors.As(err, &refusal) {
		t.Fatalf("the error is %v", err)
	}
	if refusal.Code() != "bad panda" || !strings.HasPrefix(refusal.Error(), "bad panda: ") {
		t.Errorf("the code is %q in %q", refusal.Code(), refusal)
	}
	var all []string
	for _, f := range refusal.Faults {
		all = append(all, f.Path+" "+f.Rule)
	}
	return strings.Join(all, ", ")
}

// TestPandaCredential: no user event leaves without our credential.
func TestPandaCredential(t *testing.T) {
	in, err := panda{}.Map(pandaEvent("evt-1", "user.updated", incoming["user.updated"]))
	if err != nil {
		t.Fatal(err)
	}
	if body, err := in.Body("", ""); err == nil {
		t.Errorf("it left as %s", body)
	}
}

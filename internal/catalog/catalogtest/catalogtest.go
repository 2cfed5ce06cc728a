// Package catalogtest has events of the card provider for tests: one of each
// kind, and what may not leave strewn into them.
package catalogtest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"
)

// Incoming has one body for each kind of the provider's events, with every
// field that the contract names and some that it doesn't.
var Incoming = map[string]string{
	"transaction.created": `{"id":"tx-1","type":"spend","extra":{"deep":[1]},"spend":{
		"userId":"user-1","userEmail":"jane@example.com","userFirstName":"Jane","cardType":"virtual","authorizationMethod":"Contactless",
		"exchangeRate":0.92,"status":"pending","declinedReason":null,"authorizedAt":"2026-01-05T10:20:30.000Z","authorizedAmount":2500,
		"amount":2500,"currency":"usd","cardId":"card-1","localAmount":2300,"localCurrency":"eur","merchantName":"  Café \u2028Gare\t ",
		"merchantCategoryCode":"5812","merchantCity":" Lyon ","merchantCountry":"FR","merchantCategory":"\n Restaurants","merchantId":" m-1 "}}`,
	"transaction.updated": `{"id":"tx-1","type":"spend","spend":{
		"amount":1500,"currency":"usd","cardId":"card-1","cardType":"virtual","userId":"user-1","localAmount":1380,"localCurrency":"eur",
		"merchantName":"Cafe","merchantCategoryCode":"5812","authorizedAt":"2026-01-05T11:20:30.000Z","status":"reversed",
		"authorizationUpdateAmount":-1000,"enrichedMerchantIcon":"https://icons.example.com/1.png","enrichedMerchantName":"Café",
		"enrichedMerchantCategory":null,"exchangeRate":0.92,"postedAt":"2026-01-05T11:20:30.000Z"}}`,
	"transaction.completed": `{"id":"tx-1","type":"spend","spend":{
		"amount":2500,"currency":"usd","cardId":"card-1","cardType":"virtual","userId":"user-1","localAmount":2300,"localCurrency":"eur",
		"merchantName":"Cafe","merchantCategoryCode":"5812","authorizedAmount":2500,"authorizedAt":"2026-01-05T10:20:30.000Z",
		"postedAt":"2026-01-06T10:20:30.000Z","status":"completed","declinedReason":"none","exchangeRate":0.92}}`,
	"transaction.requested": `{"type":"spend","spend":{
		"amount":2500,"currency":"usd","cardId":"card-1","cardType":"virtual","userId":"user-1","localAmount":2300,"localCurrency":"eur",
		"merchantName":"Cafe","merchantCategoryCode":"5812","authorizedAmount":2500,"status":"pending"}}`,
	"card.updated": `{"id":"card-1","userId":"user-1","last4":"7392","type":"virtual","expirationMonth":"9","expirationYear":"2029",
		"limit":{"frequency":"per7DayPeriod","amount":1000000,"note":"x"},"status":"active","tokenWallets":["Apple","Google Pay"],"pin":"0000"}`,
	"card.notification": `{"id":"n-1","card":{"id":"card-1","userId":"user-1"},"tokenWallet":"Apple","reasonCode":"PROVISIONED"}`,
	"user.updated": `{"id":"user-1","firstName":"Jane","lastName":"Doe","email":"jane@example.com","isTermsOfServiceAccepted":true,
		"applicationReason":"","applicationStatus":"approved","isActive":true,"credentialId":"forged"}`,
	"dispute.created": `{"anything":[1,2,3]}`,
}

// PandaEvent wraps a body in the provider's envelope.
func PandaEvent(id, event, body string) []byte {
	resource, action, _ := strings.Cut(event, ".")
	raw, err := json.Marshal(map[string]any{
		"id": id, "resource": resource, "action": action, "body": json.RawMessage(body), "sentAt": 1767608430,
	})
	if err != nil {
		panic(err) // the body is no JSON
	}
	return raw
}

// Leak marks every value that [Strew] adds and that must not leave.
const Leak = "LEAK"

// Personal are values of [Incoming] that must not leave either.
var Personal = []string{"Jane", "Doe", "example.com/jane", "jane@", "user-1", "2029", "forged"}

// Strew adds fields to an object and to all inside it, in lists as well. A name
// that the object has already keeps its value, and a path that is known means
// something, so it is left alone; the same name elsewhere is not.
func Strew(t *rapid.T, object map[string]any, names []string, known map[string]bool) {
	tempting := append([]string{
		"email", "phoneNumber", "firstName", "address", "__proto__", "constructor", "toJSON", "0", "", "Amount", "STATUS", "spend.amount",
		"\u2028", "id ", "body", "card", "pin", "\u017ftatu\u017f", "la\u017ft4", "i\u017fActive", // ſ folds to s, and sorts after it
	}, names...)
	for _, other := range names {
		tempting = append(tempting, strings.ToUpper(other))
	}
	strew(t, object, "", rapid.OneOf(rapid.SampledFrom(tempting), rapid.String()), known)
}

func strew(t *rapid.T, value any, path string, name *rapid.Generator[string], known map[string]bool) {
	if list, ok := value.([]any); ok {
		for _, inner := range list {
			strew(t, inner, path, name, known)
		}
	}
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) { // sorted, so that a failure repeats
		strew(t, object[key], path+key+".", name, known)
	}
	for range rapid.IntRange(0, 4).Draw(t, "extra") {
		key := name.Draw(t, "key")
		if _, there := object[key]; there || known[path+key] {
			continue
		}
		object[key] = rapid.SampledFrom([]any{
			Leak, []any{Leak}, map[string]any{"amount": Leak, Leak: 1}, map[string]any{"spend": map[string]any{"id": Leak}},
			[]any{map[string]any{"id": Leak}}, json.Number("123456789012345678901234567890"), 1.5e300, true, nil,
		}).Draw(t, "value")
	}
}

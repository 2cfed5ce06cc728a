package catalog

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// must returns the value of a call that can't fail in a test.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// incoming has one body for each kind of the provider's events, with every
// field that the contract names and some that it doesn't.
var incoming = map[string]string{
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

// pandaEvent wraps a body in the provider's envelope.
func pandaEvent(id, event, body string) []byte {
	resource, action, _ := strings.Cut(event, ".")
	return must(json.Marshal(map[string]any{
		"id": id, "resource": resource, "action": action, "body": json.RawMessage(body), "sentAt": 1767608430,
	}))
}

// with returns an incoming body with the values at some dotted paths changed;
// the value gone takes the field out.
func with(t *testing.T, body string, changes map[string]any) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatal(err)
	}
	for path, change := range maps.All(changes) {
		object := value.(map[string]any)
		steps := strings.Split(path, ".")
		for _, step := range steps[:len(steps)-1] {
			object = object[step].(map[string]any)
		}
		if change == gone {
			delete(object, steps[len(steps)-1])
		} else {
			object[steps[len(steps)-1]] = change
		}
	}
	return string(must(json.Marshal(value)))
}

// gone stands for a field that is left out.
var gone = new(int)

// number is a number that is written as it is.
func number(literal string) json.RawMessage { return json.RawMessage(literal) }

// sampleOf returns the documented sample of a type.
func sampleOf(t *testing.T, c *Catalog, typ string) string {
	t.Helper()
	body, err := c.Sample(typ, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

package catalog

import (
	"strings"

	"sealpost/internal/ecmajson"
	"sealpost/internal/secret"
)

// panda is the card provider of the contract's part 4. Its events are
// {id, resource, action, body}, signed in the header signature with the hex
// HMAC-SHA256 of the raw body.
type panda struct{}

// Name implements [Provider].
func (panda) Name() string { return "panda" }

// Check implements [Provider].
func (panda) Check(key secret.Text, header func(name string) string) (*Check, error) {
	return checkHex(key, header("signature"))
}

// Map implements [Provider].
func (p panda) Map(raw []byte) (Intake, error) {
	return intake(p.Name(), raw, pandaMapping, pandaKnown)
}

// pandaMappings is the table of part 4, less the disputes.
var pandaMappings = map[string]mapping{
	"transaction.created":   {in: "panda/transaction.created.json", out: "transaction.created", user: []string{"spend", "userId"}, edit: pandaSpend},
	"transaction.updated":   {in: "panda/transaction.updated.json", out: "transaction.updated", user: []string{"spend", "userId"}, edit: pandaSpend},
	"transaction.completed": {in: "panda/transaction.completed.json", out: "transaction.completed", user: []string{"spend", "userId"}, edit: pandaSpend},
	"transaction.requested": {in: "panda/transaction.requested.json", user: []string{"spend", "userId"}, why: "a requested transaction has not happened yet"},
	"card.updated":          {in: "panda/card.updated.json", out: "card.updated", user: []string{"userId"}, edit: pandaCard},
	"card.notification":     {in: "panda/card.notification.json", user: []string{"card", "userId"}, why: "card notifications are between the provider and the wallet"},
	"user.updated":          {in: "panda/user.updated.json", out: "user.updated", user: []string{"id"}, credential: "credentialId", edit: pandaUser},
}

// pandaKnown tells people what there is.
const pandaKnown = "transaction.created, .updated, .completed and .requested, card.updated and .notification, user.updated, dispute.*"

// pandaMapping finds the mapping of an event.
func pandaMapping(event string) (mapping, bool) {
	if m, found := pandaMappings[event]; found {
		return m, true
	}
	return mapping{why: "disputes are settled elsewhere"}, strings.HasPrefix(event, "dispute.")
}

// pandaSpend trims the merchant's texts, and drops an exchange rate between a
// currency and itself.
func pandaSpend(body any, path string, value []byte) []byte {
	switch path {
	case "spend.merchantCity", "spend.merchantCountry", "spend.merchantCategory", "spend.merchantName":
		return trim(value)
	case "spend.exchangeRate":
		if strings.EqualFold(text(body, "spend", "currency"), text(body, "spend", "localCurrency")) {
			return nil
		}
	}
	return value
}

// pandaStatus has our word for each of the provider's; the incoming schema
// lists the same four.
var pandaStatus = map[string]string{
	"active":       "ACTIVE",
	"locked":       "FROZEN",
	"canceled":     "DELETED",
	"notActivated": "INACTIVE",
}

// pandaCard puts our word for the card's status.
func pandaCard(body any, path string, value []byte) []byte {
	if path == "status" {
		return ecmajson.AppendString(nil, pandaStatus[text(body, "status")])
	}
	return value
}

// pandaUser keeps a credentialId that the provider might send from standing
// where ours belongs.
func pandaUser(_ any, path string, value []byte) []byte {
	if path == "credentialId" {
		return nil
	}
	return value
}

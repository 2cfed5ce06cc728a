package catalog

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"time"
)

// merchant is where a made-up card is used. Rate is in hundredths of the local
// currency for one US dollar, so that local amounts of whole dollars are exact.
type merchant struct {
	name, code, city, country, category, id, currency string
	rate                                              int64
	known, icon                                       string
}

// merchants are made up; the first ones charge in a currency of their own.
var merchants = []merchant{
	{"CAFE DE LA GARE 0423", "5812", "Lyon", "FR", "Restaurants", "fr-5812-004230", "eur", 92, "Café de la Gare", "cafe-de-la-gare"},
	{"LIBRERIA DEL SUR SRL", "5942", "Buenos Aires", "AR", "Book Stores", "ar-5942-117702", "ars", 144500, "Librería del Sur", "libreria-del-sur"},
	{"PADARIA AURORA LTDA", "5462", "São Paulo", "BR", "Bakeries", "br-5462-083311", "brl", 538, "Padaria Aurora", "padaria-aurora"},
	{"NORTHGATE CYCLES", "5940", "Leeds", "GB", "Bicycle Shops", "gb-5940-220194", "gbp", 79, "Northgate Cycles", "northgate-cycles"},
	{"BERGBAHN STATION 2", "4111", "Zermatt", "CH", "Transportation", "ch-4111-000872", "chf", 80, "Bergbahn Zermatt", "bergbahn-zermatt"},
	{"PINE STREET HARDWARE", "5251", "Portland", "US", "Hardware Stores", "us-5251-640017", "usd", 100, "Pine Street Hardware", "pine-street-hardware"},
	{"SUNRISE GROCERY #118", "5411", "Austin", "US", "Grocery Stores", "us-5411-000118", "usd", 100, "Sunrise Grocery", "sunrise-grocery"},
}

// Which merchants a scene may be set at.
const (
	abroad   = 5 // only those with a currency of their own
	anywhere = 7
)

// scene is the made-up setting of one purchase: the same seed, the same scene.
type scene struct {
	transaction, card, credential, last4 string
	merchant                             merchant
	cents                                int64 // 20 to 400 dollars, in steps of 5, so that a fifth is whole dollars too
	at                                   time.Time
}

// newScene makes the scene of a seed, at one of the first so many merchants.
func newScene(seed uint64, places int) scene {
	r := rand.New(rand.NewPCG(seed, 0x5ea1)) //nolint:gosec // made-up data that must be repeatable
	var credential [16]byte
	s := scene{
		transaction: uuid(r), card: uuid(r),
		last4:    fmt.Sprintf("%04d", r.IntN(10000)),
		merchant: merchants[r.IntN(places)],
		cents:    500 * (4 + r.Int64N(77)),
		at:       time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC).Add(time.Duration(r.IntN(86400)) * time.Second),
	}
	for i := range credential {
		credential[i] = byte(r.Uint32())
	}
	s.credential = base64.RawURLEncoding.EncodeToString(credential[:])
	return s
}

// local is an amount in the merchant's currency, in hundredths.
func (s scene) local(cents int64) int64 { return cents * s.merchant.rate / 100 }

// values are what a scene says of the fields of the built-in types, by path:
// those of transactions as they are, others after card. and user.
func (s scene) values() map[string]any {
	m := s.merchant
	values := map[string]any{
		"id":                             s.transaction,
		"type":                           "spend",
		"spend.amount":                   s.cents,
		"spend.currency":                 "usd",
		"spend.cardId":                   s.card,
		"spend.localAmount":              s.local(s.cents),
		"spend.localCurrency":            m.currency,
		"spend.merchantName":             m.name,
		"spend.merchantCategoryCode":     m.code,
		"spend.merchantCity":             m.city,
		"spend.merchantCountry":          m.country,
		"spend.merchantCategory":         m.category,
		"spend.merchantId":               m.id,
		"spend.authorizedAmount":         s.cents,
		"spend.authorizedAt":             stamp(s.at),
		"spend.enrichedMerchantIcon":     "https://icons.example.com/" + m.icon + ".png",
		"spend.enrichedMerchantName":     m.known,
		"spend.enrichedMerchantCategory": m.category,

		"card.id":           s.card,
		"card.last4":        s.last4,
		"card.limit.amount": 10 * s.cents,

		"user.credentialId": s.credential,
	}
	if m.currency != "usd" {
		values["spend.exchangeRate"] = float64(m.rate) / 100
	}
	return values
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// uuid makes a version 4 UUID (RFC 9562, 5.4) from a repeatable source.
func uuid(r *rand.Rand) string {
	high, low := r.Uint64(), r.Uint64()
	high = high&^0xf000 | 0x4000
	low = low&^(3<<62) | 1<<63
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", high>>32, high>>16&0xffff, high&0xffff, low>>48, low&0xffffffffffff)
}

package ecmajson

import (
	"fmt"
	"strings"
	"testing"
)

// event is a transaction as publishers send it: about 1 KiB, some white space,
// accents and needless escapes.
const event = `{
  "id": "evt_01J9Z3V7Q0M4", "resource": "transaction", "action": "created",
  "receipt": {"blockNumber": 97, "transactionHash": "0x5c504ed432cb51138bcf09aa5e8a410dd4a1e204ef84bfed1be16dfba1b22060"},
  "body": {"id": "be67eee2-3e1c-4b1a-9a5c-7b7e0a8f1c11", "type": "spend", "spend": {
    "amount": 1250, "currency": "usd", "cardId": "827c3893-d7c8-46d4-a518-744b016555bc", "localAmount": 1137, "localCurrency": "eur",
    "merchantName": "Café São João", "merchantCategoryCode": "5812", "merchantCity": "Lisbon", "merchantCountry": "PT",
    "merchantCategory": "Eating places, restaurants", "merchantId": "550e8400-e29b-41d4-a716-446655440000", "authorizedAmount": 1250,
    "authorizedAt": "2026-01-05T10:20:30.123Z", "status": "pending", "declinedReason": null, "exchangeRate": 1.0993843447,
    "enrichedMerchantIcon": "https:\/\/icons.example.com\/m\/cafe.png", "enrichedMerchantName": "Cafe", "enrichedMerchantCategory": "Food & drink"}}
}`

// TestHotPathCostsNoMemory: an event is read without an allocation of ours.
func TestHotPathCostsNoMemory(t *testing.T) {
	src, dst := []byte(event), make([]byte, 0, len(event))
	body := 0
	visit := func(key, value []byte) error {
		if string(key) == "body" {
			body = len(value)
		}
		return nil
	}
	for name, read := range map[string]func() ([]byte, error){
		"Append":        func() ([]byte, error) { return Append(dst, src) },
		"AppendMembers": func() ([]byte, error) { return AppendMembers(dst, src, visit) },
	} {
		if allocs := testing.AllocsPerRun(100, func() {
			if _, err := read(); err != nil {
				t.Fatal(err)
			}
		}); allocs > 0 {
			t.Errorf("%s allocates %v times", name, allocs)
		}
	}
	if body == 0 {
		t.Error("no body was seen")
	}
}

func BenchmarkAppend(b *testing.B) {
	var long strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&long, `,"key%d":%d`, i, i)
	}
	for _, bench := range []struct{ name, src string }{
		{"event", event},
		{"prose", `{"note":"` + strings.Repeat("lorem ipsum dolor sit amet ", 38) + `"}`},
		{"escapes", `{"note":"` + strings.Repeat(`\n\u00e9\ud83d\ude00 `, 48) + `"}`},
		{"numbers", `[` + strings.Repeat(`1250,0.0925,1.1e3,`, 56) + `0]`},
		{"100k keys", "{" + long.String()[1:] + "}"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			src, dst := []byte(bench.src), make([]byte, 0, len(bench.src))
			b.SetBytes(int64(len(src)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Append(dst, src); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkAppendMembers(b *testing.B) {
	src, dst := []byte(event), make([]byte, 0, len(event))
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendMembers(dst, src, func(_, _ []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}

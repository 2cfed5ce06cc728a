package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sealpost/internal/ecmajson"
)

var accepted = time.Date(2026, 1, 5, 10, 20, 30, 123_456_789, time.FixedZone("", 3600))

func TestDecodeAndBuild(t *testing.T) {
	for _, test := range []struct{ name, src, want string }{
		{"in any order", `{"body":{"x":1.0},"action":"created","resource":"order","id":"e1"}`,
			`{"id":"e1","timestamp":"2026-01-05T09:20:30.123Z","resource":"order","action":"created","body":{"x":1}}`},
		{"with receipt", `{"id":"e1","resource":"order","action":"created","receipt":{"transactionHash":"0x` + strings.Repeat("aB", 32) + `","blockNumber":97},"body":{}}`,
			`{"id":"e1","timestamp":"2026-01-05T09:20:30.123Z","resource":"order","action":"created","receipt":{"blockNumber":97,"transactionHash":"0x` + strings.Repeat("aB", 32) + `"},"body":{}}`},
		{"null receipt", `{"id":"a\"b","resource":"order","action":"created","receipt":null,"body":{}}`,
			`{"id":"a\"b","timestamp":"2026-01-05T09:20:30.123Z","resource":"order","action":"created","body":{}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			d, err := DecodeDraft([]byte(test.src))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(d.Build(accepted)); got != test.want {
				t.Errorf("%s, not %s", got, test.want)
			}
		})
	}
}

func TestDecodeFaults(t *testing.T) {
	for _, test := range []struct{ src, want string }{
		{`{}`, "resource is missing; action is missing; body is missing"},
		{`{"resource":"Order","action":"","body":[],"id":"a b","x":1}`, `resource "Order" does not match`},
		{`{"resource":"Order","action":"","body":[],"id":"a b","x":1}`, `body is a list; an object is needed`},
		{`{"resource":"Order","action":"","body":[],"id":"a b","x":1}`, `"x" is not a member of an event`},
		{`{"resource":1,"action":"b","body":{}}`, `resource is a number; a string is needed`},
		{`{"resource":"a","action":"b","body":{},"receipt":{"blockNumber":1}}`, `receipt.transactionHash is missing`},
		{`{"resource":"a","action":"b","body":{},"receipt":{"blockNumber":1,"transactionHash":"0x1"}}`, `is not 0x and 64 hex digits`},
		{`{"resource":"a","action":"b","body":{},"receipt":{"blockNumber":-1,"transactionHash":"0x1"}}`, `receipt does not fit`},
		{`{"resource":"a","action":"b","body":{},"receipt":{"status":"success"}}`, `receipt does not fit`},
		{`[]`, `not a JSON object`},
		{`{"resource":"a","action":"b","body":{"x":}}`, `line 1, column 42`},
	} {
		if _, err := DecodeDraft([]byte(test.src)); CodeOf(err) != CodeBadRequest || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, not %s", test.src, err, test.want)
		}
	}
}

func TestReceiptWithHashAloneWaits(t *testing.T) {
	hash := "0x" + strings.Repeat("0", 64)
	d, err := DecodeDraft([]byte(`{"resource":"a","action":"b","body":{},"receipt":{"transactionHash":"` + hash + `"}}`))
	if err != nil || !d.Await || d.Watch != hash || d.Receipt != nil {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestWholeDraft(t *testing.T) {
	src := []byte("{ \"id\":\"e\\u0031\", \"timestamp\":\"2026-01-05T10:20:30Z\",\n \"resource\":\"transaction\",\"action\":\"created\",\"extra\":1,\"body\":{ \"id\" : \"tx-1\", \"n\":1.0}}")
	d, err := WholeDraft(src)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(d.Build(accepted), src) || d.ID != "e1" || d.Type() != "transaction.created" || d.Subject != "tx-1" {
		t.Errorf("%+v", d)
	}
	for _, bad := range []string{
		`{"id":"e","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b"}`,
		`{"id":"e","id":"f","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b","body":{}}`,
		`{"id":"e","timestamp":"yesterday","resource":"a","action":"b","body":{}}`,
		`{"id":"e","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b","body":[]}`,
		`{"id":"e","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b","body":{"id":"first","id":"second"}}`,
		`{"id":"e","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b","body":{"id":"first", "id":"second"}}`,
		`{"id":"e","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b","body":{"i\u0064":"first","id":"first"}}`,
		`{"id":"e","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b","body":{"n":[{"x":{"":1,"":1}}]}}`,
		`{"id":"e","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b","body":{},"receipt":{"blockNumber":1,"blockNumber":2}}`,
	} {
		if _, err := WholeDraft([]byte(bad)); CodeOf(err) != CodeBadRequest {
			t.Errorf("%s is taken (%v)", bad, err)
		}
	}
}

// TestDoubledKeysCount: over the API the last of two equal keys counts.
func TestDoubledKeysCount(t *testing.T) {
	d, err := DecodeDraft([]byte(`{"resource":"transaction","action":"b","body":{"id":"first","id":"second"}}`))
	if err != nil || d.Subject != "second" || string(d.Body) != `{"id":"second"}` {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestBodyLeavesRoomForTheEventAroundIt(t *testing.T) {
	deep := func(n int) []byte {
		return []byte(strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n))
	}
	d, err := NewDraft("a.b", deep(ecmajson.MaxDepth-1))
	if err != nil || !ecmajson.Exact(d.Build(accepted)) {
		t.Errorf("%d deep: %v", ecmajson.MaxDepth-1, err)
	}
	if _, err := NewDraft("a.b", deep(ecmajson.MaxDepth)); CodeOf(err) != CodeBadRequest {
		t.Errorf("%d deep: %v", ecmajson.MaxDepth, err)
	}
}

func TestSubject(t *testing.T) {
	for body, want := range map[string]string{
		`{"id":"tx-1"}`: "tx-1", `{"a":1,"id":"tx-2"}`: "tx-2", `{"id":"\u0041"}`: "A", `{"id":5}`: "", `{}`: "", `{"x":{"id":"no"}}`: "", `{"id":"a\"b"}`: `a"b`,
	} {
		d, err := NewDraft("transaction.created", []byte(body))
		if err != nil || d.Subject != want {
			t.Errorf("%s: %q (%v), not %q", body, d.Subject, err, want)
		}
	}
	if d, _ := NewDraft("order.created", []byte(`{"id":"x"}`)); d.Subject != "" {
		t.Errorf("an order has the transaction %q", d.Subject)
	}
}

func TestHashTellsContentApart(t *testing.T) {
	hash := "0x" + strings.Repeat("a", 64)
	base := Draft{ID: "e", Resource: "a", Action: "b", Body: []byte(`{"x":1}`)}
	other := base
	other.ID = "f"
	if base.Hash() != other.Hash() {
		t.Error("the id is part of the content")
	}
	seen := map[[32]byte]string{base.Hash(): "base"}
	for name, d := range map[string]Draft{
		"resource": {Resource: "ab", Action: "", Body: base.Body}, "action": {Resource: "a", Action: "c", Body: base.Body}, "body": {Resource: "a", Action: "b", Body: []byte(`{"x":2}`)},
		"receipt": {Resource: "a", Action: "b", Body: base.Body, Receipt: &Receipt{1, hash}}, "block": {Resource: "a", Action: "b", Body: base.Body, Receipt: &Receipt{2, hash}},
		"await": {Resource: "a", Action: "b", Body: base.Body, Await: true}, "watch": {Resource: "a", Action: "b", Body: base.Body, Await: true, Watch: hash},
		"whole": {Resource: "a", Action: "b", Body: base.Body, Whole: []byte("{}")},
	} {
		if twin, taken := seen[d.Hash()]; taken {
			t.Errorf("%s and %s are the same content", name, twin)
		}
		seen[d.Hash()] = name
	}
}

func FuzzDecodeDraft(f *testing.F) {
	for _, seed := range []string{
		`{"id":"e1","resource":"order","action":"created","body":{"x":1.0}}`, `{"resource":"transaction","action":"created","body":{"id":"tx"},"receipt":{"transactionHash":"0x"}}`,
		`{"body":{},"body":{"a":1,"a":2}}`, `[]`, `{"id":"\ud800"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		d, err := DecodeDraft(src)
		if err != nil {
			if CodeOf(err) != CodeBadRequest {
				t.Fatalf("%q: %v", src, err)
			}
			return
		}
		if d.ID == "" {
			d.ID = "made"
		}
		out := d.Build(accepted)
		if !json.Valid(out) || !ecmajson.Exact(out) {
			t.Fatalf("%q is sent as %q", src, out)
		}
		again, err := WholeDraft(out)
		if err != nil || again.ID != d.ID || again.Type() != d.Type() || !bytes.Equal(again.Body, d.Body) {
			t.Fatalf("%q is sent as %q, which reads as %+v (%v)", src, out, again, err)
		}
	})
}

func FuzzWholeDraft(f *testing.F) {
	f.Add([]byte(`{"id":"e","timestamp":"2026-01-05T10:20:30Z","resource":"a","action":"b","body":{}}`))
	f.Fuzz(func(t *testing.T, src []byte) {
		if d, err := WholeDraft(src); err == nil && (!bytes.Equal(d.Build(accepted), src) || !ValidEventID(d.ID) || !ValidType(d.Type())) {
			t.Fatalf("%q reads as %+v", src, d)
		}
	})
}

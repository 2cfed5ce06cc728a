package conformance

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// TestJudge holds each kind of answer against each kind of case.
func TestJudge(t *testing.T) {
	cases := map[string]Case{}
	for _, c := range Cases(SchemeBoth) {
		cases[c.Name] = c
	}
	for _, row := range []struct {
		name    string
		status  int
		err     string
		refuses bool
		want    Verdict
	}{
		{"good", 200, "", false, Pass},
		{"good", 204, "", false, Pass},
		{"good", 302, "", false, Fail},
		{"good", 401, "", false, Fail},
		{"good", 429, "", false, Fail},
		{"good", 500, "", false, Fail},
		{"good", 0, "connection_refused: x", false, Fail},
		{"repeated", 200, "", false, Pass},
		{"repeated", 409, "", false, Fail},
		{"signature", 401, "", false, Pass},
		{"signature", 400, "", false, Pass},
		{"signature", 200, "", false, Fail},
		{"signature", 302, "", false, Fail},
		{"signature", 500, "", false, Warning},
		{"signature", 429, "", false, Warning},
		{"signature", 0, "timeout: x", false, Fail},
		{"signature", 401, "", true, Warning},
		{"signature", 200, "", true, Fail},
		{"body", 202, "", false, Fail},
		{"secret", 403, "", false, Pass},
		{"secret", 503, "", false, Warning},
		{"timestamp", 200, "", false, Warning},
		{"timestamp", 400, "", false, Pass},
		{"huge", 413, "", false, Pass},
		{"huge", 200, "", false, Warning},
		{"huge", 502, "", false, Warning},
		{"huge", 0, "connection_reset: x", false, Pass},
		{"huge", 0, "timeout: x", false, Warning},
		{"content-type", 415, "", false, Pass},
		{"content-type", 200, "", false, Warning},
	} {
		r := Result{Case: cases[row.name], Status: row.status, Error: row.err}
		r.judge(row.refuses)
		if r.Verdict != row.want || (r.Why == "") != (r.Verdict == Pass) {
			t.Errorf("%s answered %s: %s (%s), want %s", row.name, r.Got(), r.Verdict, r.Why, row.want)
		}
	}
	if names := len(Cases(SchemeSignature)); names != len(cases)-1 {
		t.Errorf("%d cases of the scheme signature, want all but the stale one", names)
	}
}

// TestForged holds what each forgery leaves as it was and what it changes.
func TestForged(t *testing.T) {
	m := message{id: "evt-1", body: []byte(`{"id":"evt-1","body":{"total":2509}}`), key: []byte("0123456789abcdef0123456789abcdef")}
	good, body, err := m.forged(None)
	if err != nil || !bytes.Equal(body, m.body) {
		t.Fatal(err)
	}
	for _, name := range Forgeries() {
		forged, body, err := m.forged(Forgery(name))
		if err != nil {
			t.Fatal(err)
		}
		if same := bytes.Equal(body, m.body); same == (name == "body") || !json.Valid(body) || len(body) != len(m.body) {
			t.Errorf("%s: the body is %s", name, body)
		}
		if same := forged.Signature == good.Signature; same != (name == "body" || name == "timestamp") {
			t.Errorf("%s: Signature %s, the good one is %s", name, forged.Signature, good.Signature)
		}
		if same := forged.Standard == good.Standard; same != (name == "body") || !strings.HasPrefix(forged.Standard, "v1,") {
			t.Errorf("%s: webhook-signature %s, the good one is %s", name, forged.Standard, good.Standard)
		}
		if same := forged.Timestamp == good.Timestamp; same == (name == "timestamp") {
			t.Errorf("%s: webhook-timestamp %s, the good one is %s", name, forged.Timestamp, good.Timestamp)
		}
		if forged.ID != "evt-1" {
			t.Errorf("%s: webhook-id %s", name, forged.ID)
		}
	}
	if _, _, err := m.forged("github"); err == nil {
		t.Error("an unknown forgery was made")
	}
	if len(hugeBody("evt-1")) != HugeBody || !json.Valid(hugeBody("evt-1")) {
		t.Error("the huge body is no JSON of 64 MiB")
	}
}

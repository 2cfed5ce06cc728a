package webhook

import (
	"strings"
	"testing"
	"time"
)

func TestDecodeConfig(t *testing.T) {
	for _, test := range []struct {
		name, body string
		want       string // the configuration as JSON, or the error's code and text
	}{
		{"plain", `{"url":"https://a.b/c"}`, `{"name":"x","url":"https://a.b/c"}`},
		{"as given", `{"url":"HTTPS://A.B:443/c#F"}`, `{"name":"x","url":"HTTPS://A.B:443/c#F"}`},
		{"groups", `{"url":"u","transaction":{"created":"v"},"order":{"paid":"w"}}`, `{"name":"x","url":"u","order":{"paid":"w"},"transaction":{"created":"v"}}`},
		{"empty group", `{"url":"u","transaction":{}}`, `{"name":"x","url":"u"}`},
		{"last key counts", `{"url":"u","url":"v"}`, `{"name":"x","url":"v"}`},
		{"name in the body", `{"name":"other","url":"u"}`, `{"name":"x","url":"u"}`},
		{"events", `{"url":"u","events":["transaction.*","card.updated"]}`, `{"name":"x","url":"u","events":["transaction.*","card.updated"]}`},
		{"all events", `{"url":"u","events":["*"]}`, `{"name":"x","url":"u"}`},
		{"disabled", `{"url":"u","enabled":false}`, `{"name":"x","url":"u","enabled":false}`},
		{"secret is ignored", `{"url":"u","secret":5}`, `{"name":"x","url":"u"}`},
		{"unknown members", `{"url":"u","color":"red","options":{"n":5},"list":[1],"none":null}`, `{"name":"x","url":"u"}`},
		{"constructor", `{"url":"u","constructor":{"created":"v"}}`, `{"name":"x","url":"u","constructor":{"created":"v"}}`},

		{"no url", `{}`, `bad request: url is missing`},
		{"null url", `{"url":null}`, `bad request: url is null; a string is needed`},
		{"number url", `{"url":5}`, `bad request: url is a number; a string is needed`},
		{"null event", `{"url":"u","transaction":{"created":null}}`, `bad request: transaction.created is null; only PATCH clears a URL so`},
		{"known resource, wrong shape", `{"url":"u","transaction":"v"}`, `bad request: transaction is a string; an object of URLs is needed`},
		{"known resource, wrong value", `{"url":"u","card":{"updated":5}}`, `bad request: card.updated is a number; a string is needed`},
		{"bad resource", `{"url":"u","Order":{"paid":"v"}}`, `bad request: "Order" does not match ^[a-z][a-z0-9_]{0,63}$`},
		{"bad action", `{"url":"u","order":{"Paid":"v"}}`, `bad request: order: the action "Paid" does not match ^[a-z][a-z0-9_]{0,63}$`},
		{"empty events", `{"url":"u","events":[]}`, `bad request: events is empty`},
		{"null events", `{"url":"u","events":null}`, `bad request: events is null`},
		{"null in events", `{"url":"u","events":[null]}`, `bad request: events is a list`},
		{"bad pattern", `{"url":"u","events":["x"]}`, `bad request: events has "x"; a pattern is`},
		{"bad enabled", `{"url":"u","enabled":"no"}`, `bad request: enabled is a string; true or false is needed`},
		{"null enabled", `{"url":"u","enabled":null}`, `bad request: enabled is null`},
		{"bad name", `{"name":"Bad","url":"u"}`, `invalid name: name "Bad" does not match`},
		{"unseen in a name", `{"name":"or\u202eders","url":"u"}`, `invalid name: name "or<U+202E>ders" has the character U+202E, which can't be seen`},
		{"several faults", `{"events":[],"enabled":1}`, `bad request: enabled is a number; true or false is needed; events is empty`},
		{"a list", `[]`, `bad request: the body is a list; a JSON object is needed`},
		{"null", `null`, `bad request: the body is null; a JSON object is needed`},
		{"broken", "{\n \"url\": }", `bad request: not JSON: line 2, column 9`},
	} {
		t.Run(test.name, func(t *testing.T) {
			patch, err := DecodeConfig([]byte(test.body))
			got := ""
			if err != nil {
				got = string(CodeOf(err)) + ": " + err.Error()
				if !strings.HasPrefix(got, test.want) {
					t.Errorf("%s, not %s", got, test.want)
				}
				return
			}
			config, err := patch.Apply(Config{Name: "x"})
			if err != nil {
				t.Fatal(err)
			}
			if got = string(config.AppendJSON(true)); got != test.want {
				t.Errorf("%s, not %s", got, test.want)
			}
		})
	}
}

func TestPatch(t *testing.T) {
	base := Config{Name: "x", URL: "u", Only: []string{"a.*"}, Routes: map[string]map[string]string{"a": {"b": "v", "c": "w"}}}
	for _, test := range []struct{ body, want string }{
		{`{}`, `{"name":"x","url":"u","events":["a.*"],"a":{"b":"v","c":"w"}}`},
		{`{"url":"z"}`, `{"name":"x","url":"z","events":["a.*"],"a":{"b":"v","c":"w"}}`},
		{`{"a":{"b":null}}`, `{"name":"x","url":"u","events":["a.*"],"a":{"c":"w"}}`},
		{`{"a":{"b":null,"c":null}}`, `{"name":"x","url":"u","events":["a.*"]}`},
		{`{"a":{"d":"n"},"e":{"f":"m"}}`, `{"name":"x","url":"u","events":["a.*"],"a":{"b":"v","c":"w","d":"n"},"e":{"f":"m"}}`},
		{`{"events":["*"],"enabled":false}`, `{"name":"x","url":"u","enabled":false,"a":{"b":"v","c":"w"}}`},
		{`{"name":"other"}`, `{"name":"x","url":"u","events":["a.*"],"a":{"b":"v","c":"w"}}`},
	} {
		patch, err := DecodePatch([]byte(test.body))
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
			continue
		}
		changed, err := patch.Apply(base)
		if err != nil {
			t.Errorf("%s: %v", test.body, err)
		}
		if got := string(changed.AppendJSON(true)); got != test.want {
			t.Errorf("%s gives %s, not %s", test.body, got, test.want)
		}
	}
	if string(base.AppendJSON(true)) != `{"name":"x","url":"u","events":["a.*"],"a":{"b":"v","c":"w"}}` {
		t.Error("a patch changed what it was applied to")
	}
	if _, err := DecodePatch([]byte(`{"url":null}`)); CodeOf(err) != CodeBadRequest {
		t.Errorf("null url in a patch: %v", err)
	}
	for body, want := range map[string]Code{`{"name":"Bad"}`: CodeInvalidName, `{"name":"x\u200b","url":"z"}`: CodeInvalidName, `{"name":null}`: CodeBadRequest, `{"name":5}`: CodeBadRequest} {
		if _, err := DecodePatch([]byte(body)); CodeOf(err) != want {
			t.Errorf("%s in a patch: %v", body, err)
		}
	}
}

func TestRouting(t *testing.T) {
	c := Config{URL: "default", Routes: map[string]map[string]string{"transaction": {"created": "special"}}}
	for eventType, want := range map[string]string{"transaction.created": "special", "transaction.updated": "default", "card.updated": "default"} {
		if got := c.URLFor(eventType); got != want {
			t.Errorf("%s goes to %s, not %s", eventType, got, want)
		}
	}
	for _, test := range []struct {
		only []string
		want bool
	}{
		{nil, true}, {[]string{"*"}, true}, {[]string{"transaction.*"}, true}, {[]string{"transaction.created"}, true},
		{[]string{"transaction.updated"}, false}, {[]string{"card.*", "user.updated"}, false}, {[]string{"trans.*"}, false},
	} {
		c := Config{Only: test.only}
		if got := c.Wants("transaction.created"); got != test.want {
			t.Errorf("%v wants transaction.created: %t", test.only, got)
		}
	}
}

func TestETagFollowsEveryChange(t *testing.T) {
	base := Config{Name: "x", URL: "u"}
	seen := map[string]string{base.ETag(): "base"}
	for name, changed := range map[string]Config{
		"name": {Name: "y", URL: "u"}, "url": {Name: "x", URL: "v"}, "only": {Name: "x", URL: "u", Only: []string{"a.b"}}, "disabled": {Name: "x", URL: "u", Disabled: true},
		"routes": {Name: "x", URL: "u", Routes: map[string]map[string]string{"a": {"b": "c"}}}, "limits": {Name: "x", URL: "u", Limits: Limits{Rate: 1}},
	} {
		if other, taken := seen[changed.ETag()]; taken {
			t.Errorf("%s and %s have the same tag", name, other)
		}
		seen[changed.ETag()] = name
	}
	clone := base.Clone()
	if clone.ETag() != base.ETag() {
		t.Error("the same configuration has two tags")
	}
}

func TestRetryPolicy(t *testing.T) {
	p := DefaultRetry()
	table := p.Timetable(time.Unix(0, 0))
	if len(table) != 21 {
		t.Errorf("%d attempts", len(table))
	}
	if days := table[20].Sub(table[0]).Hours() / 24; days < 2.2 || days > 2.3 {
		t.Errorf("%.2f days, not about 2¼", days)
	}
	for n, want := range map[int]time.Duration{0: 500 * time.Millisecond, 1: time.Second, 10: 512 * time.Second, 17: 12 * time.Hour, 1000: 12 * time.Hour} {
		if got := p.Delay(n); got != want {
			t.Errorf("retry %d waits %s, not %s", n, got, want)
		}
		if got := p.Wait(n, 0.999999); got < want || got > want+want/10 {
			t.Errorf("retry %d waits %s with jitter", n, got)
		}
	}
	if SandboxRetry().Retries != 3 {
		t.Error("the sandbox does not retry 3 times")
	}
}

func TestDeliveryKey(t *testing.T) {
	for _, key := range []DeliveryKey{{1, 1, 0}, {1 << 40, 35, 0}, {36, 37, 12}} {
		if back, err := ParseDeliveryKey(key.String()); err != nil || back != key {
			t.Errorf("%s reads as %v (%v)", key, back, err)
		}
	}
	for _, bad := range []string{"", "dlv_", "dlv_1", "dlv_1_", "dlv_1_1_0", "dlv_01_1", "dlv_A_1", "dlv_1_1_1_1", "dlv_-1_1", "evt_1_1", "dlv_zzzzzzzzzzzzzzzz_1"} {
		if _, err := ParseDeliveryKey(bad); CodeOf(err) != CodeNotFound {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("a", 64)
	for _, good := range []string{"a", "orders-2", "0", "-", long, "constructor"} {
		if !ValidName(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", "A", "a_b", "a.b", "a b", "ü", long + "a", "a\n"} {
		if ValidName(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, good := range []string{"a.b", "transaction.created", "a_1.b_2"} {
		if !ValidType(good) {
			t.Errorf("%q is refused", good)
		}
	}
	for _, bad := range []string{"", "a", "a.", ".b", "a.b.c", "A.b", "1a.b", "a.*", long + "a.b"} {
		if ValidType(bad) {
			t.Errorf("%q is taken", bad)
		}
	}
	for _, bad := range []string{"", "a b", "a.b", "é", "a\x7f", strings.Repeat("a", 201)} {
		if ValidEventID(bad) {
			t.Errorf("%q is taken as an id", bad)
		}
	}
	now := time.Unix(1_800_000_000, 0)
	if a, b := NewEventID(now), NewEventID(now.Add(time.Millisecond)); !ValidEventID(a) || a >= b || len(a) != 30 {
		t.Errorf("%s, %s", a, b)
	}
}

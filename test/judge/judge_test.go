package judge_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"sealpost/test/judge"
)

const secret = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

var start = time.Date(2026, 1, 5, 10, 20, 30, 0, time.UTC)

func at(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// request is an attempt that arrives at a time, is answered a millisecond
// later, and is signed as it has to be.
func request(id string, ms, status int) judge.Request {
	r := judge.Request{Webhook: "hook", At: at(ms), Status: status, ID: id, Timestamp: "1767608430", Body: payload(id)}
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(r.Body)
	r.Signature = hex.EncodeToString(mac.Sum(nil))
	mac.Reset()
	mac.Write([]byte(id + "." + r.Timestamp + "." + string(r.Body)))
	r.Standard = "v1,bm90IHRoaXMgb25l v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return r
}

func payload(id string) []byte { return []byte(`{"id":"` + id + `","body":{"of":"` + id + `"}}`) }

func sent(id string, acknowledged bool) judge.Sent {
	return judge.Sent{ID: id, Acknowledged: acknowledged, Body: []byte(`{"of":"` + id + `"}`), To: []string{"hook"}}
}

func stored(id string, state judge.State, attempts int) judge.Event {
	return judge.Event{ID: id, Bytes: payload(id), Count: 1, Deliveries: []judge.Delivery{{Webhook: "hook", State: state, Attempts: attempts}}}
}

// good is a case in which every promise was kept: one event delivered at
// once, one at the third attempt, one dead, one pending, one that was never
// acknowledged and is on file all the same, one that is not, and one whose
// success a crash kept from being recorded.
func good() judge.Case {
	return judge.Case{
		Policy:  judge.Policy{Attempts: 3, Base: 100 * time.Millisecond, Factor: 2, MaxDelay: time.Second},
		Secrets: map[string][]judge.Secret{"hook": {{Value: "another"}, {Value: secret}}},
		Closed:  map[string][]judge.Span{"/old": {{From: at(0)}}, "/hook": {{From: at(6000), To: at(7000)}}},
		Crashes: []time.Time{at(5000)},
		Frozen:  []judge.Span{{From: at(7950), To: at(8500)}},
		Ended:   map[judge.Key]time.Time{{Webhook: "hook", ID: "once"}: at(5001)},
		Planned: []judge.Plan{{Key: judge.Key{Webhook: "hook", ID: "third"}, At: at(200), Due: at(300)}},
		PutAway: map[string]bool{"left": true},
		Tokens:  []string{"sp_token"},
		Logs:    [][]byte{[]byte("level=INFO msg=serving")},
		Sent:    []judge.Sent{sent("once", true), sent("third", true), sent("dead", true), sent("pending", true), sent("unheard", false), sent("never", false), sent("crash", true), sent("frozen", true), sent("pruned", true)},
		Received: []judge.Request{
			request("once", 0, 200),
			request("third", 0, 500), request("third", 101, 0), request("third", 302, 204),
			request("dead", 0, 500), request("dead", 120, 500), request("dead", 340, 500),
			request("crash", 4990, 200), request("crash", 5100, 200),
			request("unheard", 10, 200),
			request("pruned", 20, 500), request("pruned", 130, 200),
			request("frozen", 7900, 200), request("frozen", 9000, 200),
		},
		File: &judge.File{Integrity: "ok", Events: []judge.Event{
			stored("once", judge.Delivered, 1), stored("third", judge.Delivered, 3), stored("dead", judge.Dead, 3),
			stored("pending", judge.Pending, 0), stored("unheard", judge.Delivered, 1), stored("crash", judge.Delivered, 1), stored("frozen", judge.Delivered, 2), {ID: "pruned", Count: 1},
			{ID: "left", Count: 2, Deliveries: []judge.Delivery{{Webhook: "left", State: judge.Cancelled}, {Webhook: "left", State: judge.Parked}}},
		}},
	}
}

func TestGood(t *testing.T) {
	for _, v := range judge.Judge(good()) {
		t.Error(v)
	}
}

// TestCatches doctors the words of the witnesses, one promise at a time.
func TestCatches(t *testing.T) {
	for _, test := range []struct {
		name   string
		doctor func(*judge.Case)
		want   judge.Rule
	}{
		{"acknowledged before the commit", func(c *judge.Case) { c.File.Events = c.File.Events[1:] }, judge.Lost},
		{"acknowledged, and a delivery is missing", func(c *judge.Case) { c.File.Events[0].Deliveries = nil }, judge.Lost},
		{"recorded as delivered without a success", func(c *judge.Case) { c.Received[0].Status = 500 }, judge.Lost},
		{"recorded as delivered without a request", func(c *judge.Case) { c.Received = c.Received[1:] }, judge.Lost},
		{"given up early", func(c *judge.Case) { c.File.Events[2].Deliveries[0].Attempts = 2 }, judge.Lost},
		{"acknowledged, and nobody gets it", func(c *judge.Case) { c.File.Events[3].Count, c.File.Events[3].Deliveries = 0, nil }, judge.Lost},
		{"cancelled by nobody", func(c *judge.Case) { c.File.Events[3].Deliveries[0].State = judge.Cancelled }, judge.Lost},
		{"parked by nobody", func(c *judge.Case) { c.File.Events[3].Deliveries[0].State = judge.Parked }, judge.Lost},
		{"pruned before it was delivered", func(c *judge.Case) {
			c.Received = slices.DeleteFunc(c.Received, func(r judge.Request) bool { return r.ID == "pruned" && r.Status == 200 })
		}, judge.Lost},
		{"another body at another attempt", func(c *judge.Case) { c.File.Events[1].Bytes = nil; c.Received[2].Body = []byte(`{}`) }, judge.Body},
		{"another body than on file", func(c *judge.Case) { c.File.Events[0].Bytes = []byte(`{}`) }, judge.Body},
		{"another body than was sent", func(c *judge.Case) { c.Sent[0].Body = []byte(`{"of":"me"}`) }, judge.Body},
		{"to a webhook that it was not for", func(c *judge.Case) {
			r := request("once", 0, 200)
			r.Webhook, c.Secrets["other"] = "other", c.Secrets["hook"]
			c.Received = append(c.Received, r)
		}, judge.Invented},
		{"received, and not on file", func(c *judge.Case) { c.Received = append(c.Received, request("never", 0, 200)) }, judge.Invented},
		{"an event from nowhere", func(c *judge.Case) { c.Received = append(c.Received, request("ghost", 0, 200)) }, judge.Invented},
		{"one attempt too many", func(c *judge.Case) {
			c.Received = append(c.Received, request("dead", 2000, 500), request("dead", 4000, 500))
		}, judge.Excess},
		{"attempts that nobody recorded", func(c *judge.Case) { c.File.Events[1].Deliveries[0].Attempts = 1 }, judge.Excess},
		{"repeated for a crash, though its end was on file", func(c *judge.Case) { c.Received = append(c.Received, request("once", 5500, 200)) }, judge.Repeated},
		{"repeated, and nothing stood still", func(c *judge.Case) { c.Frozen = nil }, judge.Repeated},
		{"repeated after a success", func(c *judge.Case) { c.Received = append(c.Received, request("once", 500, 200)) }, judge.Repeated},
		{"repeated twice for one crash", func(c *judge.Case) { c.Received = append(c.Received, request("crash", 5200, 200)) }, judge.Repeated},
		{"a retry before its time", func(c *judge.Case) { c.Received[2].At = at(80) }, judge.Early},
		{"a second retry after the wait of the first", func(c *judge.Case) { c.Received[3].At = at(250) }, judge.Early},
		{"before the time that was on file", func(c *judge.Case) { c.Planned[0].Due = at(310) }, judge.Early},
		{"a signature of nobody", func(c *judge.Case) { c.Secrets["hook"] = c.Secrets["hook"][:1] }, judge.Signature},
		{"a signature by a secret that was dropped", func(c *judge.Case) { c.Secrets["hook"][1].Ends = at(300) }, judge.Signature},
		{"a secret that was dropped signs as well", func(c *judge.Case) {
			c.Secrets["hook"] = append(c.Secrets["hook"], judge.Secret{Value: secret, Ends: at(300)})
		}, judge.Signature},
		{"to a URL that was left", func(c *judge.Case) { c.Received[2].URL = "/old" }, judge.Misplaced},
		{"to a webhook that was disabled", func(c *judge.Case) { c.Received[2].URL = "/hook"; c.Received[2].At = at(6500) }, judge.Misplaced},
		{"a signature of other bytes", func(c *judge.Case) { c.Received[0].Signature = c.Received[1].Signature }, judge.Signature},
		{"no triple", func(c *judge.Case) { c.Received[0].Standard = "" }, judge.Signature},
		{"a damaged file", func(c *judge.Case) { c.File.Integrity = "row 3 missing from index" }, judge.Integrity},
		{"a token in a log", func(c *judge.Case) { c.Logs = append(c.Logs, []byte("Bearer sp_token")) }, judge.Leaked},
		{"a secret in a log", func(c *judge.Case) { c.Logs = append(c.Logs, []byte("key="+secret)) }, judge.Leaked},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := good()
			test.doctor(&c)
			found := judge.Judge(c)
			for _, v := range found {
				if v.Rule == test.want {
					return
				}
			}
			t.Errorf("it was not caught as %s: %v", test.want, found)
		})
	}
}

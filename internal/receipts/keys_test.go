package receipts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"sealpost/internal/secret"
)

// A node that repeats the key may put it anywhere, across the place where its
// words are cut too; no part of it may be shown.
func TestNoPartOfTheKeyIsShownWhereWordsAreCut(t *testing.T) {
	const key = "topsecretkey0123456789abcdef"
	before := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		message, _ := json.Marshal(strings.Repeat("x", before) + key)
		_, _ = fmt.Fprintf(w, `[{"id":1,"error":{"code":-32000,"message":%s}},{"id":2,"result":"0x1"}]`, message)
	}))
	defer server.Close()
	node, err := NewNode(secret.New(server.URL+"/v3/"+key), server.Client())
	if err != nil {
		t.Fatal(err)
	}
	for before = range 500 {
		_, _, err := node.State(t.Context())
		if err == nil || strings.Contains(err.Error(), key[:6]) {
			t.Fatalf("after %d characters: %v", before, err)
		}
		if len(err.Error()) > 450 {
			t.Fatalf("%d bytes for the log", len(err.Error()))
		}
	}
}

// A node may say very much, keys and all: what is shown is short and has none.
func TestMuchOfTheKeyIsShownAsLittle(t *testing.T) {
	u, err := url.Parse("http://node.example/v3/topsecretkey")
	if err != nil {
		t.Fatal(err)
	}
	for _, said := range []string{"topsecretkey", "topsecretkey ", strings.Repeat("%74opsecret%25256bey", 7) + "x", "nothing of it, ", strings.Repeat("y", 399) + "topsecretkey"} {
		said = strings.Repeat(said, maxAnswer/len(said))
		shown := newKeys(u).hide(said)
		if strings.Contains(shown, "opsec") || len(shown) < 100 || len(shown) > 410 {
			t.Errorf("of %.40q: %d bytes, %s", said, len(shown), shown)
		}
	}
}

// A key may come back in another form than it has in the URL: decoded by the
// node's router, as the header that it was sent in, encoded or quoted by a
// proxy. None of them is shown.
func TestNoFormOfTheKeyIsShown(t *testing.T) {
	const (
		path  = "/v3/first%2Fse%63ret%2Bkey%20one/x-key=abc=def=ghi"
		query = "token=q%3Dq%26q%22uote&other=p%C3%A4ss%5Cword%FF&bare-flag-key"
		user  = "us%65r-name:p%40ss%2Fw%25rd"
	)
	u, err := url.Parse("http://" + user + "@node.example" + path + "?" + query)
	if err != nil {
		t.Fatal(err)
	}
	keys := newKeys(u)
	request := &http.Request{Header: http.Header{}}
	password, _ := u.User.Password()
	request.SetBasicAuth(u.User.Username(), password)
	basic := strings.TrimPrefix(request.Header.Get("Authorization"), "Basic ")
	for _, secret := range []struct{ said, none string }{
		{path, "cret"}, {u.Path, "cret"}, {u.Path[4:], "cret"}, {"/v3/first/secret+key one", "cret"}, {"first%2fsecret%2bkey%20one", "cret"}, {"first%2fsecret%2bkey+one", "cret"},
		{"FIRST%2FSECRET+KEY ONE", "CRET"}, {"x-key=abc=def=ghi", "def"}, {"abc=def=ghi", "def"},
		{query, "uote"}, {u.Query().Get("token"), "uote"}, {`the token is "q=q&q\"uote"`, "uote"}, {u.Query().Get("other"), "word"}, {"p%c3%a4ss%5cword%ff", "word"}, {"bare-flag-key", "flag"},
		{`{"path":"\/v3\/first\/secret+key one","token":"q=q\u0026q\"uote"}`, "cret"}, {`{"token":"q=q\u0026q\"uote"}`, "uote"}, {"first%252Fsecret%252Bkey%2520one", "cret"},
		{user, "rd"}, {u.User.Username(), "user"}, {password, "w%rd"}, {u.User.Username() + ":" + password, "w%rd"}, {u.User.String(), "rd"}, {url.QueryEscape(user), "rd"}, {"p%40ss/w%25rd", "rd"},
		{basic, basic[:6]}, {"Basic " + basic, basic[:6]}, {strings.TrimRight(basic, "="), basic[:6]}, {strings.NewReplacer("+", "-", "/", "_").Replace(basic), basic[:6]},
		{url.QueryEscape(basic), basic[:6]},
	} {
		message, err := json.Marshal(secret.said)
		if err != nil {
			t.Fatal(err)
		}
		said := string(message)
		for where, answer := range map[string]string{
			"an error":    `{"id":1,"error":{"code":-32000,"message":` + said + `}}`,
			"a code":      `{"id":1,"error":{"code":` + said + `,"message":"no"}}`,
			"a quantity":  `{"id":1,"result":` + said + `}`,
			"an object":   `{"id":1,"result":{` + said + `:` + said + `}}`,
			"a hash":      `{"id":1,"result":{"transactionHash":` + said + `}}`,
			"a status":    `{"id":1,"result":{"transactionHash":"0x1","blockNumber":"0x1","status":` + said + `}}`,
			"a block":     `{"id":1,"result":{"transactionHash":"0x1","blockNumber":` + said + `}}`,
			"an id":       `{"id":` + said + `,"result":"0x1"}`,
			"a bare text": said,
		} {
			single := parseSingle([]byte(answer), 1)
			_, number := single.quantity()
			_, together := parseBatch([]byte("["+answer+"]"), 1)
			for _, err := range []error{single.err, number, single.receipt("0x1").Err, together} {
				if err == nil {
					continue
				}
				if shown := keys.hide(err.Error()); strings.Contains(shown, secret.none) {
					t.Errorf("%s, %q is shown: %s", where, secret.said, shown)
				}
			}
		}
	}
}

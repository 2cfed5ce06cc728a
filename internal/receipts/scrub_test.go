package receipts

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
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

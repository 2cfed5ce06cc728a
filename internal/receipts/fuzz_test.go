package receipts

import (
	"strings"
	"testing"
)

// FuzzAnswer has a node answer with anything: what comes out is for the
// transaction that was asked for, in a block that can be, or an error.
func FuzzAnswer(f *testing.F) {
	hash := "0x" + strings.Repeat("a", 64)
	for _, seed := range []string{
		`[{"id":1,"result":{"transactionHash":"` + hash + `","blockNumber":"0x7","status":"0x1"}}]`,
		`{"id":1,"result":{"transactionHash":"` + hash + `","blockNumber":"0x7","status":"0x0"}}`,
		`[{"id":1,"result":null},{"id":1,"result":"0x1"}]`, `{"id":1,"error":{"code":-32000,"message":"no"}}`,
		`[]`, `[null]`, `{}`, `[{"id":"1"}]`, "\x00", `[{"id":1e0,"result":[[[[]]]]}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		answers, err := parseBatch(body, 2)
		if err != nil {
			answers = nil
		}
		for _, a := range append(answers, parseSingle(body, 1)) {
			_, _ = a.quantity()
			found := a.receipt(hash)
			if found.Outcome != nil && (found.Err != nil || found.Outcome.TransactionHash != hash || found.Outcome.BlockNumber > 1<<53) {
				t.Errorf("%+v", found)
			}
			if found.Err != nil && len(found.Err.Error()) > 2000 {
				t.Errorf("an error of %d bytes", len(found.Err.Error()))
			}
		}
	})
}

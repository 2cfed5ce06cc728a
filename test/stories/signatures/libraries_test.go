package signatures

import (
	"encoding/base64"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/signature"
)

// TestLibraries has the libraries that receivers use, standardwebhooks and svix from
// npm, agree with sealpost both ways: what one signs the other takes, and a body or
// a secret that is another one is refused by both. `make node` installs them.
func TestLibraries(t *testing.T) {
	t.Parallel()
	at := time.Now().Truncate(time.Second)
	seconds := strconv.FormatInt(at.Unix(), 10)
	run := func(body string, args ...string) (string, error) {
		node := exec.CommandContext(t.Context(), "node", append([]string{"both.js"}, args...)...)
		node.Dir = filepath.Join("..", "..", "webhooklibs")
		node.Stdin = strings.NewReader(body)
		out, err := node.CombinedOutput()
		return string(out), err
	}
	plain := "f00dfacecafebeef0123456789abcdeff00dfacecafebeef0123456789abcdef"
	for ours, theirs := range map[string]string{
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
		plain:                                    "whsec_" + base64.StdEncoding.EncodeToString([]byte(plain)), // a secret that is no whsec_ is told to them so
	} {
		for _, body := range []string{`{"test": 2432232314}`, `{"name":"Zoë 😀"}`, "{}"} {
			key := secret.New(ours)
			value := signature.Standard(key.Key(), "evt_1", at.Unix(), []byte(body))
			if out, err := run(body, "verify", theirs, "evt_1", seconds, value); err != nil {
				t.Errorf("%q is refused: %v (`make node` installs what this test needs)\n%s", body, err, out)
			}
			if out, err := run(body+" ", "verify", theirs, "evt_1", seconds, value); err == nil {
				t.Errorf("another body than %q is taken: %s", body, out)
			}
			signed, err := run(body, "sign", theirs, "evt_1", seconds)
			if err != nil {
				t.Fatalf("%v (`make node` installs what this test needs)\n%s", err, signed)
			}
			values := strings.Fields(signed)
			if len(values) != 2 {
				t.Fatalf("%q", signed)
			}
			for _, value := range values {
				for _, header := range []string{"webhook", "svix"} {
					r := signature.Request{Body: []byte(body), At: at, Tolerance: signature.DefaultTolerance,
						Headers: map[string][]string{header + "-id": {"evt_1"}, header + "-timestamp": {seconds}, header + "-signature": {value}},
						Secrets: []signature.Candidate{{Name: "it", Secret: key, Accept: true}}}
					if got := signature.Verify(r); !got.Valid {
						t.Errorf("%s is refused in %s-signature: %+v", value, header, got)
					}
					r.Body = append(r.Body, ' ')
					if got := signature.Verify(r); got.Valid {
						t.Errorf("%s is taken for another body", value)
					}
				}
			}
		}
	}
}

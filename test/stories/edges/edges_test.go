package edges

import (
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"sealpost/internal/store"
	"sealpost/internal/webhook"

	"sealpost/test/story"
)

// What differs between two runs of the same commands.
var varying = []struct{ pattern, instead string }{
	{`[0-9a-f]{64}`, "SECRET"},
	{`evt_[0-9a-z]{26}`, "EVENT"},
	{`dlv_[0-9a-v]{20,}`, "DELIVERY"}, // encrypted under a key of the file
	{`20\d\d-\d\d-\d\dT[0-9:.]+Z`, "TIME"},
	{`"duration_ms":[0-9.]+`, `"duration_ms":N`},
}

func normal(text string) string {
	for _, v := range varying {
		text = regexp.MustCompile(v.pattern).ReplaceAllString(text, v.instead)
	}
	return text
}

// TestBothEdges runs one table of cases on a database file and on a daemon
// over another one: output and exit codes are the same.
func TestBothEdges(t *testing.T) {
	folder := t.TempDir()
	common := []string{"SEALPOST_EGRESS_ALLOW=127.0.0.0/8", "NEW=abcdefghijklmnopqrstuvwxyz"}
	served := story.New(t, append([]string{"SEALPOST_DATABASE=" + filepath.Join(folder, "served.db")}, common...))
	token, errs, code := served.Run("", "token", "create", "test", "-o", "json")
	if code != 0 {
		t.Fatal(errs)
	}
	token = regexp.MustCompile(`"token":"([^"]+)"`).FindStringSubmatch(token)[1]
	hold(t, filepath.Join(folder, "served.db"), "h1")
	hold(t, filepath.Join(folder, "file.db"), "h1")
	url, logs := served.Serve()
	edges := map[string]story.Program{
		"file":   story.New(t, append([]string{"SEALPOST_DATABASE=" + filepath.Join(folder, "file.db")}, common...)),
		"server": story.New(t, append([]string{"SEALPOST_SERVER=" + url, "SEALPOST_TOKEN=" + token}, common...)),
	}
	hash := "0x" + strings.Repeat("ab", 32)
	for _, line := range []string{
		`webhook create orders --url https://127.0.0.1:8441/hook --event order.paid=https://127.0.0.1:8442/paid --only order.* --only user.updated`,
		`webhook list`,
		`webhook create orders --url https://127.0.0.1:8441/hook`,
		`webhook create orders --url https://127.0.0.1:8441/other --if-absent`,
		`webhook create Bad --url https://127.0.0.1:8441/hook`,
		`webhook create x --url https://10.0.0.1/hook`,
		`webhook create x --url nonsense`,
		`webhook get orders`,
		`webhook get nobody`,
		`webhook update orders --event order.paid= --only *`,
		`webhook update orders --disable`,
		`webhook update nobody --enable`,
		`webhook rotate orders --secret env:NEW`,
		`webhook rotate orders`,
		`webhook rotate orders --now`,
		`publish order.paid --data {"n":1.0} --id e1`,
		`publish order.paid --data {"n":1} --id e1`,
		`publish order.paid --data {"n":2} --id e1`,
		`publish order.paid --data {"n":} --id e2`,
		`publish transaction.created --data {}`,
		`publish order.paid --data {} --to nobody`,
		`publish order.paid --data {} --to orders --id e3`,
		`webhook delete orders`,
		`webhook delete orders -y`,
		`webhook delete orders -y`,
		`publish order.paid --data {} --id e4`,
		`webhook list`,
		`event list --type order.paid`,
		`event get e1`,
		`event get nothing`,
		`event list --state nonsense`,
		`event resend e4`,
		`event get h1`,
		`event receipt h1 --transaction-hash ` + hash + ` --block-number 7`,
		`event receipt h1 --transaction-hash ` + hash + ` --block-number 7`,
		`event receipt h1 --transaction-hash ` + hash + ` --block-number 8`,
		`event receipt h1 --transaction-hash 0x1 --block-number 8`,
		`event receipt nothing --transaction-hash ` + hash + ` --block-number 8`,
		`event get h1`,
		`event resend nothing`,
		`delivery list --state delivered`,
		`delivery list --state nonsense`,
		`delivery get dlv_99_9`,
		`delivery retry dlv_99_9`,
		`delivery cancel dlv_99_9 -y`,
	} {
		for _, form := range []string{"table", "json"} {
			args := append(strings.Fields(line), "-o", form)
			if form == "table" && !strings.Contains(line, "list") && !strings.Contains(line, "get") {
				continue // what changes something runs once
			}
			var got [2]string
			for i, edge := range []string{"file", "server"} {
				out, errs, code := edges[edge].Run("", args...)
				got[i] = normal(out + "\n[" + string(rune('0'+code)) + "]\n" + errorCode(errs))
			}
			if got[0] != got[1] {
				t.Errorf("%s\non the file:   %s\non the server: %s", line, got[0], got[1])
			}
		}
	}
	if strings.Contains(logs.String(), token) || strings.Contains(logs.String(), "abcdefghijklmnopqrstuvwxyz") {
		t.Errorf("a secret is in the log:\n%s", logs)
	}
}

// hold has an event wait for its receipt, which the command line can't ask for.
func hold(t *testing.T, path, id string) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Path: path, Create: true, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	draft, err := webhook.NewDraft("order.paid", []byte(`{}`))
	if err == nil {
		draft.ID, draft.Await = id, true
		if _, err = s.Organization(t.Context(), "default"); err != nil {
			_, err = s.CreateOrganization(t.Context(), "default", "default", time.Now())
		}
	}
	if err == nil {
		var results []webhook.Publishing
		results, err = s.Publish(t.Context(), []webhook.Publication{{Organization: "default", Draft: draft, At: time.Now(), HoldUntil: time.Now().Add(time.Hour)}})
		if err == nil {
			err = results[0].Err
		}
	}
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestFileAlone: with a server named, what works on the database file alone
// refuses, and does not do on this machine what was meant for that one.
func TestFileAlone(t *testing.T) {
	folder := t.TempDir()
	file := story.New(t, []string{"SEALPOST_DATABASE=" + filepath.Join(folder, "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.0/8"})
	if _, errs, code := file.Run("", "webhook", "create", "x", "--url", "https://127.0.0.1:8441/"); code != 0 {
		t.Fatal(errs)
	}
	both := story.New(t, append([]string{"SEALPOST_SERVER=http://127.0.0.1:9", "SEALPOST_TOKEN=x"}, file.Env...))
	for _, line := range []string{
		"token create ci", "token list", "token revoke ci -y", "org create acme", "org list", "member list", "member add 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
		"credential link --provider-user u --credential c", "credential list", "credential unlink --provider-user u -y", "credential unknown",
		"quarantine list", "publish --provider panda -", "publish a.b --data {} --dry-run", "publish a.b --data {} --direct",
		"verify-signature --webhook x --body - -H Signature:00", "webhook export --with-secrets",
		"db check", "db migrate", "db prune", "db rekey --off", "db backup copy.db", "doctor",
	} {
		out, errs, code := both.Run("{}", strings.Fields(line)...)
		if code != story.ExitUsage || !strings.Contains(errs, "database file") {
			t.Errorf("%s: exit code %d: %s%s", line, code, out, errs)
		}
	}
	if out, _, _ := file.Run("", "token", "list", "-o", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("made on this machine: %s", out)
	}
}

// TestProcessesBesideTheDaemon has two command lines work on the file while a
// daemon does: nobody ever sees a locked database, and nothing is lost.
func TestProcessesBesideTheDaemon(t *testing.T) {
	p := story.New(t, []string{"SEALPOST_DATABASE=" + filepath.Join(t.TempDir(), "s.db"), "SEALPOST_EGRESS_ALLOW=127.0.0.0/8"})
	if _, errs, code := p.Run("", "webhook", "create", "x", "--url", "https://127.0.0.1:8441/"); code != 0 {
		t.Fatal(errs)
	}
	p.Serve()
	const each = 6
	var g errgroup.Group
	for who := range 2 {
		g.Go(func() error {
			for n := range each {
				for _, args := range [][]string{
					{"publish", "a.b", "--data", "{}", "--id", fmt.Sprintf("e-%d-%d", who, n)},
					{"webhook", "update", "x", "--event", fmt.Sprintf("a.b%d%d=https://127.0.0.1:8441/", who, n)},
				} {
					if _, errs, code := p.Run("", args...); code != 0 {
						return fmt.Errorf("%q: %d %s", args, code, errs)
					}
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	out, errs, _ := p.Run("", "webhook", "get", "x", "-o", "json")
	if n := strings.Count(out, `"b`); n != 2*each {
		t.Errorf("%d of %d changes are there: %s %s", n, 2*each, out, errs)
	}
	out, errs, _ = p.Run("", "event", "list", "-o", "jsonl")
	if n := strings.Count(out, "\n"); n != 2*each {
		t.Errorf("%d of %d events are there: %s %s", n, 2*each, out, errs)
	}
}

// errorCode is the part of an error that both edges must agree on; hints name
// what can be done where.
func errorCode(errs string) string {
	found := regexp.MustCompile(`"code":"[^"]*","message":"(?:[^"\\]|\\.)*"`).FindString(errs)
	return found
}

func TestServerCantBeReached(t *testing.T) {
	p := story.New(t, []string{"SEALPOST_SERVER=http://127.0.0.1:" + story.FreePort(t), "SEALPOST_TOKEN=x"})
	if _, errs, code := p.Run("", "webhook", "list"); code != story.ExitEnvironment || !strings.Contains(errs, "can't reach the server") {
		t.Errorf("exit code %d: %s", code, errs)
	}
	p.Env = p.Env[:1]
	if _, errs, code := p.Run("", "webhook", "list"); code != story.ExitDenied || !strings.Contains(errs, "not signed in") {
		t.Errorf("exit code %d: %s", code, errs)
	}
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/catalog"
	"sealpost/internal/webhook"
)

// Pages under docs/ are written by hand but for what would lie one day: the
// catalog, the flows, the timetable, the examples. Those stand between
//
//	<!-- generated: WHAT ARGUMENTS -->
//	<!-- end -->
//
// and come from the program itself. `make docs` fills them in; [TestGenerated]
// says when one is stale.
var pages = []string{"api", "delivery", "events", "flows", "frameworks", "receiving"}

// docsSeed is the seed of the flows that docs/flows.md shows.
const docsSeed = 2

var blocks = regexp.MustCompile(`(?s)(<!-- generated: ([^>]*) -->\n).*?(<!-- end -->)`)

// fill makes the text of a page with its blocks as they have to be.
func fill(t *testing.T, name string) []byte {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("../../docs", name+".md"))
	if err != nil {
		t.Fatal(err)
	}
	if opened, whole := bytes.Count(page, []byte("<!-- generated:")), len(blocks.FindAll(page, -1)); opened == 0 || opened != whole {
		t.Fatalf("docs/%s.md opens %d blocks and closes %d", name, opened, whole)
	}
	return blocks.ReplaceAllFunc(page, func(block []byte) []byte {
		parts := blocks.FindSubmatch(block)
		words := strings.Fields(string(parts[2]))
		make, found := writers[words[0]]
		if !found {
			t.Fatalf("docs/%s.md wants %q; nothing generates that", name, words)
		}
		text, err := make(words[1:])
		if err != nil {
			t.Fatalf("docs/%s.md wants %q: %v", name, words, err)
		}
		return fmt.Appendf(nil, "%s\n%s\n\n%s", parts[1], strings.TrimSpace(text), parts[3])
	})
}

// writers make the blocks, by their first word.
var writers = map[string]func(args []string) (string, error){
	"types":     func([]string) (string, error) { return typesBlock(), nil },
	"type":      func(args []string) (string, error) { return typeBlock(args[0]) },
	"flow":      func(args []string) (string, error) { return flowBlock(args[0]) },
	"excerpt":   func(args []string) (string, error) { return excerptBlock(args[0], args[1], args[2:]) },
	"timetable": func(args []string) (string, error) { return timetableBlock(args[0]) },
	"members":   func([]string) (string, error) { return membersBlock(), nil },
	"file":      func(args []string) (string, error) { return fileBlock(args[0], args[1]) },
}

func docsCatalog() *catalog.Catalog {
	c, err := catalog.New(catalog.Options{})
	if err != nil {
		panic(err) // there is no folder that could be wrong
	}
	return c
}

// typesBlock lists the types.
func typesBlock() string {
	out := "| type | what it tells |\n| --- | --- |\n"
	for _, t := range docsCatalog().Types() {
		out += fmt.Sprintf("| [`%s`](#%s) | %s |\n", t.Name, strings.ReplaceAll(t.Name, ".", ""), t.Title)
	}
	return out
}

// typeBlock tells everything that the schema of a type says.
func typeBlock(name string) (string, error) {
	t, found := docsCatalog().Type(name)
	if !found {
		return "", catalog.ErrUnknownType
	}
	out := t.Description + "\n\n| field | type | needed | what it is |\n| --- | --- | --- | --- |\n"
	for _, f := range t.Fields {
		out += fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.Path, f.Type, needed(f), strings.ReplaceAll(f.Text(), "|", `\|`))
	}
	var sample bytes.Buffer
	if err := json.Indent(&sample, t.Sample, "", "  "); err != nil {
		return "", err
	}
	return out + "\n```json\n" + sample.String() + "\n```", nil
}

// flowBlock draws a flow as it is sent.
func flowBlock(name string) (string, error) {
	steps, err := docsCatalog().Flow(name, docsSeed)
	if err != nil {
		return "", err
	}
	flows := catalog.Flows()
	i := slices.IndexFunc(flows, func(f catalog.Flow) bool { return f.Name == name })
	out := flows[i].Description + "\n\n```mermaid\nsequenceDiagram\n    participant S as sealpost\n    participant R as your receiver\n"
	for _, step := range steps {
		values, err := spend(step.Body)
		if err != nil {
			return "", err
		}
		label := step.Type + "<br/>status " + values["status"]
		for _, field := range []string{"amount", "authorizedAmount", "authorizationUpdateAmount", "declinedReason"} {
			if value, there := values[field]; there && value != "null" {
				label += "<br/>" + field + " " + value
			}
		}
		out += fmt.Sprintf("    S->>R: %s\n    R-->>S: 200\n    Note over R: %s\n", label, step.Note)
	}
	return out + "```", nil
}

// excerptBlock shows some fields of a step of a flow, or of a type's sample
// (excerpt sample TYPE FIELDS…); a field after a minus must not be there.
func excerptBlock(flow, which string, fields []string) (string, error) {
	c := docsCatalog()
	typ, body, err := which, []byte(nil), error(nil)
	if flow == "sample" {
		body, err = c.Sample(which, 0, nil)
	} else {
		var steps []catalog.Step
		if steps, err = c.Flow(flow, docsSeed); err == nil {
			n := int(which[0] - '1')
			typ, body = steps[n].Type, steps[n].Body
		}
	}
	if err != nil {
		return "", err
	}
	values, err := spend(body)
	if err != nil {
		return "", err
	}
	out := "`" + typ + "`:"
	for _, field := range fields {
		absent := strings.HasPrefix(field, "-")
		field = strings.TrimPrefix(field, "-")
		value, there := values[field]
		switch {
		case absent == there:
			return "", fmt.Errorf("field %s: there is %v", field, there)
		case absent:
			out += " no `" + field + "`,"
		default:
			out += " `" + field + "` " + value + ","
		}
	}
	return strings.TrimSuffix(out, ",") + ".", nil
}

// spend reads the fields of a transaction, as they would be written in words.
func spend(body []byte) (map[string]string, error) {
	var transaction struct{ Spend map[string]json.RawMessage }
	if err := json.Unmarshal(body, &transaction); err != nil {
		return nil, err
	}
	values := map[string]string{}
	for field, raw := range transaction.Spend {
		values[field] = strings.Trim(string(raw), `"`)
	}
	return values, nil
}

// timetableBlock is a retry profile in words and as a table.
func timetableBlock(profile string) (string, error) {
	policy, found := map[string]webhook.RetryPolicy{"default": webhook.DefaultRetry(), "sandbox": webhook.SandboxRetry()}[profile]
	if !found {
		return "", fmt.Errorf("no profile %q", profile)
	}
	var start time.Time
	at := policy.Timetable(start)
	out := fmt.Sprintf("%d attempts in all. Retry *n*, counted from 0, waits %d ms × %gⁿ, at most %g h, and up to %g %% longer at random.\nIf every attempt fails at once, and without what is added at random:\n\n",
		len(at), policy.Base.Milliseconds(), policy.Factor, policy.Cap.Hours(), policy.Jitter*100)
	columns := (len(at) + 6) / 7 // of seven rows
	rows := (len(at) + columns - 1) / columns
	out += strings.Repeat("| attempt | after ", columns) + "|\n" + strings.Repeat("| --- | --- ", columns) + "|\n"
	for row := range rows {
		for column := range columns {
			cells := "|  |  "
			if n := column*rows + row; n < len(at) {
				cells = fmt.Sprintf("| %d | %s ", n+1, since(at[n].Sub(start)))
			}
			out += cells
		}
		out += "|\n"
	}
	return out + fmt.Sprintf("\nAfter attempt %d the delivery is dead.", len(at)), nil
}

// since words a time in two units, rounded.
func since(d time.Duration) string {
	whole := func(unit, inner time.Duration, names ...string) string {
		d = d.Round(inner)
		text := fmt.Sprintf("%d %s", d/unit, names[0])
		if rest := d % unit / inner; rest > 0 {
			text += fmt.Sprintf(" %d %s", rest, names[1])
		}
		return text
	}
	switch {
	case d == 0:
		return "at once"
	case d < time.Minute:
		return fmt.Sprintf("%g s", d.Seconds())
	case d < time.Hour:
		return whole(time.Minute, time.Second, "min", "s")
	case d < 24*time.Hour:
		return whole(time.Hour, time.Minute, "h", "min")
	}
	return whole(24*time.Hour, time.Hour, "d", "h")
}

// fileBlock shows a file of docs/ as it is.
func fileBlock(name, language string) (string, error) {
	text, err := os.ReadFile(filepath.Join("../../docs", name))
	return "```" + language + "\n" + strings.TrimSpace(string(text)) + "\n```", err
}

// TestPagesTellAll: a type or a flow that is added is missed on its page.
func TestPagesTellAll(t *testing.T) {
	var wanted []string
	for _, name := range docsCatalog().Names() {
		wanted = append(wanted, "docs/events.md type "+name)
	}
	for _, flow := range catalog.Flows() {
		wanted = append(wanted, "docs/flows.md flow "+flow.Name)
	}
	receivers, err := filepath.Glob("../../docs/receivers/receiver.*")
	if err != nil || len(receivers) != 4 {
		t.Fatalf("the receivers are %v (%v)", receivers, err)
	}
	for _, file := range receivers {
		wanted = append(wanted, "docs/receiving.md file receivers/"+filepath.Base(file))
	}
	for _, want := range wanted {
		page, block, _ := strings.Cut(want, " ")
		text, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil || !strings.Contains(string(text), "<!-- generated: "+block) {
			t.Errorf("%s tells nothing of %s (%v)", page, block, err)
		}
	}
}

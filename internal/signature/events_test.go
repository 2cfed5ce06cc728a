package signature

import (
	"fmt"
	"strings"
)

// fewest is on how many bodies a cause has to be named, wherever it is tested.
const fewest = 20

// event is a body that is made, not collected: for faults that need something
// certain in the body, and would find it in few of the corpus.
type event struct{ n int }

func events() (made []event) {
	for n := range fewest + 4 {
		made = append(made, event{n})
	}
	return made
}

func (e event) id() string { return fmt.Sprintf("evt_%d", 7919*(e.n+1)) }

// compact is the event as it is sent.
func (e event) compact() string {
	return fmt.Sprintf(`{"id":%q,"resource":"%s","action":"made","body":%s}`, e.id(), strings.Repeat("r", 1+e.n%5), e.member())
}

// member is what stands in its body.
func (e event) member() string {
	return fmt.Sprintf(`{"u":"https://e%d.x/%sä?a=1&b=<%d>","n":%d.0}`, e.n, strings.Repeat("p/", e.n%3), e.n, e.n*e.n+1)
}

// whole is the event with its number written as an integer.
func (e event) whole() string { return strings.Replace(e.compact(), `.0}`, `}`, 1) }

// hollow is another, of plain text, with an empty object in it.
func (e event) hollow() string { return fmt.Sprintf(`{"id":%q,"n":%d,"body":{}}`, e.id(), e.n) }

// escaped is the event beyond ASCII as escapes.
func (e event) escaped() string { return strings.ReplaceAll(e.compact(), "ä", `\u00e4`) }

// lined is the event over several lines.
func (e event) lined() string {
	return strings.NewReplacer(`{"`, "{\n  \"", `,"`, ",\n  \"").Replace(e.compact()) + "\n"
}

// sorted is the event as Python writes it with sort_keys.
func (e event) sorted() string {
	member := fmt.Sprintf(`{"n": %d.0, "u": "https://e%d.x/%s\u00e4?a=1&b=<%d>"}`, e.n*e.n+1, e.n, strings.Repeat("p/", e.n%3), e.n)
	return fmt.Sprintf(`{"action": "made", "body": %s, "id": %q, "resource": "%s"}`, member, e.id(), strings.Repeat("r", 1+e.n%5))
}

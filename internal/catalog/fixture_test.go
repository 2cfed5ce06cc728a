package catalog

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"sealpost/internal/catalog/catalogtest"
)

// must returns the value of a call that can't fail in a test.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// incoming has one body for each kind of the provider's events.
var incoming = catalogtest.Incoming

func pandaEvent(id, event, body string) []byte { return catalogtest.PandaEvent(id, event, body) }

// with returns an incoming body with the values at some dotted paths changed;
// the value gone takes the field out.
func with(t *testing.T, body string, changes map[string]any) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		t.Fatal(err)
	}
	for path, change := range maps.All(changes) {
		object := value.(map[string]any)
		steps := strings.Split(path, ".")
		for _, step := range steps[:len(steps)-1] {
			object = object[step].(map[string]any)
		}
		if change == gone {
			delete(object, steps[len(steps)-1])
		} else {
			object[steps[len(steps)-1]] = change
		}
	}
	return string(must(json.Marshal(value)))
}

// gone stands for a field that is left out.
var gone = new(int)

// number is a number that is written as it is.
func number(literal string) json.RawMessage { return json.RawMessage(literal) }

// sampleOf returns the documented sample of a type.
func sampleOf(t *testing.T, c *Catalog, typ string) string {
	t.Helper()
	body, err := c.Sample(typ, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"sealpost/internal/webhook"
)

// membersBlock lists the fields of a webhook from their table.
func membersBlock() string {
	out := "| member | values | flag | what it is |\n| --- | --- | --- | --- |\n"
	for _, f := range webhook.Fields {
		for _, part := range f.Parts {
			flag := "none"
			if part.Flag != "" {
				flag = "`--" + part.Flag + "`"
			}
			out += fmt.Sprintf("| `%s` | %s | %s | %s |\n", f.Path(&part), part.Need(), flag, part.Help)
		}
	}
	return out
}

// described finds the fields in the schemas of a webhook: what stands between
// enabled and the secret, or between enabled and the end of the properties.
var described = regexp.MustCompile(`(?s)("description": "false parks deliveries; shown only then\."\n {5}\}).*?((?:,\n {5}"secret": \{)|\n {4}\})`)

// openapi is the description of the API with the fields of the table in it.
func openapi(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../../internal/server/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(described.FindAll(text, -1)); n != 3 {
		t.Fatalf("openapi.json has %d schemas of webhooks, not 3", n)
	}
	var fields strings.Builder
	for i := range webhook.Fields {
		var schema bytes.Buffer
		if err := json.Indent(&schema, fieldSchema(&webhook.Fields[i]), "     ", " "); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&fields, ",\n     %q: %s", webhook.Fields[i].Name, schema.String())
	}
	return described.ReplaceAllFunc(text, func(block []byte) []byte {
		parts := described.FindSubmatch(block)
		return fmt.Appendf(nil, "%s%s%s", parts[1], fields.String(), parts[2])
	})
}

// fieldSchema is the schema of one field, or of a resource group in its place.
func fieldSchema(f *webhook.Field) json.RawMessage {
	member := func(key string, value any) webhook.Member { return webhook.Member{Key: key, Value: value} }
	var own []webhook.Member
	if f.Parts[0].Name == "" {
		own = f.Parts[0].Schema()
	} else {
		var properties []webhook.Member
		for _, part := range f.Parts {
			schema := append(part.Schema(), member("description", sentence(part.Help)))
			properties = append(properties, member(part.Name, json.RawMessage(webhook.MarshalMembers(schema))))
		}
		own = []webhook.Member{member("type", "object"), member("properties", json.RawMessage(webhook.MarshalMembers(properties))),
			member("additionalProperties", map[string]any{"type": []string{"number", "boolean"}})}
	}
	group := json.RawMessage(`{"type":"object","additionalProperties":{"type":["string","null"]},"description":"A resource group of this name."}`)
	return webhook.MarshalMembers([]webhook.Member{member("description", f.Help), member("anyOf", []json.RawMessage{webhook.MarshalMembers(own), group})})
}

func sentence(text string) string { return strings.ToUpper(text[:1]) + text[1:] + "." }

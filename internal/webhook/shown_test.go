package webhook

import "testing"

func TestReadShown(t *testing.T) {
	const route = `"transaction":{"created":"https://r.example.com/t"}`
	for in, want := range map[string]string{
		`{"url":"https://r.example.com/"}`:                                                "",
		`{"url":"https://r.example.com/","events":["a.*"],"enabled":false,` + route + `}`: "",
		`{"name":"x","url":"https://r.example.com/","secret":"s",` + route + `}`:          `{"url":"https://r.example.com/",` + route + `}`,
		`{"url":"https://r.example.com/","events":["*"],"enabled":true}`:                  `{"url":"https://r.example.com/"}`,
		// Extras of whatever kind.
		`{"url":"https://r.example.com/","id":7,"createdAt":"2026","card":null,"events":null,"enabled":null,"tags":["a"]}`:                                           `{"url":"https://r.example.com/"}`,
		`{"url":"https://r.example.com/","organization":{"id":"o_1","name":"Acme"},"Meta":{"a":"https://x.example.com"},"meta":{"Foo":"b"},"user":{"updated":null}}`: `{"url":"https://r.example.com/"}`,
		`{"url":"https://r.example.com/","events":{"count":3},"enabled":"yes","transaction":{"created":"https://r.example.com/t","more":1}}`:                         `{"url":"https://r.example.com/",` + route + `}`,
	} {
		c, err := ReadShown("x", []byte(in))
		if want == "" {
			want = in
		}
		if got := string(c.AppendJSON(false)); err != nil || got != want || c.Name != "x" {
			t.Errorf("%s is read as %s, not %s: %v", in, got, want, err)
		}
	}
	for _, in := range []string{``, `null`, `[]`, `{}`, `{"url":null}`, `{"url":7}`} {
		if c, err := ReadShown("x", []byte(in)); err == nil {
			t.Errorf("%s is read as %s", in, c.AppendJSON(true))
		}
	}
}

package server

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"
)

// openAPI describes the API (OpenAPI 3.1); a test holds every answer to it.
//
//go:embed openapi.json
var openAPI []byte

// docsPage shows openAPI to people. It loads nothing from anywhere.
//
//go:embed docs.html
var docsPage string

func (s *Server) routeDocs() {
	s.mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, _ *http.Request) { writeRaw(w, http.StatusOK, openAPI) })
	page, err := renderDocs()
	if err != nil {
		panic(err) // both files are part of the program
	}
	s.mux.HandleFunc("GET /docs", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		_, _ = w.Write(page) // a client that has gone is its own affair
	})
}

// apiCall is one call on the page.
type apiCall struct {
	Method, Path, Summary string
	Open                  bool     // to anybody
	Who                   []string // ways to say who calls, where they are special
	Parameters            []apiParameter
	Body                  []apiParameter
	Answers               []apiAnswer
}

type apiParameter struct{ Name, In, Description string }

type apiAnswer struct{ Status, Description string }

// node is a part of openapi.json, of which the page needs this much. Where it
// stands for another part, Ref says for which.
type node struct {
	Ref         string `json:"$ref"`
	Description string
	Required    json.RawMessage // names of members; of a body, true or false
	Properties  map[string]node
	Schema      *node
	Content     map[string]node
}

// apiDocument is openapi.json, as far as the page shows it.
type apiDocument struct {
	Info  struct{ Title, Description string }
	Paths map[string]map[string]json.RawMessage

	Components struct {
		Responses map[string]node
		Schemas   map[string]node
	}
}

// resolve follows a reference to a component.
func (d *apiDocument) resolve(n node) node {
	kind, name, _ := strings.Cut(strings.TrimPrefix(n.Ref, "#/components/"), "/")
	switch kind {
	case "responses":
		return d.Components.Responses[name]
	case "schemas":
		return d.Components.Schemas[name]
	}
	return n
}

// call reads an operation.
func (d *apiDocument) call(method, path string, raw []byte) (apiCall, error) {
	var operation struct {
		Summary     string
		Security    []map[string]any
		Parameters  []apiParameter
		RequestBody node
		Responses   map[string]node
	}
	if err := json.Unmarshal(raw, &operation); err != nil {
		return apiCall{}, fmt.Errorf("openapi.json: %s %s: %w", method, path, err)
	}
	c := apiCall{Method: strings.ToUpper(method), Path: path, Summary: operation.Summary, Parameters: operation.Parameters}
	c.Open = operation.Security != nil && len(operation.Security) == 0
	for _, way := range operation.Security {
		c.Who = append(c.Who, sortedKeys(way)...)
	}
	if body := operation.RequestBody.Content["application/json"].Schema; body != nil {
		schema := d.resolve(*body)
		for _, name := range sortedKeys(schema.Properties) {
			need := "body"
			if strings.Contains(string(schema.Required), `"`+name+`"`) {
				need = "body, required"
			}
			c.Body = append(c.Body, apiParameter{name, need, schema.Properties[name].Description})
		}
	}
	for _, status := range sortedKeys(operation.Responses) {
		c.Answers = append(c.Answers, apiAnswer{status, d.resolve(operation.Responses[status]).Description})
	}
	return c, nil
}

// renderDocs makes the page from the description.
func renderDocs() ([]byte, error) {
	var doc apiDocument
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	var calls []apiCall
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			if method == "parameters" {
				continue
			}
			c, err := doc.call(method, path, raw)
			if err != nil {
				return nil, err
			}
			calls = append(calls, c)
		}
	}
	slices.SortFunc(calls, func(a, b apiCall) int { return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method) })
	page, err := template.New("docs").Parse(docsPage)
	if err != nil {
		return nil, err
	}
	var out strings.Builder
	err = page.Execute(&out, map[string]any{"Info": doc.Info, "Calls": calls})
	return []byte(out.String()), err
}

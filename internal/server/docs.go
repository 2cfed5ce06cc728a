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

// apiCall is one row of the page.
type apiCall struct {
	Method, Path, Summary string
	Parameters            []apiParameter
	Answers               []apiAnswer
}

type apiParameter struct{ Name, In, Description string }

type apiAnswer struct{ Status, Description string }

// renderDocs makes the page from the description.
func renderDocs() ([]byte, error) {
	var doc struct {
		Info  struct{ Title, Description string }
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		return nil, fmt.Errorf("openapi.json: %w", err)
	}
	var calls []apiCall
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			if method == "parameters" {
				continue
			}
			var operation struct {
				Summary    string
				Parameters []apiParameter
				Responses  map[string]struct{ Description string }
			}
			if err := json.Unmarshal(raw, &operation); err != nil {
				return nil, fmt.Errorf("openapi.json: %s %s: %w", method, path, err)
			}
			c := apiCall{Method: strings.ToUpper(method), Path: path, Summary: operation.Summary, Parameters: operation.Parameters}
			for _, status := range sortedKeys(operation.Responses) {
				c.Answers = append(c.Answers, apiAnswer{status, operation.Responses[status].Description})
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

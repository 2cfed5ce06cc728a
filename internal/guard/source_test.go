package guard

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestNobodyElseMakesClients reads the source of the whole module: outside
// this package, what ships makes no HTTP client of its own and uses none of
// net/http's. Tests, and the programs under test/, are left out: they don't
// ship, and call the program from outside.
func TestNobodyElseMakesClients(t *testing.T) {
	forbidden := map[string]bool{
		"Client": true, "Transport": true, "DefaultClient": true, "DefaultTransport": true,
		"Get": true, "Post": true, "Head": true, "PostForm": true,
	}
	files := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "guard" || path == filepath.Join("..", "..", "test") || strings.HasPrefix(d.Name(), ".") && d.Name() != "../.."):
			if path != "../.." {
				return fs.SkipDir
			}
			return nil
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		name := ""
		for _, i := range file.Imports {
			if i.Path.Value == `"net/http"` {
				if name = "http"; i.Name != nil {
					name = i.Name.Name
				}
			}
		}
		if name == "" {
			return nil
		}
		if name == "." {
			t.Errorf("%s imports net/http with a dot", path)
		}
		types := map[ast.Node]bool{} // *http.Client as a type is fine: it was handed in
		ast.Inspect(file, func(n ast.Node) bool {
			if star, ok := n.(*ast.StarExpr); ok {
				types[star.X] = true
			}
			selector, ok := n.(*ast.SelectorExpr)
			if !ok || types[n] || !forbidden[selector.Sel.Name] {
				return true
			}
			if id, ok := selector.X.(*ast.Ident); ok && id.Name == name {
				t.Errorf("%s: %s.%s", set.Position(n.Pos()), name, selector.Sel.Name)
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 50 {
		t.Errorf("only %d files were read; this test looks in the wrong place", files)
	}
}

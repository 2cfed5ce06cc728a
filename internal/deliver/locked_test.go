package deliver

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"
)

// TestLockedNames holds the rule of DESIGN.md: a function that needs the engine's
// lock has a name that ends in Locked. So only such a function, or one that takes the
// lock itself, may call one.
func TestLockedNames(t *testing.T) {
	set := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			f, is := decl.(*ast.FuncDecl)
			if !is {
				continue
			}
			locks := false
			var needs []*ast.SelectorExpr
			ast.Inspect(f, func(n ast.Node) bool {
				selector, is := n.(*ast.SelectorExpr)
				if !is {
					return true
				}
				if mutex, is := selector.X.(*ast.SelectorExpr); is && mutex.Sel.Name == "mu" && selector.Sel.Name == "Lock" {
					locks = true
				}
				if strings.HasSuffix(selector.Sel.Name, "Locked") {
					needs = append(needs, selector)
				}
				return true
			})
			calls += len(needs)
			locked := strings.HasSuffix(f.Name.Name, "Locked")
			for _, call := range needs {
				if !locked && !locks && !underLock[f.Name.Name] {
					t.Errorf("%s: %s calls %s and neither takes the lock nor is named so", set.Position(call.Pos()), f.Name.Name, call.Sel.Name)
				}
			}
		}
	}
	if calls < 100 {
		t.Errorf("the source has %d such calls: this test reads it wrongly", calls)
	}
}

// underLock are functions whose literals run under the lock that another function takes.
var underLock = map[string]bool{
	"attempt": true, // it hands them to end
}

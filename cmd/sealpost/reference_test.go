package main

import (
	"bytes"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/test/story"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// The reference, the man pages and the completion scripts are generated from
// the command tree, and parts of other pages from the program (pages_test.go).
// `make docs` writes them anew; this test says when they are stale.
//
//go:generate go test . -run TestGenerated -update

// generated makes every generated file, by path.
func generated(t *testing.T) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	root := newRoot(&app{streams: streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, now: time.Now})
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	folder := t.TempDir()
	for _, sub := range []string{"cli", "man"} {
		if err := os.Mkdir(filepath.Join(folder, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if err := doc.GenMarkdownTree(root, filepath.Join(folder, "cli")); err != nil {
		t.Fatal(err)
	}
	date := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "sealpost", Manual: "sealpost", Date: &date}, filepath.Join(folder, "man")); err != nil {
		t.Fatal(err)
	}
	for _, sub := range []string{"cli", "man"} {
		found, err := os.ReadDir(filepath.Join(folder, sub))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			text, err := os.ReadFile(filepath.Join(folder, sub, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			files["docs/"+sub+"/"+f.Name()] = text
		}
	}
	maps.Copy(files, completions(t, root))
	for _, page := range pages {
		files["docs/"+page+".md"] = fill(t, page)
	}
	files["internal/server/openapi.json"] = openapi(t)
	return files
}

func completions(t *testing.T, root *cobra.Command) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	for name, write := range map[string]func(io.Writer) error{
		"sealpost.bash": func(w io.Writer) error { return root.GenBashCompletionV2(w, true) },
		"_sealpost":     root.GenZshCompletion,
		"sealpost.fish": func(w io.Writer) error { return root.GenFishCompletion(w, true) },
		"sealpost.ps1":  root.GenPowerShellCompletionWithDesc,
	} {
		var out bytes.Buffer
		if err := write(&out); err != nil {
			t.Fatal(err)
		}
		files["completions/"+name] = out.Bytes()
	}
	return files
}

func TestGenerated(t *testing.T) {
	const top = "../.."
	files := generated(t)
	for _, folder := range []string{"docs/cli", "docs/man", "completions"} {
		old, err := filepath.Glob(filepath.Join(top, folder, "*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range old {
			name := folder + "/" + filepath.Base(path)
			if _, wanted := files[name]; wanted {
				continue
			}
			if !*story.Update {
				t.Errorf("%s belongs to no command any more; run make docs", name)
				continue
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(top, name)
		if *story.Update {
			if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, files[name], 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if text, err := os.ReadFile(path); err != nil || !bytes.Equal(text, files[name]) {
			t.Errorf("%s is stale; run make docs", name)
		}
	}
}

// TestEveryCommandHelps holds every command to two examples that begin with
// the program's name, and to a short description.
func TestEveryCommandHelps(t *testing.T) {
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" || cmd.Parent() != nil && cmd.Parent().Name() == "completion" {
			return
		}
		if examples := strings.Count(cmd.Example, "sealpost "); cmd.Short == "" || examples < 2 {
			t.Errorf("%s has %d examples and the description %q", cmd.CommandPath(), examples, cmd.Short)
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(newRoot(&app{streams: streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, now: time.Now}))
}

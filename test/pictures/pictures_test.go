package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The pictures are what the program of this tree shows.
func TestPictures(t *testing.T) {
	top, err := root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	made, err := pictures(t.Context(), top)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name, svg := range made {
		names = append(names, name)
		have, err := os.ReadFile(filepath.Join(top, name))
		if err != nil {
			t.Errorf("%v: run `make pictures`", err)
		} else if !bytes.Equal(have, svg) {
			t.Errorf("%s is stale, run `make pictures` and look at it; %s", name, difference(string(have), string(svg)))
		}
		for _, mine := range []string{secret, top, os.TempDir()} {
			if bytes.Contains(svg, []byte(mine)) {
				t.Errorf("%s shows %q", name, mine)
			}
		}
	}
	found, err := filepath.Glob(filepath.Join(top, "docs/pictures/*"))
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(top, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		name := "docs/pictures/" + filepath.Base(path)
		if !slices.Contains(names, name) {
			t.Errorf("no scene makes %s", name)
		}
		if !strings.Contains(string(readme), "]("+name+")") {
			t.Errorf("the README doesn't show %s", name)
		}
	}
}

// difference is the first line that is not the same.
func difference(have, want string) string {
	haves, wants := strings.Split(have, "\n"), strings.Split(want, "\n")
	for i := range min(len(haves), len(wants)) {
		if haves[i] != wants[i] {
			return "it has\n" + haves[i] + "\ninstead of\n" + wants[i]
		}
	}
	return "one has more lines than the other"
}

func TestSteady(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b[38;5;245m  541.3 ms\x1b[0m  x": "\x1b[38;5;245m… ms\x1b[0m  x",
		"   19.1 ms  x":                      "… ms  x",
		"https://127.0.0.1:4021/hook":        "https://127.0.0.1:38443/hook",
		"status 200 in 1.5s":                 "status 200 in … ms",
		"status 200 in 0s":                   "status 200 in … ms",
		"attempt 1  1m2s ago  2ms  status 5": "attempt 1  … ago  … ms  status 5",
		"answered in 2 attempts":             "answered in 2 attempts",
	} {
		if have := steady(in); have != want {
			t.Errorf("%q becomes %q instead of %q", in, have, want)
		}
	}
}

func TestScreen(t *testing.T) {
	lines, err := screen("\x1b]11;?\x1b\\ab\x1b[1mcd\x1b[0me\r\n\r\n\x1b[38;5;78mok\x1b[0m\r\n", 3)
	if err != nil {
		t.Fatal(err)
	}
	want := []line{{{"ab", ""}, {"c", "bold"}}, {{"d", "bold"}, {"e", ""}}, nil, {{"ok", "c78"}}}
	if !slices.EqualFunc(lines, want, func(a, b line) bool { return slices.Equal(a, b) }) {
		t.Errorf("%q instead of %q", lines, want)
	}
	for _, unknown := range []string{"\x1b[2J", "\x1b[38;5;1m", "a\tb", "\xff"} {
		if _, err := screen(unknown, 80); err == nil {
			t.Errorf("%q is drawn as if it were known", unknown)
		}
	}
}

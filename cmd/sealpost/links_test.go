package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading      = regexp.MustCompile(`(?m)^#+ +(.*)$`)
	noAnchor     = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks follows every link between the pages that are written by hand, to
// its heading.
func TestLinks(t *testing.T) {
	const top = "../.."
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md"} {
		found, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	followed := 0
	for _, file := range files {
		for _, match := range markdownLink.FindAllStringSubmatch(read(file), -1) {
			link, err := url.Parse(match[1])
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if link.Scheme != "" {
				continue
			}
			followed++
			target := file
			if link.Path != "" {
				target = filepath.Join(filepath.Dir(file), link.Path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %s leads nowhere", file, match[1])
			} else if link.Fragment != "" && !slices.Contains(anchors(read(target)), link.Fragment) {
				t.Errorf("%s: %s has no such heading", file, match[1])
			}
		}
	}
	if followed < 20 {
		t.Errorf("only %d links were followed", followed)
	}
}

// anchors lists a page's headings as links name them.
func anchors(page string) (all []string) {
	for _, match := range heading.FindAllStringSubmatch(page, -1) {
		name := noAnchor.ReplaceAllString(strings.ToLower(match[1]), "")
		all = append(all, strings.ReplaceAll(name, " ", "-"))
	}
	return all
}

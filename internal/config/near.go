package config

import (
	"fmt"
	"strings"
)

// near suggests one of some words, when a word looks like it.
func near(word string, words []string) string {
	if found := nearest(word, words); found != "" {
		return fmt.Sprintf("; did you mean %q?", found)
	}
	return ""
}

// nearest is the word that a typing mistake leads from, up to one letter in
// three and three in all; or else one that begins or ends with the given word.
func nearest(word string, words []string) string {
	best, least := "", min(len(word)/3, 3)+1
	for _, w := range words {
		if len(w)-len(word) >= least || len(word)-len(w) >= least {
			continue
		}
		if d := distance(word, w); d < least {
			best, least = w, d
		}
	}
	if best != "" || len(word) < 3 {
		return best
	}
	for _, w := range words {
		if strings.HasSuffix(w, "."+word) || strings.HasPrefix(w, word) || strings.HasSuffix(word, "."+w) {
			return w
		}
	}
	return ""
}

// distance is the number of edits between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}

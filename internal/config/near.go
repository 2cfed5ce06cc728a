package config

import (
	"fmt"
	"strings"

	"sealpost/internal/typo"
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
		if d := typo.Distance(word, w); d < least {
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

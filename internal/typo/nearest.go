package typo

import "strings"

// Nearest is the word of known that a slip of the fingers leads from, two letters at
// most; "" when there is none. Case, hyphens and underscores do not count.
func Nearest(word string, known []string) (likely string) {
	bare := strings.NewReplacer("-", "", "_", "")
	given := strings.ToLower(bare.Replace(word))
	least := min(len(word)/2, 2) + 1
	for _, w := range known {
		if d := Distance(given, strings.ToLower(bare.Replace(w))); d < least {
			likely, least = w, d
		}
	}
	return likely
}

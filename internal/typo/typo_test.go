package typo_test

import (
	"testing"

	"pgregory.net/rapid"

	"sealpost/internal/typo"
)

func TestDistance(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"abc", "abd", 1}, {"abc", "ac", 1}, {"abc", "xabc", 1},
		{"kitten", "sitting", 3}, {"ab", "ba", 2}, {"retry.bas", "retry.base", 1},
	} {
		if got := typo.Distance(test.a, test.b); got != test.want {
			t.Errorf("from %q to %q: %d, not %d", test.a, test.b, got, test.want)
		}
	}
}

// TestAxioms holds the measure to its axioms.
func TestAxioms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,6}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		ab := typo.Distance(a, b)
		if (ab == 0) != (a == b) || ab != typo.Distance(b, a) || ab > max(len(a), len(b)) || typo.Distance(a, c) > ab+typo.Distance(b, c) {
			t.Fatalf("%q to %q is %d", a, b, ab)
		}
	})
}

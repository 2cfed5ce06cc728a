package catalog

import (
	"strings"

	"sealpost/internal/typo"
)

// near returns up to three of the known names that an unknown one is most
// likely a slip of: the fewest letters differ, or the last segment is the same.
func near(unknown string, known []string) []string {
	if len(unknown) > 128 {
		return nil
	}
	var found []string
	best := max(1, len(unknown)/4)
	for _, name := range known {
		d := typo.Distance(strings.ToLower(unknown), strings.ToLower(name))
		if strings.EqualFold(last(unknown), last(name)) {
			d = min(d, 1)
		}
		if d < best {
			best, found = d, nil
		}
		if d == best && d < len(name) {
			found = append(found, name)
		}
	}
	return found[:min(3, len(found))]
}

// didYouMean ends a sentence with what near found; with nothing for nothing.
func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(names, " or ") + "?"
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

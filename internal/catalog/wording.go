package catalog

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// english writes the messages of rules that are not worded here.
var english = message.NewPrinter(language.English)

// wording says what a rule asks for; the value that stands there is told
// beside it.
func wording(rule jsonschema.ErrorKind) string {
	switch k := rule.(type) {
	case *kind.Type:
		want := make([]string, len(k.Want))
		for i, typ := range k.Want {
			want[i] = article(typ)
		}
		return "must be " + strings.Join(want, " or ")
	case *kind.Const:
		return "must be " + show(k.Want)
	case *kind.Enum:
		want := make([]string, len(k.Want))
		for i, v := range k.Want {
			want[i] = show(v)
		}
		return "must be one of " + strings.Join(want, ", ")
	case *kind.Format:
		return "is not a " + k.Want
	case *kind.Pattern:
		return "does not match " + k.Want
	case *kind.MinLength:
		return "must have at least " + count(k.Want, "character")
	case *kind.MaxLength:
		return "must have at most " + count(k.Want, "character")
	case *kind.MinItems:
		return "must have at least " + count(k.Want, "element")
	case *kind.MaxItems:
		return "must have at most " + count(k.Want, "element")
	case *kind.MinProperties:
		return "must have at least " + count(k.Want, "member")
	case *kind.MaxProperties:
		return "must have at most " + count(k.Want, "member")
	case *kind.Minimum:
		return "must be at least " + decimal(k.Want)
	case *kind.Maximum:
		return "must be at most " + decimal(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + decimal(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + decimal(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + decimal(k.Want)
	case *kind.UniqueItems:
		return fmt.Sprintf("must not hold the same twice, as at %d and %d", k.Duplicates[0], k.Duplicates[1])
	case *kind.DependentRequired:
		return fmt.Sprintf("has %s, so it needs %s", k.Prop, strings.Join(k.Missing, ", "))
	case *kind.FalseSchema:
		return "may not be there"
	}
	return rule.LocalizedString(english)
}

// article names a JSON type as a sentence does.
func article(typ string) string {
	switch typ {
	case "null":
		return typ
	case "boolean":
		return "true or false"
	case "array", "integer", "object":
		return "an " + typ
	}
	return "a " + typ
}

// decimal writes the number of a rule.
func decimal(r *big.Rat) string {
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'f', -1, 64)
}

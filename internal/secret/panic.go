package secret

import (
	"fmt"
	"runtime"
)

// Panic is what may be told of a value that somebody panicked with: the text of
// a runtime error, which is about indexes, lengths and types, and of anything
// else only its type. Others may hold a body or a secret.
func Panic(value any) string {
	if known, ok := value.(runtime.Error); ok {
		return known.Error()
	}
	return fmt.Sprintf("a panic with a %T", value)
}

package receipts

import (
	"errors"
	"fmt"
	"log/slog"
)

// Why a node can't be used, or one of its answers not be believed, in a word.
const (
	Unreachable = "unreachable" // no answer came
	Refused     = "refused"     // it answers that it won't: a status, an error
	BadAnswer   = "bad_answer"  // its answer breaks the specification, or is another call's
	WrongChain  = "wrong_chain"
)

// Faults lists them all.
var Faults = []string{Unreachable, Refused, BadAnswer, WrongChain}

// Fault is such a reason with its words, which hold nothing of the node's keys
// once they have left [Node].
type Fault struct {
	Kind  string
	text  string
	batch bool // it may be about the batch, not about its calls
}

func (f *Fault) Error() string { return f.text }

func faultf(kind, format string, args ...any) *Fault {
	return &Fault{Kind: kind, text: fmt.Sprintf(format, args...)}
}

// about says what a fault is about.
func about(what string, err error) error {
	return faultf(kindOf(err), "%s: %s", what, err.Error())
}

func wrongChain(chain, want uint64) *Fault {
	return faultf(WrongChain, "its chain id is %d instead of %d (receipts.chain_id); none of its receipts is believed", chain, want)
}

// kindOf is the kind of a fault of the node's, "" for one that is none.
func kindOf(err error) string {
	if f, is := errors.AsType[*Fault](err); is {
		return f.Kind
	}
	return ""
}

// level is how loud a fault is told: a node that is away comes back by itself,
// one that tells the untruth has somebody look.
func level(err error) slog.Level {
	if kind := kindOf(err); kind == WrongChain || kind == BadAnswer {
		return slog.LevelError
	}
	return slog.LevelWarn
}

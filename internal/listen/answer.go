package listen

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The faults that an answer can be instead of a status.
const (
	FaultReset   = "reset"   // the connection is reset (TCP RST), no byte is answered
	FaultClose   = "close"   // the connection is closed in order, no byte is answered
	FaultHang    = "hang"    // nothing is answered until the sender leaves
	FaultDrip    = "drip"    // 200, and then a byte of body now and then until the sender leaves
	FaultGarbage = "garbage" // bytes that are no HTTP
	FaultCut     = "cut"     // 200, and a body that ends before its Content-Length
)

// Faults lists all faults.
var Faults = []string{FaultReset, FaultClose, FaultHang, FaultDrip, FaultGarbage, FaultCut}

// Bounds on what may be asked for.
const (
	MaxAnswers = 1000 // answers in a list, repeats counted
	MaxDelay   = 10 * time.Minute
	maxAfter   = 30 * 24 * 3600 // Retry-After, in seconds
)

// Answer is what one request is answered with: a status or a fault.
type Answer struct {
	Status     int           // 200 to 599; 0 with a fault
	Fault      string        // "" or one of [Faults]
	Delay      time.Duration // before the first byte
	RetryAfter int           // seconds; -1 sends no such header
}

// OK is the answer of a receiver that was told nothing.
func OK() Answer { return Answer{Status: http.StatusOK, RetryAfter: -1} }

// ParseAnswers reads a list of answers, separated by commas:
//
//	list   = answer *( "," answer )
//	answer = ( status / fault ) [ "*" times ] *( ":" option )
//	option = "delay=" duration / "retry-after=" seconds
//
// as in 503*2:retry-after=1,200:delay=150ms. A status is from 200 to 599; fault
// is one of [Faults]. The error names the part that can't be read.
func ParseAnswers(text string) ([]Answer, error) {
	var list []Answer
	for part := range strings.SplitSeq(text, ",") {
		one, times, err := parseAnswer(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		if len(list)+times > MaxAnswers {
			return nil, fmt.Errorf("more than %d answers", MaxAnswers)
		}
		list = append(list, slices.Repeat([]Answer{one}, times)...)
	}
	return list, nil
}

func parseAnswer(text string) (a Answer, times int, err error) {
	words := strings.Split(text, ":")
	what, repeat, repeated := strings.Cut(words[0], "*")
	times = 1
	if repeated {
		if times, err = strconv.Atoi(repeat); err != nil || times < 1 || times > MaxAnswers {
			return a, 0, fmt.Errorf("%q: %q is no number of times from 1 to %d", text, repeat, MaxAnswers)
		}
	}
	a.RetryAfter = -1
	if slices.Contains(Faults, what) {
		a.Fault = what
	} else if a.Status, err = strconv.Atoi(what); err != nil || len(what) != 3 || a.Status < 200 || a.Status > 599 {
		return a, 0, fmt.Errorf("%q is neither a status from 200 to 599 nor one of %s", what, strings.Join(Faults, ", "))
	}
	for _, option := range words[1:] {
		if err := a.option(option); err != nil {
			return a, 0, fmt.Errorf("%q: %w", text, err)
		}
	}
	return a, times, nil
}

func (a *Answer) option(text string) (err error) {
	name, value, _ := strings.Cut(text, "=")
	switch name {
	case "delay":
		if a.Delay, err = time.ParseDuration(value); err != nil || a.Delay < 0 || a.Delay > MaxDelay {
			return fmt.Errorf("delay %q is no time from 0s to %s, such as 150ms", value, MaxDelay)
		}
	case "retry-after":
		if a.RetryAfter, err = strconv.Atoi(value); err != nil || a.RetryAfter < 0 || a.RetryAfter > maxAfter {
			return fmt.Errorf("retry-after %q is no number of seconds from 0 to %d", value, maxAfter)
		}
		if a.Fault != "" {
			return fmt.Errorf("retry-after goes with a status, not with %s", a.Fault)
		}
	default:
		return fmt.Errorf("%q is neither delay=TIME nor retry-after=SECONDS", text)
	}
	return nil
}

// String is the answer as [ParseAnswers] reads it.
func (a Answer) String() string {
	text := a.Fault
	if text == "" {
		text = strconv.Itoa(a.Status)
	}
	if a.Delay > 0 {
		text += ":delay=" + a.Delay.String()
	}
	if a.RetryAfter >= 0 {
		text += ":retry-after=" + strconv.Itoa(a.RetryAfter)
	}
	return text
}

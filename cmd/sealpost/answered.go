package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"sealpost/internal/webhook"
)

// This file shows the answer of a receiver. A stranger wrote that text. So the text must
// not steer a terminal or the log of a CI job, and it must not break JSON or XML.

// maxAnswer is how much of an answer's body the outputs of publish show, in bytes.
const maxAnswer = 1 << 10

// answerText is the beginning of an answer as valid UTF-8. A character that the bound
// cuts in two is left out; other bytes that are no UTF-8 become U+FFFD.
func answerText(body []byte) string {
	if len(body) > maxAnswer {
		body = body[:maxAnswer]
		for n := 1; n < utf8.UTFMax; n++ {
			if last := body[len(body)-n:]; utf8.RuneStart(last[0]) {
				if !utf8.FullRune(last) {
					body = body[:len(body)-n]
				}
				break
			}
		}
	}
	return strings.ToValidUTF8(string(body), "\ufffd")
}

// answerSize says how much of an answer is shown; empty when all of it is.
func answerSize(a webhook.Attempt) string {
	switch {
	case len(a.Response) > maxAnswer && a.Cut:
		return fmt.Sprintf(" (the first %d of more than %d bytes)", maxAnswer, len(a.Response))
	case len(a.Response) > maxAnswer:
		return fmt.Sprintf(" (the first %d of %d bytes)", maxAnswer, len(a.Response))
	case a.Cut:
		return " (it ended too early)"
	}
	return ""
}

// answerLine is the beginning of an answer as one quoted line. A line of a CI log that
// begins with :: or holds ##[ is a command to the CI system, so a receiver must not write one.
func answerLine(body []byte) string {
	return strings.ReplaceAll(strconv.Quote(answerText(body)), "##", `#\u0023`)
}

// answers tells what a delivery's receiver answered, a line for each attempt. Attempts in
// a row with the same answer share one line.
func answers(d *webhook.Delivery) (lines []string) {
	for i := 0; i < len(d.Attempts); {
		first := i
		for i++; i < len(d.Attempts) && string(d.Attempts[i].Response) == string(d.Attempts[first].Response); i++ {
		}
		last := d.Attempts[i-1]
		if len(last.Response) == 0 {
			continue
		}
		which := fmt.Sprintf("attempt %d was", last.N)
		if i-first > 1 {
			which = fmt.Sprintf("attempts %d to %d were", d.Attempts[first].N, last.N)
		}
		lines = append(lines, fmt.Sprintf("%s answered%s: %s", which, answerSize(last), answerLine(last.Response)))
	}
	return lines
}

package main

import (
	"bufio"
	"fmt"
	"strings"

	"sealpost/internal/webhook"
)

// confirm asks before something destructive. Without a terminal nothing is
// asked and nothing happens, unless -y says so.
func (a *app) confirm(question string) error {
	if a.yes {
		return nil
	}
	if a.noInput || !isTerminal(a.streams.in) || !isTerminal(a.streams.err) {
		return webhook.Errorf(webhook.CodeConflict, "this needs a confirmation, and there is nobody to ask: "+question).WithHint("repeat it with -y")
	}
	fmt.Fprintf(a.streams.err, "%s [y/N] ", escaped(question))
	defer a.awaitInput()()
	line, err := bufio.NewReader(a.streams.in).ReadString('\n')
	if answer := strings.ToLower(strings.TrimSpace(line)); err != nil || (answer != "y" && answer != "yes") {
		return webhook.Errorf(webhook.CodeConflict, "not confirmed; nothing was changed")
	}
	return nil
}

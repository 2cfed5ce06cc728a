package main

import (
	"os"
	"sync"
)

// input says whether the program awaits input, which may never come. Nothing can end
// such a read, and nothing has been done yet, so a signal then ends the process.
type input struct {
	mu      sync.Mutex
	awaited bool
	stopped error // by the signal that has come
}

// awaitInput is called before a read, and what it returns after it.
func (a *app) awaitInput() (came func()) {
	a.input.mu.Lock()
	defer a.input.mu.Unlock()
	a.input.awaited = true
	a.leaveInput()
	return func() {
		a.input.mu.Lock()
		defer a.input.mu.Unlock()
		a.input.awaited = false
	}
}

// interrupt is told of a signal.
func (a *app) interrupt(by error) {
	a.input.mu.Lock()
	defer a.input.mu.Unlock()
	a.input.stopped = by
	a.leaveInput()
}

func (a *app) leaveInput() {
	if a.input.awaited && a.input.stopped != nil {
		os.Exit(a.report(a.input.stopped))
	}
}

package story

// Exit codes of the program, as its users know them. They stand here a second
// time on purpose: a story that took them from the program could not notice
// that one has changed.
const (
	ExitDone        = 0
	ExitNegative    = 1
	ExitUsage       = 2
	ExitNotFound    = 3
	ExitConflict    = 4
	ExitEnvironment = 5
	ExitTimeout     = 6
	ExitUnwanted    = 7
	ExitExpectation = 8
	ExitDenied      = 9
	ExitBug         = 70
	ExitInterrupted = 130
	ExitTerminated  = 143
)

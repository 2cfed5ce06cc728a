package webhook

import "time"

// EventQuery asks for events, the newest first. Zero fields don't limit.
type EventQuery struct {
	Organization string
	Type         string
	State        EventState
	Transaction  string // transaction id
	Publisher    string // only those of this token
	Since        time.Time
	Cursor       string // where the last page ended
	Limit        int
}

// DeliveryQuery asks for deliveries, those of the newest events first. Zero
// fields don't limit.
type DeliveryQuery struct {
	Organization string
	Event        string
	Webhook      string
	Publisher    string // only those of events of this token
	Type         string
	State        DeliveryState
	Since        time.Time
	Cursor       string
	Limit        int
}

// MaxPage bounds a page, DefaultPage is one that nobody asked to be larger.
const (
	MaxPage     = 1000
	DefaultPage = 50
)

// Page bounds a limit.
func Page(limit int) int {
	if limit <= 0 {
		return DefaultPage
	}
	return min(limit, MaxPage)
}

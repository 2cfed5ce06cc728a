package webhook

import "time"

// Lag says how far a webhook is behind.
type Lag struct {
	Organization string // slug
	Webhook      string
	Parked       bool      // the webhook is disabled: what is pending waits until somebody enables it
	Pending      int       // deliveries, counted up to a bound
	Oldest       time.Time // when the oldest of those was accepted
}

package webhook

import "time"

// Lag says how far a webhook is behind.
type Lag struct {
	Organization string // slug
	Webhook      string
	Pending      int       // deliveries, counted up to a bound
	Oldest       time.Time // when the oldest of those was accepted
}

package webhook

import (
	"time"

	"sealpost/internal/secret"
)

// Webhook is a configuration as it is stored, with what came of it.
type Webhook struct {
	Config
	Seq           int64 // its own number: a new webhook of the same name is another
	Organization  string
	Created       time.Time
	Updated       time.Time
	DisabledWhy   string     // why it is disabled; empty while enabled
	Suspended     bool       // its organization is suspended, so its deliveries are parked, enabled or not
	Damaged       bool       // what is stored of it can't be read; it is shown as disabled
	FailingSince  time.Time  // start of the present run of nothing but failures
	Health        Health     // that run in figures, as the database has it
	RetryAfter    RetryAfter // until when its receiver wants no attempt
	PreviousUntil time.Time  // end of a rotation's overlap; zero without one
	Missed        Gap        // events that it did not get while it was disabled
	Tag           string     // entity tag that a server gave it, if it gave one
}

// Gap are events that a disabled webhook did not get, because too many deliveries
// of its organization were parked already.
type Gap struct {
	Events int64
	Since  time.Time
}

// DisabledByHand is the reason that stands with a webhook that a person has
// disabled.
const DisabledByHand = "disabled by hand"

// DisabledBySuspension is the reason that stands with the parked deliveries of a
// suspended organization.
const DisabledBySuspension = "the organization is suspended"

// DisabledByRestore is the reason that stands with a webhook that had
// deliveries pending in a backup that was restored.
const DisabledByRestore = "restored from a backup: what was pending then may have been delivered since"

// SigningSecret is one secret of a webhook and the time in which it signs.
type SigningSecret struct {
	Value   secret.Text
	Created time.Time
	Ends    time.Time // zero for the current one
}

// KeepRotated is how long a secret is kept after its end, for explanations.
const KeepRotated = 30 * 24 * time.Hour

// DefaultOverlap is how long a rotated secret goes on signing.
const DefaultOverlap = 24 * time.Hour

// Imported is a webhook that an import stores: what a document says of it, and its
// secret. A zero secret means to make one.
type Imported struct {
	Name   string
	Patch  *Patch
	Secret secret.Text
}

// Receiver is what the engine needs to know of a webhook for one attempt. It
// is a snapshot: whoever holds one asks again when the store has changed.
type Receiver struct {
	Config
	Seq          int64
	Organization string
	Deleted      bool
	Secrets      []SigningSecret // those that may sign, newest first
	Health       Health
	RetryAfter   RetryAfter
}

// Rotation says how a secret is replaced.
type Rotation struct {
	Secret  secret.Text   // the new one
	Overlap time.Duration // how long the old one goes on signing; 0 drops it at once
	Force   bool          // even while an earlier rotation overlaps
}

// Organization is a tenant.
type Organization struct {
	ID        string
	Slug      string
	Name      string
	Type      string // integrator or uphold
	Maker     Maker
	Created   time.Time
	Suspended time.Time // zero while it works
}

// Maker says where an organization was made. Commands on the file trust the slugs of
// those that were made on the machine.
type Maker string

// The makers.
const (
	MadeOnMachine Maker = "machine" // by a command on the file, or by the daemon for its setting
	MadeOverAPI   Maker = "api"     // by sign-up
)

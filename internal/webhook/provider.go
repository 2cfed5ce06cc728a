package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"
)

// MaxCredential bounds the ids of a provider's users and of credentials, in
// bytes.
const MaxCredential = 200

// Credential ties a provider's user to one of our credentials and to the
// organization whose webhooks hear of it.
type Credential struct {
	Provider     string    `json:"provider"`
	User         string    `json:"providerUser"` // the provider's id
	ID           string    `json:"credential"`   // ours
	Organization string    `json:"organization"` // id
	Created      time.Time `json:"created"`
}

// Incoming is one event of a provider that has been read.
type Incoming struct {
	Provider string
	ID       string   // the provider's; empty when it could not be read
	Content  [32]byte // SHA-256 of what the provider said; equal for the same content
	Raw      []byte   // as it came
	User     string   // whose credential decides the organization
	Ignored  string   // why nothing is sent; empty when something is
	Declined string   // the transaction whose reason the platform may have left; empty for none
	At       time.Time

	// Publication makes our event for the credential of User, with the reason
	// that the platform left, or "". It is nil when nothing is sent or the
	// event does not fit. Its draft has no id yet.
	Publication func(c Credential, reason string) (Publication, error)

	// KeepUnlinked is how long an event of a user who is not linked is kept;
	// 0 keeps none.
	KeepUnlinked time.Duration

	// Pushed comes out of quarantine or from what is kept for an unlinked
	// user. It stays there for want of a credential.
	Pushed bool

	// Faults are set when the event does not fit: it is kept in quarantine.
	Faults []string
}

// Taking is what came of an [Incoming].
type Taking struct {
	Repeated    bool       // it was known already
	Conflicting bool       // its id is known with other content; it is in quarantine
	EventID     string     // the provider's, when it conflicts
	Ignored     string     // why nothing is sent
	Event       Publishing // ours, when there is one
	Kept        bool       // it is in quarantine
	Waiting     bool       // it is kept until its user is linked
	Dropped     int64      // older ones that left the quarantine for it
	Forgotten   int64      // older ones of unlinked users that are kept no longer
}

// UnknownUser is why nothing is sent for a user without a credential.
const UnknownUser = "unknown user"

// IntakeResult says in a word what came of a provider's event.
type IntakeResult string

// The results, each event has one.
const (
	IntakeAccepted    IntakeResult = "accepted"     // an event of ours came of it
	IntakeRepeated    IntakeResult = "repeated"     // it was known
	IntakeIgnored     IntakeResult = "ignored"      // nothing is sent for its kind
	IntakeUnknownUser IntakeResult = "unknown_user" // nothing is sent yet, for its user has no credential
	IntakeQuarantined IntakeResult = "quarantined"  // it does not fit, or its id is known with other content
	IntakeUnsigned    IntakeResult = "unsigned"     // nobody knows who sent it; nothing was stored
)

// IntakeResults lists them all.
var IntakeResults = []IntakeResult{IntakeAccepted, IntakeRepeated, IntakeIgnored, IntakeUnknownUser, IntakeQuarantined, IntakeUnsigned}

// Result says what came of the event.
func (t Taking) Result() IntakeResult {
	switch {
	case t.Kept:
		return IntakeQuarantined
	case t.Repeated:
		return IntakeRepeated
	case t.Ignored == UnknownUser:
		return IntakeUnknownUser
	case t.Ignored != "":
		return IntakeIgnored
	}
	return IntakeAccepted
}

// UnlinkedUser is a provider's user who had events and has no credential.
type UnlinkedUser struct {
	Provider string    `json:"provider"`
	User     string    `json:"providerUser"`
	Events   int       `json:"events"` // that came while nobody had linked the user
	Kept     int       `json:"kept"`   // of those, how many are kept to be sent
	Last     time.Time `json:"last"`
}

// QuarantinedIntake is an event of a provider that does not fit, and why.
type QuarantinedIntake struct {
	Seq      int64     `json:"id"`
	Provider string    `json:"provider"`
	Faults   []string  `json:"message"`
	At       time.Time `json:"at"`
}

// ProviderEventID derives our event id from a provider's, which may hold any
// characters: the same event always gets the same id. n is 1 for the id itself;
// from 2 on, -n stands behind it.
func ProviderEventID(provider, id string, n int) string {
	sum := sha256.Sum256([]byte(provider + "\x00" + id))
	derived := provider + "_" + hex.EncodeToString(sum[:16])
	if n > 1 {
		derived += "-" + strconv.Itoa(n)
	}
	return derived
}

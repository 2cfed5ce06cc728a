package webhook

import (
	"crypto/sha256"
	"encoding/hex"
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
	ID       string // the provider's; empty when it could not be read
	User     string // whose credential decides the organization
	Ignored  string // why nothing is sent; empty when something is
	At       time.Time

	// Publication makes our event for the credential of User. It is nil
	// when nothing is sent or the event does not fit.
	Publication func(Credential) (Publication, error)

	// Pushed comes out of quarantine, and stays there rather than be ignored
	// for want of a credential.
	Pushed bool

	// Raw and Faults are set when the event does not fit: it is kept in
	// quarantine.
	Raw    []byte
	Faults []string
}

// Taking is what came of an [Incoming].
type Taking struct {
	Repeated bool       // it was known already
	Ignored  string     // why nothing is sent
	Event    Publishing // ours, when there is one
	Kept     bool       // it is in quarantine
	Dropped  int64      // older ones that left the quarantine for it
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
	IntakeUnknownUser IntakeResult = "unknown_user" // nothing is sent, for its user has no credential
	IntakeQuarantined IntakeResult = "quarantined"  // it does not fit
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
	Events   int       `json:"events"` // that nothing was sent for
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
// characters: the same event always gets the same id.
func ProviderEventID(provider, id string) string {
	sum := sha256.Sum256([]byte(provider + "\x00" + id))
	return provider + "_" + hex.EncodeToString(sum[:16])
}

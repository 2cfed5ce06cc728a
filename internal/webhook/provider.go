package webhook

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

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
}

// QuarantinedIntake is an event of a provider that does not fit, and why.
type QuarantinedIntake struct {
	Seq      int64     `json:"id"`
	Provider string    `json:"provider"`
	Raw      []byte    `json:"-"`
	Faults   []string  `json:"message"`
	At       time.Time `json:"at"`
}

// ProviderEventID derives our event id from a provider's, which may hold any
// characters: the same event always gets the same id.
func ProviderEventID(provider, id string) string {
	sum := sha256.Sum256([]byte(provider + "\x00" + id))
	return provider + "_" + hex.EncodeToString(sum[:16])
}

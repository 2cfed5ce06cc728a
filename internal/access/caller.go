package access

import (
	"fmt"

	"sealpost/internal/webhook"
)

// Caller is whoever asks for something, once known: what they are, and where.
// The zero Caller may do nothing.
type Caller struct {
	Organization string // id
	Role         Role
	Token        string // id of the bearer token; empty for people
	User         string // id of the signed-in user; empty for tokens and the command line
	Suspended    bool   // the organization is suspended; then Organization and Role are empty

	// AsOf is set for who was only remembered: the state of access, as the store
	// counts it, under which they were last looked up. What they do counts only if
	// it is that one still.
	AsOf uint64
}

// Local is the command line on the machine itself: the database file's
// permissions are its access control, so it is an owner.
func Local(organization string) Caller { return Caller{Organization: organization, Role: Owner} }

// String names the caller in logs.
func (c Caller) String() string {
	switch {
	case c.Token != "":
		return "token:" + c.Token
	case c.User != "":
		return "user:" + c.User
	default:
		return "local"
	}
}

// Check returns nil when the caller has the permission, and otherwise a
// [webhook.Error] with the code no permission. How far the permission goes is
// what [Caller.Scope] says.
func (c Caller) Check(permission Permission) error {
	if Can(c.Role, permission) {
		return nil
	}
	return webhook.Errorf(webhook.CodeNoPermission, fmt.Sprintf("the role %s has no permission %s", c.Role, permission)).
		WithHint("ask an owner or admin of the organization, or use a token with a higher role")
}

// Scope returns the token whose own events alone the caller may see or touch;
// empty means all of the organization's. Ask [Caller.Check] first.
func (c Caller) Scope(permission Permission) (token string) {
	if ReachOf(c.Role, permission) == Own {
		return c.Token
	}
	return ""
}

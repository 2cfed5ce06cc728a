package access

import "slices"

// Role is what a member or a token is in an organization.
type Role string

// The roles. Publisher is for tokens only.
const (
	Owner     Role = "owner"
	Admin     Role = "admin"
	Member    Role = "member"
	Publisher Role = "publisher"
)

// Roles lists the roles that a person can have, highest first.
var Roles = []Role{Owner, Admin, Member}

// TokenRoles lists the roles that a token can have, highest first.
var TokenRoles = []Role{Owner, Admin, Member, Publisher}

// ForMembers reports whether a person can have the role.
func (r Role) ForMembers() bool { return slices.Contains(Roles, r) }

// ForTokens reports whether a token can have the role.
func (r Role) ForTokens() bool { return slices.Contains(TokenRoles, r) }

// MayGrant reports whether someone of role r may give another one the role
// granted, by a token or an invitation: owners any, admins any but owner,
// nobody else any. So a role is never higher than its maker's.
func (r Role) MayGrant(granted Role) bool {
	switch r {
	case Owner:
		return granted.ForTokens()
	case Admin:
		return granted.ForTokens() && granted != Owner
	default:
		return false
	}
}

// MayChange reports whether someone of role r may change a member from one
// role to another, or remove them (to is empty). Only owners touch owners.
func (r Role) MayChange(from, to Role) bool {
	if !r.MayGrant(from) {
		return false
	}
	return to == "" || to.ForMembers() && r.MayGrant(to)
}

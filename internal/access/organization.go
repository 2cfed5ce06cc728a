package access

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"sealpost/internal/webhook"
)

// Bounds around organizations.
const (
	MaxOrganizationName = 100 // characters
	MaxSlug             = 64  // characters
	MaxOrganizations    = 100 // that one user may be a member of and still make another
	MaxMembers          = 1000
)

// Membership is a user in an organization.
type Membership struct {
	ID           string
	Organization webhook.Organization
	User         User
	Role         Role
	Joined       time.Time
}

// Caller returns the member as a caller. While the organization is suspended the
// member is a caller without one: no other organization takes its place.
func (m Membership) Caller() Caller {
	if !m.Organization.Suspended.IsZero() {
		return Caller{User: m.User.ID, Suspended: true}
	}
	return Caller{Organization: m.Organization.ID, Role: m.Role, User: m.User.ID}
}

// NewMembership makes a user a member.
func NewMembership(organization webhook.Organization, user User, role Role, now time.Time) Membership {
	return Membership{ID: "mem_" + webhook.NewID(now), Organization: organization, User: user, Role: role, Joined: now}
}

// NewOrganization makes an organization after checking its name and slug. The
// error is an [*Error] with [CodeValidation] that says which, and why.
func NewOrganization(name, slug string, now time.Time) (webhook.Organization, error) {
	var faults []string
	switch unseen := webhook.Unseen("[body.name]", name); {
	case unseen != "":
		faults = append(faults, unseen)
	case strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > MaxOrganizationName || !isClean(name):
		faults = append(faults, fmt.Sprintf("[body.name] %s is not 1 to %d printable characters", quote(name), MaxOrganizationName))
	}
	if !ValidSlug(slug) {
		faults = append(faults, fmt.Sprintf("[body.slug] %s is not 1 to %d lower-case letters, digits and inner hyphens", quote(slug), MaxSlug))
	}
	if faults != nil {
		return webhook.Organization{}, Fault(CodeValidation, strings.Join(faults, "; "))
	}
	return webhook.Organization{ID: "org_" + webhook.NewID(now), Slug: slug, Name: name, Type: "integrator", Created: now}, nil
}

// ValidSlug reports whether s may be an organization's slug:
// ^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$.
func ValidSlug(s string) bool {
	if len(s) < 1 || len(s) > MaxSlug || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return true
}

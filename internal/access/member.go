package access

import (
	"fmt"
	"time"

	"sealpost/internal/webhook"
)

// ChangeMember judges whether someone of the role actor may change a member of
// an organization to another role, or remove them (to is empty), given all of its
// members. An organization keeps at least one owner. The store asks inside its
// transaction, so that two owners can't both be the one who may go.
func ChangeMember(actor Role, members []Membership, user string, to Role) error {
	var from Role
	owners := 0
	for _, member := range members {
		if member.Role == Owner {
			owners++
		}
		if member.User.ID == user {
			from = member.Role
		}
	}
	switch {
	case from == "":
		return Fault(CodeMemberNotFound, quote(user))
	case to != "" && !to.ForMembers():
		return Fault(CodeRoleNotFound, quote(string(to))+" is none of owner, admin and member")
	case !actor.MayChange(from, to):
		return Fault(CodeMayNotUpdateMember, fmt.Sprintf("the role %s may not change %s to %s", actor, from, orNone(to)))
	case from == Owner && to != Owner && owners == 1:
		return Fault(CodeLastOwner, "make another member owner first")
	}
	return nil
}

func orNone(role Role) Role {
	if role == "" {
		return "no member"
	}
	return role
}

// PlanMembers judges whether someone of the role actor may make wallets
// members, given all members that there are, and returns those to be added. Their
// organization, and the user of a wallet that is known, are the store's to fill.
func PlanMembers(actor Role, existing []Membership, additions []Addition, now time.Time) ([]Membership, error) {
	roles := make(map[Address]Role, len(existing)+len(additions))
	for _, member := range existing {
		roles[member.User.Address] = member.Role
	}
	var planned []Membership
	for _, addition := range additions {
		known, found := roles[addition.Address]
		switch {
		case !addition.Role.ForMembers():
			return nil, Fault(CodeRoleNotFound, quote(string(addition.Role))+" is none of owner, admin and member")
		case !actor.MayGrant(addition.Role):
			return nil, Fault(CodeMayNotInviteRole, fmt.Sprintf("the role %s may not make %s an %s", actor, addition.Address, addition.Role))
		case found && known != addition.Role:
			return nil, Fault(CodeAlreadyMember, fmt.Sprintf("%s is %s, not %s", addition.Address, known, addition.Role))
		case !found && len(roles) >= MaxMembers:
			return nil, Fault(CodeTooManyMembers, fmt.Sprintf("at most %d", MaxMembers))
		case !found:
			roles[addition.Address] = addition.Role
			planned = append(planned, NewMembership(webhook.Organization{}, NewUser(addition.Address, now), addition.Role, now))
		}
	}
	return planned, nil
}

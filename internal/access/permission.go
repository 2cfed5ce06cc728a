package access

import "slices"

// Permission names one thing that a caller may do.
type Permission string

// The permissions: the rows of the contract's table (part 8), word for word.
const (
	WebhookCreate    Permission = "webhook.create"
	WebhookRead      Permission = "webhook.read"
	WebhookUpdate    Permission = "webhook.update"
	WebhookDelete    Permission = "webhook.delete"
	WebhookRotate    Permission = "webhook.rotate"
	EventPublish     Permission = "event.publish"
	EventReceipt     Permission = "event.receipt"
	EventResend      Permission = "event.resend"
	EventRead        Permission = "event.read"
	EventBody        Permission = "event.body"    // bodies of events, and what receivers answered
	DeclineLeave     Permission = "decline.leave" // why a transaction was declined; see part 4
	DeliveryRead     Permission = "delivery.read"
	DeliveryRetry    Permission = "delivery.retry"
	DeliveryCancel   Permission = "delivery.cancel"
	TokenManage      Permission = "token.manage"
	MemberManage     Permission = "member.manage"
	InvitationManage Permission = "invitation.manage"
)

// Permissions lists every permission.
var Permissions = []Permission{
	WebhookCreate, WebhookRead, WebhookUpdate, WebhookDelete, WebhookRotate,
	EventPublish, EventReceipt, EventResend, EventRead, EventBody, DeclineLeave,
	DeliveryRead, DeliveryRetry, DeliveryCancel,
	TokenManage, MemberManage, InvitationManage,
}

// Reach says how far a permission goes. The zero Reach is no permission.
type Reach int

// How far a permission goes.
const (
	None Reach = iota // not permitted
	Own               // for what this token has published itself
	All               // for everything in the organization
)

// reach is the contract's table. What is not in it is not permitted; owners
// and admins are permitted everything.
var reach = map[Role]map[Permission]Reach{
	Member:    {EventRead: All, DeliveryRead: All},
	Publisher: {EventPublish: All, EventReceipt: Own, EventRead: Own, EventBody: Own, DeclineLeave: All, DeliveryRead: Own},
}

// ReachOf returns how far a permission goes for a role. Unknown roles and
// permissions reach nothing.
func ReachOf(role Role, permission Permission) Reach {
	if role == Owner || role == Admin {
		if slices.Contains(Permissions, permission) {
			return All
		}
		return None
	}
	return reach[role][permission]
}

// Can reports whether a role has a permission at all; for a publisher it may
// go no further than [Own].
func Can(role Role, permission Permission) bool { return ReachOf(role, permission) != None }

// statements is what the organization plugin of better-auth clients calls
// resources and actions: its defaults, and our webhooks.
var statements = map[Role]map[string][]string{
	Owner: {
		"organization": {"update", "delete"},
		"member":       {"create", "update", "delete"},
		"invitation":   {"create", "cancel"},
		"team":         {"create", "update", "delete"},
		"ac":           {"create", "read", "update", "delete"},
		"webhook":      {"create", "read", "update", "delete"},
	},
	Admin: {
		"organization": {"update"},
		"member":       {"create", "update", "delete"},
		"invitation":   {"create", "cancel"},
		"team":         {"create", "update", "delete"},
		"ac":           {"create", "read", "update", "delete"},
		"webhook":      {"create", "read", "update", "delete"},
	},
	Member: {
		"ac": {"read"},
	},
}

// Grants answers the has-permission question of better-auth clients: whether
// the role has every action of every resource asked for. An unknown resource
// or action, an empty list of actions, and an empty question are all no.
func Grants(role Role, asked map[string][]string) bool {
	for resource, actions := range asked {
		if len(actions) == 0 {
			return false
		}
		for _, action := range actions {
			if !slices.Contains(statements[role][resource], action) {
				return false
			}
		}
	}
	return len(asked) > 0
}

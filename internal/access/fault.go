package access

import "sealpost/internal/webhook"

// Code names a kind of refusal at sign-in and around organizations, as clients
// of better-auth know them.
type Code string

// The codes. Those in capitals with a text in the table below are
// better-auth's own, 1.6 and 1.7 alike; INVALID_SIWE_SIGNATURE is ours, where
// it gives none.
const (
	CodeUnauthorized       Code = "UNAUTHORIZED"
	CodeNonce              Code = "UNAUTHORIZED_INVALID_OR_EXPIRED_NONCE"
	CodeMismatch           Code = "UNAUTHORIZED_SIWE_MESSAGE_MISMATCH"
	CodeExpired            Code = "UNAUTHORIZED_SIWE_MESSAGE_EXPIRED"
	CodeNotYetValid        Code = "UNAUTHORIZED_SIWE_MESSAGE_NOT_YET_VALID"
	CodeSignature          Code = "UNAUTHORIZED_INVALID_SIWE_SIGNATURE"
	CodeValidation         Code = "VALIDATION_ERROR"
	CodeInvalidEmail       Code = "INVALID_EMAIL"
	CodeMayNotCreate       Code = "YOU_ARE_NOT_ALLOWED_TO_CREATE_A_NEW_ORGANIZATION"
	CodeTooManyOrgs        Code = "YOU_HAVE_REACHED_THE_MAXIMUM_NUMBER_OF_ORGANIZATIONS"
	CodeOrganizationExists Code = "ORGANIZATION_ALREADY_EXISTS"
	CodeNoOrganization     Code = "ORGANIZATION_NOT_FOUND"
	CodeNoActive           Code = "NO_ACTIVE_ORGANIZATION"
	CodeMemberNotFound     Code = "MEMBER_NOT_FOUND"
	CodeNotMember          Code = "USER_IS_NOT_A_MEMBER_OF_THE_ORGANIZATION"
	CodeAlreadyMember      Code = "USER_IS_ALREADY_A_MEMBER_OF_THIS_ORGANIZATION"
	CodeAlreadyInvited     Code = "USER_IS_ALREADY_INVITED_TO_THIS_ORGANIZATION"
	CodeRoleNotFound       Code = "ROLE_NOT_FOUND"
	CodeMayNotInvite       Code = "YOU_ARE_NOT_ALLOWED_TO_INVITE_USERS_TO_THIS_ORGANIZATION"
	CodeMayNotInviteRole   Code = "YOU_ARE_NOT_ALLOWED_TO_INVITE_USER_WITH_THIS_ROLE"
	CodeTooManyInvitations Code = "INVITATION_LIMIT_REACHED"
	CodeTooManyMembers     Code = "ORGANIZATION_MEMBERSHIP_LIMIT_REACHED"
	CodeInvitationNotFound Code = "INVITATION_NOT_FOUND"
	CodeNotRecipient       Code = "YOU_ARE_NOT_THE_RECIPIENT_OF_THE_INVITATION"
	CodeMayNotUpdateMember Code = "YOU_ARE_NOT_ALLOWED_TO_UPDATE_THIS_MEMBER"
	CodeLastOwner          Code = "YOU_CANNOT_LEAVE_THE_ORGANIZATION_WITHOUT_AN_OWNER"
)

// faults has the text of each code, as better-auth writes it, and the kind of
// fault that it is for everybody else.
var faults = map[Code]struct {
	text string
	kind webhook.Code
}{
	CodeUnauthorized:       {"Unauthorized", webhook.CodeUnauthorized},
	CodeNonce:              {"Unauthorized: Invalid or expired nonce", webhook.CodeUnauthorized},
	CodeMismatch:           {"Unauthorized: SIWE message does not match the expected nonce, domain, address, or chain ID", webhook.CodeUnauthorized},
	CodeExpired:            {"Unauthorized: SIWE message has expired", webhook.CodeUnauthorized},
	CodeNotYetValid:        {"Unauthorized: SIWE message is not yet valid", webhook.CodeUnauthorized},
	CodeSignature:          {"Unauthorized: Invalid SIWE signature", webhook.CodeUnauthorized},
	CodeValidation:         {"Invalid input", webhook.CodeBadRequest},
	CodeInvalidEmail:       {"Invalid email", webhook.CodeBadRequest},
	CodeMayNotCreate:       {"You are not allowed to create a new organization", webhook.CodeNoPermission},
	CodeTooManyOrgs:        {"You have reached the maximum number of organizations", webhook.CodeNoPermission},
	CodeOrganizationExists: {"Organization already exists", webhook.CodeConflict},
	CodeNoOrganization:     {"Organization not found", webhook.CodeNotFound},
	CodeNoActive:           {"No active organization", webhook.CodeNoOrganization},
	CodeMemberNotFound:     {"Member not found", webhook.CodeNotFound},
	CodeNotMember:          {"User is not a member of the organization", webhook.CodeUnauthorized},
	CodeAlreadyMember:      {"User is already a member of this organization", webhook.CodeConflict},
	CodeAlreadyInvited:     {"User is already invited to this organization", webhook.CodeConflict},
	CodeRoleNotFound:       {"Role not found", webhook.CodeBadRequest},
	CodeMayNotInvite:       {"You are not allowed to invite users to this organization", webhook.CodeNoPermission},
	CodeMayNotInviteRole:   {"You are not allowed to invite a user with this role", webhook.CodeNoPermission},
	CodeTooManyInvitations: {"Invitation limit reached", webhook.CodeNoPermission},
	CodeTooManyMembers:     {"Organization membership limit reached", webhook.CodeNoPermission},
	CodeInvitationNotFound: {"Invitation not found", webhook.CodeNotFound},
	CodeNotRecipient:       {"You are not the recipient of the invitation", webhook.CodeNoPermission},
	CodeMayNotUpdateMember: {"You are not allowed to update this member", webhook.CodeNoPermission},
	CodeLastOwner:          {"You cannot leave the organization without an owner", webhook.CodeConflict},
}

// Error is a refusal of the sign-in and organization use cases. It unwraps to
// the [webhook.Error] that the other edges (command line, logs) go by, and to
// its cause.
type Error struct {
	Code   Code
	Detail string // which value, and why; safe to show. May be empty
	Cause  error  // may be nil
}

// Fault makes an [Error]. detail may be empty.
func Fault(code Code, detail string) *Error { return &Error{Code: code, Detail: detail} }

// Message is the text that better-auth gives the code, with the detail.
func (e *Error) Message() string {
	text := faults[e.Code].text
	if e.Detail != "" {
		return text + ": " + e.Detail
	}
	return text
}

// Kind is the code of the same refusal outside of sign-in.
func (e *Error) Kind() webhook.Code { return faults[e.Code].kind }

// Error implements error.
func (e *Error) Error() string { return e.Message() }

// Unwrap returns the fault as the other edges see it, then the cause.
func (e *Error) Unwrap() []error {
	general := error(webhook.Errorf(e.Kind(), e.Message()))
	if e.Cause == nil {
		return []error{general}
	}
	return []error{general, e.Cause}
}

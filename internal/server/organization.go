package server

import (
	"encoding/json"
	"errors"
	"net/http"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

func (s *Server) routeOrganization() {
	const path = authPath + "organization/"
	s.mux.HandleFunc("POST "+path+"create", s.signedIn(s.createOrganization))
	s.mux.HandleFunc("GET "+path+"list", s.signedIn(s.listOrganizations))
	s.mux.HandleFunc("POST "+path+"invite-member", s.signedIn(s.inviteMember))
	s.mux.HandleFunc("POST "+path+"accept-invitation", s.signedIn(s.acceptInvitation))
	s.mux.HandleFunc("POST "+path+"has-permission", s.signedIn(s.hasPermission))
}

// organizationJSON is an organization as better-auth's clients know it. logo
// and metadata are not kept.
type organizationJSON struct {
	Name      string          `json:"name"`
	Slug      string          `json:"slug"`
	Logo      *string         `json:"logo"`
	CreatedAt string          `json:"createdAt"`
	Metadata  json.RawMessage `json:"metadata"`
	ID        string          `json:"id"`
}

func showOrganization(o webhook.Organization) organizationJSON {
	return organizationJSON{Name: o.Name, Slug: o.Slug, CreatedAt: webhook.Timestamp(o.Created), ID: o.ID}
}

type memberJSON struct {
	OrganizationID string      `json:"organizationId"`
	UserID         string      `json:"userId"`
	Role           access.Role `json:"role"`
	CreatedAt      string      `json:"createdAt"`
	ID             string      `json:"id"`
}

func showMember(m access.Membership) memberJSON {
	return memberJSON{m.Organization.ID, m.User.ID, m.Role, webhook.Timestamp(m.Joined), m.ID}
}

type invitationJSON struct {
	OrganizationID string                  `json:"organizationId"`
	Email          string                  `json:"email"`
	Role           access.Role             `json:"role"`
	Status         access.InvitationStatus `json:"status"`
	ExpiresAt      string                  `json:"expiresAt"`
	CreatedAt      string                  `json:"createdAt"`
	InviterID      string                  `json:"inviterId"`
	ID             string                  `json:"id"`
}

func showInvitation(i access.Invitation) invitationJSON {
	return invitationJSON{i.Organization, i.Email, i.Role, i.Status, webhook.Timestamp(i.Expires), webhook.Timestamp(i.Created), i.Inviter, i.ID}
}

func (s *Server) createOrganization(w http.ResponseWriter, r *http.Request, who access.SignedIn) error {
	var in struct{ Name, Slug string }
	if err := s.authBody(w, r, &in); err != nil {
		return err
	}
	owner, err := s.opts.SignIn.Service.CreateOrganization(r.Context(), who, in.Name, in.Slug)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		organizationJSON
		Members []memberJSON `json:"members"`
	}{showOrganization(owner.Organization), []memberJSON{showMember(owner)}})
	return nil
}

func (s *Server) listOrganizations(w http.ResponseWriter, r *http.Request, who access.SignedIn) error {
	memberships, err := s.opts.SignIn.Service.Organizations(r.Context(), who)
	if err != nil {
		return err
	}
	out := make([]organizationJSON, len(memberships))
	for i := range memberships {
		out[i] = showOrganization(memberships[i].Organization)
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// oneOrMore is a text or a list of texts.
type oneOrMore []string

// UnmarshalJSON implements [json.Unmarshaler].
func (o *oneOrMore) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(o))
}

func (s *Server) inviteMember(w http.ResponseWriter, r *http.Request, who access.SignedIn) error {
	var in struct {
		Email          string
		Role           oneOrMore
		OrganizationID string
		Resend         bool
	}
	if err := s.authBody(w, r, &in); err != nil {
		return err
	}
	if err := required("email", in.Email); err != nil {
		return err
	}
	service := s.opts.SignIn.Service
	c, err := service.In(r.Context(), who, in.OrganizationID)
	if err != nil {
		return hidden(err)
	}
	made, err := service.Invite(r.Context(), c, in.Email, in.Role, in.Resend)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, showInvitation(made))
	return nil
}

// hidden gives the refusal of an organization the code that invite-member has
// for it: an organization of others and one that there is not are the same.
func hidden(err error) error {
	var fault *access.Error
	if errors.As(err, &fault) {
		switch fault.Code {
		case access.CodeNoActive:
			return access.Fault(access.CodeNoOrganization, "")
		case access.CodeNotMember:
			return access.Fault(access.CodeMemberNotFound, "")
		}
	}
	return err
}

func (s *Server) acceptInvitation(w http.ResponseWriter, r *http.Request, who access.SignedIn) error {
	var in struct{ InvitationID string }
	if err := s.authBody(w, r, &in); err != nil {
		return err
	}
	if err := required("invitationId", in.InvitationID); err != nil {
		return err
	}
	invitation, membership, err := s.opts.SignIn.Service.Accept(r.Context(), who, in.InvitationID)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Invitation invitationJSON `json:"invitation"`
		Member     memberJSON     `json:"member"`
	}{showInvitation(invitation), showMember(membership)})
	return nil
}

// hasPermission answers whether the member may do all that is asked. The
// member's former name, permission, is understood and never granted, as in
// better-auth.
func (s *Server) hasPermission(w http.ResponseWriter, r *http.Request, who access.SignedIn) error {
	var in struct {
		Permissions, Permission *map[string][]string
		OrganizationID          string
	}
	if err := s.authBody(w, r, &in); err != nil {
		return err
	}
	if (in.Permissions == nil) == (in.Permission == nil) {
		return access.Fault(access.CodeValidation, "[body.permissions] expected an object such as {\"webhook\":[\"create\"]}")
	}
	c, err := s.opts.SignIn.Service.In(r.Context(), who, in.OrganizationID)
	if err != nil {
		return err
	}
	granted := in.Permissions != nil && access.Grants(c.Role, *in.Permissions)
	writeJSON(w, http.StatusOK, struct {
		Error   *string `json:"error"`
		Success bool    `json:"success"`
	}{nil, granted})
	return nil
}

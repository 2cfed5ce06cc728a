package server

import (
	"context"
	"encoding/json"
	"net/http"

	"sealpost/internal/access"
	"sealpost/internal/webhook"
)

// WhoAmI is the answer of GET /api/whoami: the organization that a caller works in,
// and who the caller is. Either Token or User is there.
type WhoAmI struct {
	Organization WhoOrganization `json:"organization"`
	Role         access.Role     `json:"role"`
	Token        *WhoToken       `json:"token,omitempty"`
	User         *WhoUser        `json:"user,omitempty"`
}

// WhoOrganization is the organization of a caller.
type WhoOrganization struct {
	ID   string `json:"id"`
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// WhoToken is the bearer token of a caller.
type WhoToken struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// WhoUser is the user whose session it is.
type WhoUser struct {
	ID      string `json:"id"`
	Address string `json:"address"` // of the wallet
}

// whoami tells a caller which organization it works in, and as whom. It needs no
// permission: every role may ask.
func (s *Server) whoami(w http.ResponseWriter, r *http.Request, c access.Caller) error {
	if err := belongs(c); err != nil {
		return err
	}
	o, err := s.opts.Tokens.Organization(r.Context(), c.Organization)
	if err != nil {
		return err
	}
	out := WhoAmI{Organization: WhoOrganization{o.ID, o.Slug, o.Name}, Role: c.Role}
	if c.Token != "" {
		token, err := s.opts.Tokens.Token(r.Context(), c.Token)
		if err != nil {
			return err
		}
		out.Token = &WhoToken{token.ID, token.Name}
	} else {
		cookie, _, err := s.sessionToken(r)
		if err != nil {
			return err
		}
		who, err := s.opts.SignIn.Service.Session(r.Context(), cookie)
		if err != nil {
			return err
		}
		out.User = &WhoUser{who.User.ID, who.User.Address.String()}
	}
	writeJSON(w, http.StatusOK, out)
	return nil
}

// WhoAmI asks the server which organization the credentials belong to. A server
// without the call answers [webhook.CodeNotFound].
func (c *Client) WhoAmI(ctx context.Context) (found WhoAmI, err error) {
	body, _, err := c.do(ctx, call{method: http.MethodGet, path: "/api/whoami", again: true})
	if err != nil {
		return found, err
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return found, badAnswer(err)
	}
	if found.Organization.ID == "" {
		return found, webhook.Errorf(webhook.CodeNotFound, c.base+" does not say which organization it works on")
	}
	return found, nil
}

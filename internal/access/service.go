package access

import (
	"context"
	"strings"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// Service carries out the use cases of access.
type Service struct {
	Store  Store
	Policy Policy
	Now    func() time.Time
}

// Bearer turns an Authorization header's value into a caller. Anything but a
// live bearer token is a [webhook.Error] with the code unauthorized.
func (s *Service) Bearer(ctx context.Context, authorization string) (Caller, error) {
	scheme, text, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return Caller{}, webhook.Errorf(webhook.CodeUnauthorized, "the Authorization header is not of the form Bearer TOKEN")
	}
	presented, err := ParseToken(strings.TrimSpace(text))
	if err != nil {
		return Caller{}, err
	}
	token, found, err := s.Store.Token(ctx, presented.ID)
	switch {
	case err != nil:
		return Caller{}, err
	case !found:
		return Caller{}, unknownToken()
	}
	if err := token.Check(presented, s.Now()); err != nil {
		return Caller{}, err
	}
	return token.Caller(), nil
}

// CreateToken makes a token for the caller's organization. Its text is shown
// by this answer and never again.
func (s *Service) CreateToken(ctx context.Context, caller Caller, name string, role Role, lifetime time.Duration) (Token, secret.Text, error) {
	if err := caller.Check(TokenManage); err != nil {
		return Token{}, secret.Text{}, err
	}
	token, text, err := NewToken(caller.Organization, name, role, caller.Role, lifetime, s.Now())
	if err != nil {
		return Token{}, secret.Text{}, err
	}
	return token, text, s.Store.AddToken(ctx, token)
}

// Tokens lists the tokens of the caller's organization, oldest first.
func (s *Service) Tokens(ctx context.Context, caller Caller) ([]Token, error) {
	if err := caller.Check(TokenManage); err != nil {
		return nil, err
	}
	return s.Store.TokensOf(ctx, caller.Organization)
}

// RevokeToken makes a token of the caller's organization useless, from the
// next request on.
func (s *Service) RevokeToken(ctx context.Context, caller Caller, id string) error {
	if err := caller.Check(TokenManage); err != nil {
		return err
	}
	found, err := s.Store.RevokeToken(ctx, caller.Organization, id, s.Now())
	if err == nil && !found {
		return webhook.Errorf(webhook.CodeNotFound, "no token "+quote(id)).WithHint("`sealpost token list` shows them")
	}
	return err
}

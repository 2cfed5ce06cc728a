package access

import (
	"context"
	"errors"
	"strings"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// Nonce makes a nonce for one sign-in, of the owner alone unless that is zero. Nothing is
// stored.
func (s *Service) Nonce(ctx context.Context, owner NonceOwner) (string, error) {
	key, err := s.nonceKey(ctx)
	if err != nil {
		return "", err
	}
	return NewNonce(key, owner, s.Now()), nil
}

// nonceKey is the database's key for nonces; it is read once.
func (s *Service) nonceKey(ctx context.Context) ([]byte, error) {
	if key := s.key.Load(); key != nil {
		return *key, nil
	}
	key, err := s.Store.Key(ctx, noncePurpose)
	if err == nil {
		s.key.Store(&key)
	}
	return key, err
}

// Credentials is what a client presents to sign in.
type Credentials struct {
	Message   string // ERC-4361, as signed
	Signature string // 0x and 130 hex digits
	Email     string // a claim; may be empty
	Wallet    string // the address again, as better-auth 1.6 sends it; may be empty
	ChainID   uint64 // the chain again, as better-auth 1.6 sends it; may be 0
}

// SignedIn is a live session with what belongs to it.
type SignedIn struct {
	Session Session
	User    User
	Token   secret.Text
	Renewed bool // the cookie should be set again
}

// SignIn checks a signed message and starts a session. The nonce is gone after
// that. What is refused costs no nonce and stores nothing.
func (s *Service) SignIn(ctx context.Context, given Credentials) (SignedIn, error) {
	if given.Email != "" {
		if _, err := ParseEmail(given.Email); err != nil { // the shape of what is sent comes before the message
			return SignedIn{}, err
		}
	}
	message, err := ParseMessage(given.Message)
	if err != nil {
		return SignedIn{}, Fault(CodeMismatch, err.Error())
	}
	claim, err := s.Policy.Claim(message.Address, given.Email)
	if err != nil {
		return SignedIn{}, err
	}
	key, err := s.nonceKey(ctx)
	if err != nil {
		return SignedIn{}, err
	}
	now := s.Now()
	id, expires, live := ReadNonce(key, message.Nonce, NonceOwner{message.Address, message.ChainID}, now)
	if !live {
		return SignedIn{}, Fault(CodeNonce, "")
	}
	if err := s.Policy.Check(message, now); err != nil {
		return SignedIn{}, err
	}
	if err := given.signs(message); err != nil {
		return SignedIn{}, err
	}
	switch fresh, err := s.Store.UseNonce(ctx, id, expires.Add(keepNonces), now); {
	case err != nil:
		return SignedIn{}, err
	case !fresh:
		return SignedIn{}, Fault(CodeNonce, "")
	}
	session, token := NewSession(claim, now)
	user, err := s.Store.AddSession(ctx, NewUser(message.Address, now), session)
	if err != nil {
		return SignedIn{}, err
	}
	session.User = user.ID
	return SignedIn{Session: session, User: user, Token: token}, nil
}

// keepNonces is for how long a used nonce is kept after its end, for a clock that
// is set back.
const keepNonces = 24 * time.Hour

// signs returns nil when the signature is the message's account's, and what is
// said besides agrees with the message.
func (c Credentials) signs(message *Message) error {
	if c.Wallet != "" && !strings.EqualFold(c.Wallet, message.Address.String()) {
		return Fault(CodeMismatch, "walletAddress is not the message's address")
	}
	if c.ChainID != 0 && c.ChainID != message.ChainID {
		return Fault(CodeMismatch, "chainId is not the message's chain")
	}
	signature, err := ParseSignature(c.Signature)
	if err != nil {
		return &Error{Code: CodeSignature, Detail: err.Error(), Cause: err}
	}
	signer, err := Recover(c.Message, signature)
	switch {
	case errors.Is(err, ErrSignatureV), errors.Is(err, ErrSignatureHigh):
		return &Error{Code: CodeSignature, Detail: err.Error(), Cause: err}
	case err != nil:
		return &Error{Code: CodeSignature, Cause: err}
	case signer != message.Address:
		return Fault(CodeSignature, "it is not by "+message.Address.String())
	}
	return nil
}

// Session finds the session of a token and renews it when that is due. No
// live session is refused by [CodeUnauthorized].
func (s *Service) Session(ctx context.Context, token secret.Text) (SignedIn, error) {
	digest, wellFormed := SessionDigest(token)
	if !wellFormed {
		return SignedIn{}, Fault(CodeUnauthorized, "")
	}
	now := s.Now()
	session, user, found, err := s.Store.Session(ctx, digest, now)
	switch {
	case err != nil:
		return SignedIn{}, err
	case !found || !session.Live(now):
		return SignedIn{}, Fault(CodeUnauthorized, "")
	}
	signedIn := SignedIn{Session: session, User: user, Token: token}
	if session.Due(now) {
		signedIn.Session.Updated, signedIn.Session.Expires, signedIn.Renewed = now, now.Add(SessionLife), true
		err = s.Store.RenewSession(ctx, digest, signedIn.Session.Expires, now)
	}
	return signedIn, err
}

// SignOut ends the session of a token, if there is one.
func (s *Service) SignOut(ctx context.Context, token secret.Text) error {
	digest, wellFormed := SessionDigest(token)
	if !wellFormed {
		return nil
	}
	return s.Store.EndSession(ctx, digest)
}

// Person turns a session into a caller: a member of the first organization
// that its user joined. Without any it is a [webhook.Error] with the code no
// organization.
func (s *Service) Person(ctx context.Context, signedIn SignedIn) (Caller, error) {
	memberships, err := s.Store.MembershipsOf(ctx, signedIn.User.ID)
	if err != nil {
		return Caller{}, err
	}
	if len(memberships) == 0 {
		return Caller{}, webhook.Errorf(webhook.CodeNoOrganization, "the signed-in user is a member of no organization").
			WithHint("create one, or accept an invitation")
	}
	return memberships[0].Caller(), nil
}

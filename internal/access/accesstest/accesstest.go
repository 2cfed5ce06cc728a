// Package accesstest is what every store promises to package access, told as
// stories: a wallet signs in, makes an organization, invites another one; many
// race for the same nonce and the same invitation. A store's own tests call
// [Run] with a way to open an empty one.
package accesstest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/secret"
	"sealpost/internal/webhook"
)

// start is when each story begins.
var start = time.Date(2026, 1, 5, 12, 0, 0, 0, time.UTC)

// Run tells all stories, each to a store of its own.
func Run(t *testing.T, open func(t *testing.T) access.Store) {
	for name, tell := range map[string]func(*story){
		"SignIn":              signIn,
		"SignInRefused":       signInRefused,
		"NonceOnce":           nonceOnce,
		"NonceExpires":        nonceExpires,
		"NonceOfOwner":        nonceOfOwner,
		"SessionSlides":       sessionSlides,
		"SessionsBounded":     sessionsBounded,
		"ClockIsSet":          clockIsSet,
		"SignOut":             signOut,
		"Organization":        organization,
		"SlugTaken":           slugTaken,
		"SignupByInvitation":  signupByInvitation,
		"Invitation":          invitation,
		"InvitationClaimed":   invitationClaimed,
		"TwoAcceptors":        twoAcceptors,
		"Members":             members,
		"LastOwners":          lastOwners,
		"AddMembers":          addMembers,
		"AddMembersAllOrNone": addMembersAllOrNone,
	} {
		t.Run(name, func(t *testing.T) {
			s := &story{T: t, now: start}
			s.Store, s.Now = open(t), func() time.Time { return s.now }
			s.Policy = access.Policy{Domain: "example.com", ChainID: 1, Signup: access.SignupOpen}
			tell(s)
		})
	}
}

// story is one test with a store, a clock that stands still, and the use
// cases over both.
type story struct {
	*testing.T
	access.Service
	now time.Time
}

// wallet makes the wallet whose key is one digit over and over.
func (s *story) wallet(digit string) access.Wallet {
	s.Helper()
	w, err := access.ParseWallet(secret.New(strings.Repeat(digit, 64)))
	s.must(err)
	return w
}

// credentials signs a fresh message with a fresh nonce.
func (s *story) credentials(digit, email string) access.Credentials {
	s.Helper()
	nonce, err := s.Nonce(s.ctx(), access.NonceOwner{})
	s.must(err)
	w := s.wallet(digit)
	message := access.Message{Domain: "example.com", Address: w.Address, URI: "https://example.com", ChainID: 1, Nonce: nonce, IssuedAt: access.At(s.now)}
	signature, err := w.Sign(message.String())
	s.must(err)
	return access.Credentials{Message: message.String(), Signature: signature.String(), Email: email}
}

// enter signs a wallet in.
func (s *story) enter(digit, email string) access.SignedIn {
	s.Helper()
	signedIn, err := s.SignIn(s.ctx(), s.credentials(digit, email))
	s.must(err)
	return signedIn
}

// found makes an organization with a wallet as its owner.
func (s *story) found(owner access.SignedIn, slug string) access.Caller {
	s.Helper()
	membership, err := s.CreateOrganization(s.ctx(), owner, "Acme Inc", slug)
	s.must(err)
	return membership.Caller()
}

// who finds a session again by its token.
func (s *story) who(signedIn access.SignedIn) (access.SignedIn, error) {
	return s.Session(s.ctx(), signedIn.Token)
}

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *story) refused(err error, code access.Code) {
	s.Helper()
	var fault *access.Error
	if !errors.As(err, &fault) || fault.Code != code {
		s.Fatalf("error %v, want %s", err, code)
	}
}

// together runs the same thing many times at once, each with its number, and
// returns the errors.
func together(n int, run func(i int) error) []error {
	errs := make([]error, n)
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() { errs[i] = run(i) })
	}
	all.Wait()
	return errs
}

// winners counts the nil errors, and fails for any other than the refusal.
func (s *story) winners(errs []error, refusal access.Code) (n int) {
	s.Helper()
	for _, err := range errs {
		if err == nil {
			n++
		} else {
			s.refused(err, refusal)
		}
	}
	return n
}

// roles tells who is what in an organization, in order of joining.
func (s *story) roles(organization string) (roles []access.Role) {
	s.Helper()
	members, err := s.Store.MembersOf(s.ctx(), organization)
	s.must(err)
	for _, member := range members {
		roles = append(roles, member.Role)
	}
	return roles
}

// kind fails unless err is a fault of the kind.
func (s *story) kind(err error, kind webhook.Code) {
	s.Helper()
	if err == nil || webhook.CodeOf(err) != kind {
		s.Fatalf("error %v, want %q", err, kind)
	}
}

func (s *story) ctx() context.Context { return s.Context() }

package accesstest

import (
	"strings"
	"time"

	"sealpost/internal/access"
	"sealpost/internal/secret"
)

func signIn(s *story) {
	first := s.enter("1", "Someone@Example.org")
	if first.User.Address != s.wallet("1").Address || first.Session.User != first.User.ID || !strings.HasPrefix(first.User.ID, "usr_") {
		s.Errorf("signed in as %+v", first)
	}
	again, err := s.who(first)
	s.must(err)
	if again.User != first.User || again.Session != first.Session || again.Renewed {
		s.Errorf("found   %+v\nsigned in %+v", again, first)
	}
	s.now = s.now.Add(time.Hour)
	second, other := s.enter("1", ""), s.enter("2", "")
	if second.User != first.User || other.User.ID == first.User.ID {
		s.Error("a wallet is not one user")
	}
	if second.Session.Claim != "" {
		s.Error("a claim outlives its session")
	}
	if second.Session.ID == first.Session.ID || second.Session.Digest == first.Session.Digest {
		s.Error("two sign-ins share a session")
	}
}

func signInRefused(s *story) {
	for name, test := range map[string]struct {
		change func(*access.Credentials)
		want   access.Code
	}{
		"another wallet's signature": {func(c *access.Credentials) { c.Signature = s.credentials("2", "").Signature }, access.CodeSignature},
		"no signature":               {func(c *access.Credentials) { c.Signature = "0x" }, access.CodeSignature},
		"another address besides":    {func(c *access.Credentials) { c.Wallet = s.wallet("2").Address.String() }, access.CodeMismatch},
		"another chain besides":      {func(c *access.Credentials) { c.ChainID = 5 }, access.CodeMismatch},
		"another domain":             {func(c *access.Credentials) { c.Message = strings.Replace(c.Message, "example.com", "evil.example", 1) }, access.CodeMismatch},
		"another chain":              {func(c *access.Credentials) { c.Message = strings.Replace(c.Message, "Chain ID: 1", "Chain ID: 5", 1) }, access.CodeMismatch},
		"a nonce of one's own":       {func(c *access.Credentials) { c.Message = strings.Replace(c.Message, "Nonce: ", "Nonce: a", 1) }, access.CodeNonce},
		"an expired message":         {func(c *access.Credentials) { c.Message += "\nExpiration Time: 2026-01-05T11:00:00Z" }, access.CodeExpired},
		"no message":                 {func(c *access.Credentials) { c.Message = "let me in" }, access.CodeMismatch},
		"no e-mail address":          {func(c *access.Credentials) { c.Email = "nobody" }, access.CodeInvalidEmail},
		"another wallet's address":   {func(c *access.Credentials) { c.Email = s.Policy.Email(s.wallet("2").Address) }, access.CodeInvalidEmail},
	} {
		given := s.credentials("1", "")
		test.change(&given)
		signedIn, err := s.SignIn(s.ctx(), given)
		s.Log(name)
		s.refused(err, test.want)
		if !signedIn.Token.IsZero() {
			s.Error("refused with a token")
		}
	}
	given := s.credentials("1", "") // as better-auth 1.6 sends it
	given.Wallet, given.ChainID = s.wallet("1").Address.Lower(), 1
	_, err := s.SignIn(s.ctx(), given)
	s.must(err)
}

func nonceOnce(s *story) {
	given := s.credentials("1", "")
	errs := together(8, func(int) error { _, err := s.SignIn(s.ctx(), given); return err })
	if n := s.winners(errs, access.CodeNonce); n != 1 {
		s.Errorf("one nonce has made %d sessions", n)
	}
	bad := s.credentials("1", "")
	signature := bad.Signature
	bad.Signature = s.credentials("2", "").Signature
	_, err := s.SignIn(s.ctx(), bad)
	s.refused(err, access.CodeSignature)
	bad.Signature = signature
	_, err = s.SignIn(s.ctx(), bad)
	s.must(err) // what is refused costs no nonce
	_, err = s.SignIn(s.ctx(), bad)
	s.refused(err, access.CodeNonce)
	s.now = s.now.Add(access.NonceLife - time.Second) // others are forgotten, and this one is not
	s.enter("2", "")
	_, err = s.SignIn(s.ctx(), bad)
	s.refused(err, access.CodeNonce)
}

// nonceOfOwner has one wallet use a nonce that another one asked for.
func nonceOfOwner(s *story) {
	sign := func(digit string, owner access.NonceOwner) access.Credentials {
		nonce, err := s.Nonce(s.ctx(), owner)
		s.must(err)
		w := s.wallet(digit)
		message := access.Message{Domain: "example.com", Address: w.Address, URI: "https://example.com", ChainID: 1, Nonce: nonce, IssuedAt: access.At(s.now)}
		signature, err := w.Sign(message.String())
		s.must(err)
		return access.Credentials{Message: message.String(), Signature: signature.String()}
	}
	one, other := s.wallet("1").Address, s.wallet("2").Address
	_, err := s.SignIn(s.ctx(), sign("1", access.NonceOwner{Address: one, ChainID: 1}))
	s.must(err)
	_, err = s.SignIn(s.ctx(), sign("1", access.NonceOwner{Address: other, ChainID: 1}))
	s.refused(err, access.CodeNonce)
	_, err = s.SignIn(s.ctx(), sign("1", access.NonceOwner{Address: one, ChainID: 5}))
	s.refused(err, access.CodeNonce)
}

func nonceExpires(s *story) {
	late, intime := s.credentials("1", ""), s.credentials("1", "")
	s.now = start.Add(access.NonceLife - time.Millisecond)
	_, err := s.SignIn(s.ctx(), intime)
	s.must(err)
	s.now = start.Add(access.NonceLife)
	_, err = s.SignIn(s.ctx(), late)
	s.refused(err, access.CodeNonce)
}

func sessionSlides(s *story) {
	signedIn := s.enter("1", "")
	for range 10 { // ten weeks, one visit every six days
		s.now = s.now.Add(6 * 24 * time.Hour)
		found, err := s.who(signedIn)
		s.must(err)
		if !found.Renewed || found.Session.Expires != s.now.Add(access.SessionLife) || found.Session.Updated != s.now {
			s.Fatalf("%s: %+v", s.now, found.Session)
		}
		again, err := s.who(signedIn)
		s.must(err)
		if again.Renewed || again.Session != found.Session {
			s.Fatal("renewed twice in a day, or not kept")
		}
	}
	s.now = s.now.Add(access.SessionLife)
	_, err := s.who(signedIn)
	s.refused(err, access.CodeUnauthorized)
}

func signOut(s *story) {
	one, other := s.enter("1", ""), s.enter("1", "")
	for range 2 {
		s.must(s.SignOut(s.ctx(), one.Token))
		_, err := s.who(one)
		s.refused(err, access.CodeUnauthorized)
	}
	_, err := s.who(other)
	s.must(err)
	for _, text := range []string{"", "nothing", one.Token.Reveal() + "x"} {
		s.must(s.SignOut(s.ctx(), secret.New(text)))
		_, err := s.Session(s.ctx(), secret.New(text))
		s.refused(err, access.CodeUnauthorized)
	}
}

func sessionsBounded(s *story) {
	first, other := s.enter("1", ""), s.enter("2", "")
	var second access.SignedIn
	for i := range access.MaxSessions {
		s.now = s.now.Add(time.Second)
		if next := s.enter("1", ""); i == 0 {
			second = next
		}
	}
	_, err := s.who(first)
	s.refused(err, access.CodeUnauthorized)
	for _, signedIn := range []access.SignedIn{second, other} {
		_, err = s.who(signedIn)
		s.must(err)
	}
}

package server

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"

	"sealpost/internal/access"
)

// SignIn is what sign-in with Ethereum works with.
type SignIn struct {
	Service        *access.Service
	BaseURL        string         // how clients reach the daemon; its origin is our own. May be empty
	Origins        []string       // other origins whose pages may call with a session's cookie
	RateLimit      int            // sign-in requests a minute from one client; 0 is no limit
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
}

func (s *Server) routeAuth() {
	if s.opts.SignIn == nil {
		return
	}
	s.limiter = access.NewLimiter(s.opts.SignIn.RateLimit)
	if base := originOf(s.opts.SignIn.BaseURL); base != "" {
		s.own = map[string]bool{base: true}
	}
	for _, origin := range s.opts.SignIn.Origins {
		if s.own != nil {
			s.own[originOf(origin)] = true
		}
		_ = s.origins.AddTrustedOrigin(originOf(origin)) // fails for what is no origin, which then isn't trusted
	}
	delete(s.own, "")
	s.mux.HandleFunc("POST "+authPath+"siwe/nonce", s.spoken(s.limited(s.nonce)))
	s.mux.HandleFunc("POST "+authPath+"siwe/get-nonce", s.spoken(s.limited(s.nonce)))
	s.mux.HandleFunc("POST "+authPath+"siwe/verify", s.spoken(s.limited(s.verify)))
	s.routeSession()
	s.routeOrganization()
}

// limited bounds how often one client may make a call.
func (s *Server) limited(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		client := clientAddress(r.RemoteAddr, r.Header.Values("X-Forwarded-For"), s.opts.SignIn.TrustedProxies)
		if wait, ok := s.limiter.Allow(client, s.opts.Now()); !ok {
			return tooMany(w, wait)
		}
		return h(w, r)
	}
}

// wallet is what better-auth 1.6 sends besides; 1.7 doesn't.
type wallet struct {
	WalletAddress string  `json:"walletAddress"`
	ChainID       *uint64 `json:"chainId"`
}

// nonce answers with a fresh nonce. It is bound to no wallet: the message that
// names it is.
func (s *Server) nonce(w http.ResponseWriter, r *http.Request) error {
	var in wallet
	if err := s.authBody(w, r, &in); err != nil {
		return err
	}
	nonce, err := s.opts.SignIn.Service.Nonce(r.Context())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Nonce string `json:"nonce"`
	}{nonce})
	return nil
}

// verify turns a signed message into a session.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		wallet
		Message   string `json:"message"`
		Signature string `json:"signature"`
		Email     string `json:"email"`
	}
	if err := s.authBody(w, r, &in); err != nil {
		return err
	}
	if err := required("message", in.Message, "signature", in.Signature); err != nil {
		return err
	}
	given := access.Credentials{Message: in.Message, Signature: in.Signature, Email: in.Email, Wallet: in.WalletAddress}
	if in.ChainID != nil {
		if given.ChainID = *in.ChainID; given.ChainID == 0 {
			return invalid("chainId", "expected a number greater than 0")
		}
	}
	service := s.opts.SignIn.Service
	who, err := service.SignIn(r.Context(), given)
	var fault *access.Error
	if errors.As(err, &fault) && fault.Code == access.CodeInvalidEmail {
		return invalid("email", fault.Message())
	}
	if err != nil {
		return err
	}
	s.opts.Log.Info("signed in", slog.String("user", who.User.ID), slog.String("wallet", who.User.Address.String()))
	http.SetCookie(w, service.Policy.Cookie(who.Token))
	type user struct {
		ID            string `json:"id"`
		WalletAddress string `json:"walletAddress"`
		ChainID       uint64 `json:"chainId"`
	}
	writeJSON(w, http.StatusOK, struct {
		Token   string `json:"token"`
		Success bool   `json:"success"`
		User    user   `json:"user"`
	}{who.Token.Reveal(), true, user{who.User.ID, who.User.Address.String(), service.Policy.ChainID}})
	return nil
}

package server

import (
	"cmp"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"reflect"
	"regexp"
	"strings"

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
	WalletAddress given[string]  `json:"walletAddress"`
	Address       given[string]  `json:"address"` // another name for it, at nonce
	ChainID       given[float64] `json:"chainId"`
}

// given is a member that may be absent. null is no value of it.
type given[T any] struct {
	there bool
	value T
}

// UnmarshalJSON implements [json.Unmarshaler].
func (g *given[T]) UnmarshalJSON(text []byte) error {
	g.there = true
	if string(text) == "null" {
		return &json.UnmarshalTypeError{Value: "null", Type: reflect.TypeFor[T]()}
	}
	return json.Unmarshal(text, &g.value)
}

// faults is what is wrong with the shape of the members, as better-auth's schemas
// have it.
func (in *wallet) faults() (faults []string) {
	for _, m := range []struct {
		name  string
		given given[string]
	}{{"walletAddress", in.WalletAddress}, {"address", in.Address}} {
		if m.given.there && !isAddress.MatchString(m.given.value) {
			faults = append(faults, "[body."+m.name+"] Invalid input: expected 0x and 40 hex digits")
		}
	}
	if n := in.ChainID.value; in.ChainID.there && (n != math.Trunc(n) || n < 1 || n > maxChain) {
		faults = append(faults, "[body.chainId] Invalid input: expected a whole number larger than 0")
	}
	return faults
}

var isAddress = regexp.MustCompile(`^0[xX][0-9a-fA-F]{40}$`)

const maxChain = 1<<53 - 1

// owner is whom a nonce is asked for, if the client says so.
func (in *wallet) owner() access.NonceOwner {
	text := cmp.Or(in.WalletAddress.value, in.Address.value)
	if text == "" {
		return access.NonceOwner{}
	}
	address, _ := access.ParseAddress("0x" + text[2:])       // its shape was checked
	owner := access.NonceOwner{Address: address, ChainID: 1} // as better-auth has it
	if in.ChainID.there {
		owner.ChainID = uint64(in.ChainID.value)
	}
	return owner
}

// nonce answers with a fresh nonce. As clients of 1.6 ask for it, it belongs to the wallet and chain
// that they name.
func (s *Server) nonce(w http.ResponseWriter, r *http.Request) error {
	var in wallet
	if err := s.authBody(w, r, &in); err != nil {
		return err
	}
	if faults := in.faults(); faults != nil {
		return access.Fault(access.CodeValidation, strings.Join(faults, "; "))
	}
	nonce, err := s.opts.SignIn.Service.Nonce(r.Context(), in.owner())
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, struct {
		Nonce string `json:"nonce"`
	}{nonce})
	return nil
}

// verify turns a signed message into a session. The shape of all members is
// judged before the message is read.
func (s *Server) verify(w http.ResponseWriter, r *http.Request) error {
	var in struct {
		wallet
		Message   string        `json:"message"`
		Signature string        `json:"signature"`
		Email     given[string] `json:"email"`
	}
	if err := s.authBody(w, r, &in); err != nil {
		return err
	}
	var faults []string
	for _, m := range [][2]string{{"message", in.Message}, {"signature", in.Signature}} {
		if m[1] == "" {
			faults = append(faults, "[body."+m[0]+"] expected a string that is not empty")
		}
	}
	faults = append(faults, in.faults()...)
	if _, err := access.ParseEmail(in.Email.value); in.Email.there && err != nil {
		faults = append(faults, "[body.email] Invalid email address")
	}
	if faults != nil {
		return access.Fault(access.CodeValidation, strings.Join(faults, "; "))
	}
	given := access.Credentials{Message: in.Message, Signature: in.Signature, Email: in.Email.value, Wallet: in.WalletAddress.value, ChainID: uint64(in.ChainID.value)}
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

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/access"
	"sealpost/internal/config"
	"sealpost/internal/guard"
	"sealpost/internal/secret"
	"sealpost/internal/server"
	"sealpost/internal/webhook"
)

func newLogin(a *app) *cobra.Command {
	var tokenFile, walletKey, domain string
	var chain uint64
	cmd := &cobra.Command{
		Use:   "login --server URL (--token-file FILE | --wallet-key SRC)",
		Short: "Sign in to a server, with a bearer token or an Ethereum wallet",
		Long: `login proves to a server who you are and keeps what it is known by for later
commands with --server, readable by you alone: the token, or the session that a
wallet's signature (ERC-4361) starts. The wallet's key is kept nowhere.`,
		Example: `  sealpost login --server https://hooks.example.com --token-file token.txt
  sealpost login --server https://hooks.example.com --wallet-key @key.txt`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, client, err := a.remote()
			if err != nil {
				return err
			}
			own, err := origin(c.Server)
			if err != nil {
				return err
			}
			kept := login{Server: own}
			who := "by token"
			if tokenFile != "" {
				kept.Token, err = a.tokenLogin(cmd.Context(), c, client, tokenFile)
			} else {
				s := siwe{base: strings.TrimSuffix(c.Server, "/"), origin: own, client: client, domain: domain, chain: chain}
				if s.domain == "" {
					s.domain = strings.TrimPrefix(strings.TrimPrefix(own, "https://"), "http://")
				}
				kept.Cookie, who, err = a.walletLogin(cmd.Context(), s, walletKey)
			}
			if err != nil {
				return err
			}
			if err := a.writeLogin(kept); err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(map[string]string{"server": own, "as": who})
			}
			a.say("signed in to %s %s", own, who)
			return nil
		},
	}
	cmd.Flags().StringVar(&tokenFile, "token-file", "", "file with a bearer token, or - for standard input")
	cmd.Flags().StringVar(&walletKey, "wallet-key", "", "private key of a wallet, 64 hex digits: @FILE, - or env:NAME")
	cmd.Flags().StringVar(&domain, "domain", "", "the server's sign-in domain (the host of --server)")
	cmd.Flags().Uint64Var(&chain, "chain-id", 1, "the server's sign-in chain")
	cmd.MarkFlagsMutuallyExclusive("token-file", "wallet-key")
	cmd.MarkFlagsOneRequired("token-file", "wallet-key")
	return cmd
}

func newLogout(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "logout --server URL",
		Short: "Forget how to sign in to a server; a session ends there too",
		Example: `  sealpost logout --server https://hooks.example.com
  sealpost logout --server https://hooks.example.com -q`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, client, err := a.remote()
			if err != nil {
				return err
			}
			kept, err := a.readLogin(c.Server)
			if errors.Is(err, fs.ErrNotExist) {
				return a.done("not signed in to %s", c.Server)
			}
			if err != nil {
				return err
			}
			path, err := a.loginPath(c.Server)
			if err != nil {
				return err
			}
			if err := os.Remove(path); err != nil {
				return err
			}
			if kept.Cookie != "" {
				s := siwe{base: strings.TrimSuffix(c.Server, "/"), origin: kept.Server, client: client, cookie: kept.Cookie}
				if _, err := s.post(cmd.Context(), "/sign-out", map[string]any{}, nil); err != nil {
					a.warn("the session is forgotten here, and may live on at %s: %v", kept.Server, err)
				}
			}
			return a.done("signed out of %s", kept.Server)
		},
	}
}

// signInTime bounds each request of a sign-in.
const signInTime = 30 * time.Second

// remote is the server that the settings name.
func (a *app) remote() (*config.Config, *http.Client, error) {
	c, err := a.config()
	if err != nil {
		return nil, nil, err
	}
	if c.Server == "" {
		return nil, nil, &usageError{"--server is missing", "for instance --server https://hooks.example.com"}
	}
	client, err := guard.Pinned(c.Server, guard.PinnedOptions{CAFile: c.Egress.CAFile, Timeout: signInTime})
	if err != nil {
		return nil, nil, &usageError{"--server: " + err.Error(), "for instance --server https://hooks.example.com"}
	}
	return c, client, nil
}

// tokenLogin reads a token and asks the server whether it counts there. One
// that may not list webhooks is a good one all the same.
func (a *app) tokenLogin(ctx context.Context, c *config.Config, client *http.Client, file string) (string, error) {
	source := "@" + file
	if file == "-" {
		source = file
	}
	text, err := a.secretText("--token-file", source)
	if err != nil {
		return "", err
	}
	text = strings.TrimSpace(text)
	if text == "" || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", &usageError{"--token-file holds no token", "`sealpost token create` on the server's machine makes one"}
	}
	_, err = server.NewClient(c.Server, client, login{Token: text}.header()).List(ctx, "")
	if err != nil && webhook.CodeOf(err) != webhook.CodeNoPermission {
		return "", err
	}
	return text, nil
}

// walletLogin signs in with a wallet and returns the session's cookie.
func (a *app) walletLogin(ctx context.Context, s siwe, source string) (cookie, who string, err error) {
	text, err := a.secretText("--wallet-key", source)
	if err != nil {
		return "", "", err
	}
	wallet, err := access.ParseWallet(secret.New(strings.TrimSpace(text)))
	if err != nil {
		return "", "", &usageError{"--wallet-key: " + err.Error(), ""}
	}
	cookie, err = s.signIn(ctx, wallet, a.now())
	return cookie, "as " + wallet.Address.String(), err
}

// siwe is the client's side of sign-in with Ethereum: what better-auth's
// siweClient does.
type siwe struct {
	base, origin string
	client       *http.Client
	domain       string
	chain        uint64
	cookie       string
}

// signIn returns the session's cookie, name=value. better-auth 1.6 wants the
// wallet named besides, 1.7 refuses that; sealpost takes both.
func (s siwe) signIn(ctx context.Context, wallet access.Wallet, now time.Time) (string, error) {
	named := map[string]any{"walletAddress": wallet.Address.String(), "chainId": s.chain}
	var answer struct{ Nonce string }
	_, err := s.post(ctx, "/siwe/nonce", named, &answer)
	if webhook.CodeOf(err) == webhook.CodeBadRequest {
		named = map[string]any{}
		_, err = s.post(ctx, "/siwe/nonce", named, &answer)
	}
	if err != nil {
		return "", err
	}
	message := (&access.Message{
		Domain: s.domain, Address: wallet.Address, Statement: "Sign in with sealpost.", URI: s.origin, ChainID: s.chain,
		Nonce: answer.Nonce, IssuedAt: access.At(now),
	}).String()
	if _, err := access.ParseMessage(message); err != nil { // a domain or a nonce with a line of its own in it
		return "", webhook.Errorf(webhook.CodeBadRequest, "what would be signed is no sign-in message: "+err.Error()).WithHint("check --domain and --server")
	}
	signature, err := wallet.Sign(message)
	if err != nil {
		return "", err
	}
	named["message"], named["signature"] = message, signature.String()
	cookies, err := s.post(ctx, "/siwe/verify", named, nil)
	if err != nil {
		return "", err
	}
	for _, cookie := range cookies {
		if strings.TrimPrefix(cookie.Name, "__Secure-") == access.CookieName && cookie.Value != "" {
			return cookie.Name + "=" + cookie.Value, nil
		}
	}
	return "", webhook.Errorf(webhook.CodeUnavailable, s.origin+" took the signature and set no session").WithHint("check --server")
}

// maxSignIn bounds an answer around sign-in, in bytes.
const maxSignIn = 1 << 20

// post makes a call below /api/auth.
func (s siwe) post(ctx context.Context, path string, in map[string]any, out any) ([]*http.Cookie, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.base+"/api/auth"+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Origin": {s.origin}, "User-Agent": {userAgent()}}
	if s.cookie != "" {
		request.Header.Set("Cookie", s.cookie)
	}
	response, err := s.client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, webhook.Errorf(webhook.CodeUnavailable, fmt.Sprintf("can't reach the server %s: %v", s.base, err)).
			WithHint("check --server, and that `sealpost serve` runs there").Wrap(err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(response.Body, maxSignIn))
	if err == nil && response.StatusCode == http.StatusOK {
		if out != nil {
			err = json.Unmarshal(text, out)
		}
		if err == nil {
			return response.Cookies(), nil
		}
	}
	return nil, s.refused(response, text)
}

// refused turns a refusal into what it means to the person at the terminal.
func (s siwe) refused(response *http.Response, text []byte) error {
	var why struct{ Message string }
	_ = json.Unmarshal(text, &why) // other servers may say nothing
	if why.Message == "" {
		why.Message = response.Status
	}
	fault := webhook.Errorf(webhook.CodeUnavailable, fmt.Sprintf("%s refuses the sign-in: %s", s.origin, why.Message))
	switch response.StatusCode {
	case http.StatusBadRequest:
		fault.Code = webhook.CodeBadRequest
	case http.StatusUnauthorized:
		fault.Code, fault.Hint = webhook.CodeUnauthorized, "check --domain and --chain-id against the server's auth.siwe settings"
	case http.StatusForbidden:
		fault.Code, fault.Hint = webhook.CodeNoPermission, "check that --server is the address that the server knows itself by (base_url)"
	case http.StatusNotFound:
		fault.Hint = "sign-in with wallets is off there (auth.siwe.enabled), or --server is wrong; --token-file always works"
	case http.StatusTooManyRequests:
		fault.Code, fault.Hint = webhook.CodeTooManyRequests, "try again in a minute"
	}
	return fault
}

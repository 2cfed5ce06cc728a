package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/config"
	"sealpost/internal/signature"
)

type rawJSON = json.RawMessage

// verifyFlags are the flags of verify-signature.
type verifyFlags struct {
	body, secret, webhook, request string
	headers                        []string
	scheme, tolerance, at          string
}

func newVerify(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify-signature (--secret SRC | --webhook NAME) (-H 'Name: value' | --request SRC)",
		Short: "Verify the signature of a request; exit 0 when it is valid, 1 when not",
		Example: `  sealpost verify-signature --body '{"a":1}' --secret 0123456789abcdef0123456789abcdef -H 'Signature: f0546246da9e2349100c845a8561214788d75d900f3c086a72fcfa03bb1f42ab'
  sealpost verify-signature --body '{"test": 2432232314}' --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw --tolerance none -H 'webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek' -H 'webhook-timestamp: 1614265330' -H 'webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			request, err := a.signedRequest(cmd.Context(), &f)
			if err != nil {
				return err
			}
			result := signature.Verify(request)
			if err := a.printVerdict(result); err != nil {
				return err
			}
			if !result.Valid {
				return verdict{exitNegative}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&f.body, "body", "-", "the exact body as received: @FILE, - or the body itself")
	cmd.Flags().StringVar(&f.secret, "secret", "", "what signed: @FILE, -, env:NAME or the secret")
	cmd.Flags().StringVar(&f.webhook, "webhook", "", "take the secrets of this webhook from the database")
	cmd.Flags().StringArrayVarP(&f.headers, "header", "H", nil, "'Name: value', as received (may be repeated)")
	cmd.Flags().StringVar(&f.request, "request", "", "a whole raw HTTP request, headers and body: @FILE or -")
	cmd.Flags().StringVar(&f.scheme, "scheme", "auto", "auto, signature or standard")
	cmd.Flags().StringVar(&f.tolerance, "tolerance", "5m", "how old or new a timestamp may be, or none")
	cmd.Flags().StringVar(&f.at, "at", "", "judge freshness as of this time, RFC 3339 or Unix seconds (now)")
	_ = cmd.RegisterFlagCompletionFunc("webhook", a.completeWebhooks)
	_ = cmd.RegisterFlagCompletionFunc("scheme", cobra.FixedCompletions([]string{"auto", "signature", "standard"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// signedRequest gathers what is to be judged.
func (a *app) signedRequest(ctx context.Context, f *verifyFlags) (r signature.Request, err error) {
	switch {
	case f.secret == "" && f.webhook == "":
		return r, &usageError{"a secret is missing", "--secret @FILE, - or env:NAME gives it, --webhook NAME takes it from the database"}
	case f.secret != "" && f.webhook != "":
		return r, usagef("--secret and --webhook can't both be given")
	case f.request == "" && len(f.headers) == 0:
		return r, &usageError{"the signature is missing", "-H 'Signature: …' gives a header, --request @FILE a whole request"}
	case f.secret == "-" && (f.request == "-" || f.request == "" && f.body == "-"):
		return r, &usageError{"--secret - and the body can't both read standard input", "read one of them from a file"}
	}
	switch r.Scheme = signature.Scheme(f.scheme); r.Scheme {
	case signature.SchemeAuto, signature.SchemeSignature, signature.SchemeStandard:
	default:
		return r, &usageError{fmt.Sprintf("--scheme %q is none of auto, signature, standard", f.scheme), ""}
	}
	if r.Tolerance, err = tolerance(f.tolerance); err != nil {
		return r, err
	}
	if r.At, err = a.instant(f.at); err != nil {
		return r, err
	}
	if r.Secrets, err = a.candidates(ctx, f); err != nil {
		return r, err
	}
	return r, a.readSigned(f, &r)
}

// readSigned reads headers and body.
func (a *app) readSigned(f *verifyFlags, r *signature.Request) (err error) {
	r.Headers = make(map[string][]string)
	if f.request != "" {
		raw, err := a.body("--request", f.request)
		if err != nil {
			return err
		}
		if r.Headers, r.Body, err = signature.ParseRequest(raw); err != nil {
			return &usageError{"--request: " + err.Error(), "keep the request as it came: headers, an empty line, the body"}
		}
	} else if r.Body, err = a.body("--body", f.body); err != nil {
		return err
	}
	for _, header := range f.headers {
		name, value, found := strings.Cut(header, ":")
		if !found || strings.TrimSpace(name) == "" {
			return &usageError{fmt.Sprintf("-H %q is not 'Name: value'", header), ""}
		}
		name = strings.TrimSpace(name)
		r.Headers[name] = append(r.Headers[name], strings.TrimSpace(value))
	}
	return nil
}

// candidates are the secrets that may have signed.
func (a *app) candidates(ctx context.Context, f *verifyFlags) ([]signature.Candidate, error) {
	if f.webhook == "" {
		value, err := a.signingSecret("--secret", f.secret)
		if err != nil {
			return nil, err
		}
		return []signature.Candidate{{Name: "the given secret", Secret: value, Accept: true}}, nil
	}
	l, err := a.local(ctx, false)
	if err != nil {
		return nil, err
	}
	defer l.Close() //nolint:errcheck // nothing was written
	if _, err := l.Get(ctx, a.organization(), f.webhook); err != nil {
		return nil, err
	}
	secrets, err := l.Store.Secrets(ctx, a.organization(), f.webhook)
	if err != nil {
		return nil, err
	}
	var found []signature.Candidate
	for _, s := range secrets {
		c := signature.Candidate{Name: "the current secret of " + f.webhook, Secret: s.Value, Accept: true}
		if !s.Ends.IsZero() {
			c.Name = "the previous secret of " + f.webhook
			c.Accept, c.Retired = s.Ends.After(a.now()), s.Ends
		}
		found = append(found, c)
	}
	return found, nil
}

func tolerance(text string) (time.Duration, error) {
	if text == "none" {
		return -1, nil
	}
	d, err := config.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, &usageError{fmt.Sprintf("--tolerance %q is neither a time such as 5m nor none", text), ""}
	}
	return d, nil
}

// printVerdict says what was found: both verdicts, and why.
func (a *app) printVerdict(r signature.Result) error {
	if a.json() {
		return a.printJSON(r)
	}
	word := a.styleOut(styleError, "INVALID")
	if r.Valid {
		word = a.styleOut(styleGood, "VALID")
	}
	fields := [][2]string{{"verdict", word}, {"scheme", string(r.Scheme)}, {"signature", r.Signature}, {"freshness", r.Freshness}}
	if r.Secret != "" {
		fields = append(fields, [2]string{"signed by", r.Secret})
	}
	if err := a.printFields(fields); err != nil {
		return err
	}
	for _, c := range r.Causes {
		if err := a.print("\n%s (%s): %s\n  fix: %s", c.Code, c.Certainty, c.Evidence, c.Fix); err != nil {
			return err
		}
	}
	return nil
}

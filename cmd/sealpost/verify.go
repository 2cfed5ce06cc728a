package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/capture"
	"sealpost/internal/catalog"
	"sealpost/internal/config"
	"sealpost/internal/secret"
	"sealpost/internal/signature"
)

type rawJSON = json.RawMessage

// verifyFlags are the flags of verify-signature.
type verifyFlags struct {
	bodyGiven bool   // --body stands on the command line
	piped     []byte // a request that came on standard input without a flag

	body, webhook, request string
	secrets                []string
	headers                []string
	scheme, tolerance, at  string
	computed               string
	showExpected           bool
	framework              string
}

func newVerify(a *app) *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify-signature (--secret SRC | --webhook NAME) (-H 'Name: value' | --request SRC)",
		Short: "Verify the signature of a request, and say why it doesn't match; exit 0 when it is valid, 1 when not",
		Long: `verify-signature judges every scheme that the request carries, one line each: signature,
standard, github, stripe, svix and ed25519. The request is valid if every scheme that could
be judged is. A scheme for which no key was given is unjudged and changes nothing. Give
--secret twice while a secret is rotated, and a public key whpk_… for ed25519.

When a signature doesn't match, the command looks for the cause. A cause is proven when
computing the signature under that assumption gives exactly what was received, and
suspected otherwise. The search is bounded by work, so the answer is the same everywhere.

With --computed it says what your own code does wrong, given what it came up with; without
a signature to hold it against the exit code is 1 in any case, for nothing was verified. For
a webhook-signature it needs -H webhook-id and -H webhook-timestamp as well. With
--webhook the secrets, also retired ones and those of other webhooks, and the body as it
was sent are taken from the database. With --framework the fix shows the line of that web
framework; docs/frameworks.md has a whole receiver for each. The right signature is shown with --show-expected
only; a failure never becomes a pass.`,
		Example: `  sealpost verify-signature --body '{"a":1}' --secret 0123456789abcdef0123456789abcdef -H 'Signature: f0546246da9e2349100c845a8561214788d75d900f3c086a72fcfa03bb1f42ab'
  sealpost verify-signature --body '{"test": 2432232314}' --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw --tolerance none -H 'webhook-id: msg_p5jXN8AQM9LWM0D4loKWxJek' -H 'webhook-timestamp: 1614265330' -H 'webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
  sealpost verify-signature --body @body.json --secret @secret.txt --computed bcadbfb547a03832fd07c02d3937dba9a92392aeec2b4ac9e95acbb856a47a8b`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.bodyGiven = cmd.Flags().Changed("body")
			if err := a.takePiped(&f); err != nil {
				return err
			}
			inquiry, err := a.inquiry(cmd.Context(), &f)
			if err != nil {
				return err
			}
			result := signature.Explain(inquiry)
			if err := a.printVerdict(result, f.computed != ""); err != nil {
				return err
			}
			right := func(c signature.Cause) bool { return c.Code == signature.CodeComputedRight }
			if f.computed != "" && !f.showExpected && !slices.ContainsFunc(result.Causes, right) {
				a.say("--show-expected shows the right value")
			}
			if !result.Valid {
				return verdict{exitNegative}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&f.body, "body", "-", "the exact body as received: @FILE, - or the body itself")
	cmd.Flags().StringArrayVar(&f.secrets, "secret", nil, "what signed: @FILE, -, env:NAME or the secret; a public key whpk_… too (may be repeated)")
	cmd.Flags().StringVar(&f.webhook, "webhook", "", "take the secrets of this webhook from the database")
	cmd.Flags().StringArrayVarP(&f.headers, "header", "H", nil, "'Name: value', as received (may be repeated)")
	cmd.Flags().StringVar(&f.request, "request", "", "a whole request: raw HTTP, Lambda, HAR, Postman, cURL, …: @FILE or -")
	cmd.Flags().StringVar(&f.scheme, "scheme", "auto", "auto (each scheme that is there), signature, standard, github, stripe, svix or ed25519")
	cmd.Flags().StringVar(&f.tolerance, "tolerance", "5m", "how old or new a timestamp may be, or none")
	cmd.Flags().StringVar(&f.at, "at", "", "judge freshness as of this time, RFC 3339 or Unix seconds (now)")
	cmd.Flags().StringVar(&f.computed, "computed", "", "what your own code computed: learn what it does wrong")
	cmd.Flags().BoolVar(&f.showExpected, "show-expected", false, "show the right signature")
	cmd.Flags().StringVar(&f.framework, "framework", "", "the receiver's web framework: the fix shows the line to change there")
	_ = cmd.RegisterFlagCompletionFunc("webhook", a.completeWebhooks)
	_ = cmd.RegisterFlagCompletionFunc("framework", cobra.FixedCompletions(frameworkNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = cmd.RegisterFlagCompletionFunc("scheme", cobra.FixedCompletions(schemeNames(), cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// inquiry gathers what is to be judged, and what helps to explain it.
func (a *app) inquiry(ctx context.Context, f *verifyFlags) (q signature.Inquiry, err error) {
	q.Computed, q.ShowExpected = f.computed, f.showExpected
	if q.Framework, err = framework(f.framework); err != nil {
		return q, err
	}
	if q.Request, err = a.signedRequest(ctx, f); err != nil {
		return q, err
	}
	q.Samples = a.samples()
	if f.webhook == "" {
		return q, nil
	}
	l, err := a.local(ctx, false)
	if err != nil {
		return q, err
	}
	defer l.Close() //nolint:errcheck // nothing was written
	q.Stored = a.storedBody(ctx, l, &q.Request)
	return q, nil
}

// samples are bodies of the built-in types: their keys stand in the order of sending.
func (a *app) samples() (found [][]byte) {
	known, err := catalog.New(catalog.Options{})
	if err != nil {
		return nil // it only makes the explanation poorer
	}
	for _, name := range known.Names() {
		if sample, err := known.Sample(name, 1, nil); err == nil {
			found = append(found, sample)
		}
	}
	return found
}

// signedRequest gathers what is to be judged.
func (a *app) signedRequest(ctx context.Context, f *verifyFlags) (r signature.Request, err error) {
	switch {
	case len(f.secrets) == 0 && f.webhook == "":
		return r, &usageError{"a secret is missing", "--secret @FILE, - or env:NAME gives it, --webhook NAME takes it from the database"}
	case len(f.secrets) > 0 && f.webhook != "":
		return r, usagef("--secret and --webhook can't both be given")
	case f.request == "" && len(f.headers) == 0 && f.computed == "":
		return r, &usageError{"the signature is missing", "-H 'Signature: …' gives a header, --request @FILE a whole request; --computed asks about a value of your own"}
	case len(f.secrets) > maxGivenSecrets:
		return r, usagef("--secret is given %d times, more than %d", len(f.secrets), maxGivenSecrets)
	case slices.Contains(f.secrets, "-") && (f.request == "-" || f.request == "" && f.body == "-"):
		return r, &usageError{"--secret - and the body can't both read standard input", "read one of them from a file"}
	}
	if r.Scheme = signature.Scheme(f.scheme); !slices.Contains(schemeNames(), f.scheme) {
		return r, &usageError{fmt.Sprintf("--scheme %q is none of %s", f.scheme, strings.Join(schemeNames(), ", ")), ""}
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
	if err := a.readSigned(f, &r); err != nil {
		return r, err
	}
	return r, f.alone(&r)
}

// alone chooses the scheme when the only value is the computed one: what is written
// as webhook-signature is, and what it covers has to be given.
func (f *verifyFlags) alone(r *signature.Request) error {
	given := func(name string) bool {
		for key := range r.Headers {
			if strings.EqualFold(key, name) {
				return true
			}
		}
		return false
	}
	if f.computed == "" || given(signature.HeaderSignature) || given(signature.HeaderStandard) {
		return nil
	}
	var missing []string
	for _, name := range []string{signature.HeaderID, signature.HeaderTimestamp} {
		if !given(name) {
			missing = append(missing, "-H '"+name+": …'")
		}
	}
	written := strings.Contains(f.computed, signature.Version)
	if _, err := base64.StdEncoding.DecodeString(strings.TrimSpace(f.computed)); err == nil && missing == nil {
		_, err = hex.DecodeString(strings.TrimSpace(f.computed))
		written = written || err != nil
	}
	if r.Scheme == signature.SchemeAuto && written {
		r.Scheme = signature.SchemeStandard
	}
	if r.Scheme == signature.SchemeStandard && missing != nil {
		verb := " is"
		if len(missing) > 1 {
			verb = " are"
		}
		return &usageError{"--computed is meant for webhook-signature, and " + strings.Join(missing, " and ") + verb + " missing",
			"webhook-signature covers id.timestamp.body; give both as they stand in the request, or --scheme signature"}
	}
	return nil
}

// readSigned reads headers and body.
func (a *app) readSigned(f *verifyFlags, r *signature.Request) (err error) {
	r.Headers = make(map[string][]string)
	if f.request != "" {
		if err := a.readRequest(f, r); err != nil {
			return err
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
		if known, other := capture.HeaderName(name); other {
			a.say("%s is read as the header %s", name, known)
			name = known
		}
		r.Headers[name] = append(r.Headers[name], strings.TrimSpace(value))
	}
	return nil
}

// takePiped takes standard input for a whole request when nothing else says where the
// signature is.
func (a *app) takePiped(f *verifyFlags) error {
	if f.request != "" || f.bodyGiven || f.computed != "" || len(f.headers) > 0 || slices.Contains(f.secrets, "-") ||
		len(f.secrets) == 0 && f.webhook == "" || isTerminal(a.streams.in) {
		return nil
	}
	raw, err := a.readAll("standard input", a.streams.in)
	if err == nil && len(raw) > 0 {
		f.request, f.piped = "-", raw
	}
	return err
}

// readRequest reads --request in whatever shape it is kept. --body takes the place
// of its body.
func (a *app) readRequest(f *verifyFlags, r *signature.Request) error {
	raw := f.piped
	if raw == nil {
		var err error
		if raw, err = a.body("--request", f.request); err != nil {
			return err
		}
	}
	read, err := capture.Read(raw)
	if unreadable := (*capture.Error)(nil); errors.As(err, &unreadable) {
		return &usageError{"--request: " + unreadable.Error(), unreadable.Hint}
	}
	for _, note := range read.Notes {
		a.say("%s", escaped(note))
	}
	r.Headers, r.Body = read.Headers, read.Body
	switch {
	case f.bodyGiven:
		r.Body, err = a.body("--body", f.body)
		return err
	case !read.HasBody:
		return &usageError{"--request: this looks like " + read.Shape + ", which shows no body", "give the body as well: --body @FILE"}
	}
	return nil
}

// candidates are the secrets that may have signed.
func (a *app) candidates(ctx context.Context, f *verifyFlags) ([]signature.Candidate, error) {
	if f.webhook == "" {
		return a.givenSecrets(f.secrets)
	}
	if err := a.onFile("verify-signature --webhook"); err != nil {
		return nil, err
	}
	l, err := a.localIn(ctx, false)
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
	return a.others(ctx, l, f.webhook, found)
}

// maxGivenSecrets bounds --secret: each costs a search of its own.
const maxGivenSecrets = 8

// givenSecrets reads the secrets of --secret. Blanks around one are a cause to be
// found, not a reason to refuse.
func (a *app) givenSecrets(sources []string) ([]signature.Candidate, error) {
	found := make([]signature.Candidate, 0, len(sources))
	for i, source := range sources {
		text, err := a.secretText("--secret", source)
		if err != nil {
			return nil, err
		}
		if plain := capture.Text([]byte(text)); plain != nil {
			a.say("--secret: the file is UTF-16, as Windows PowerShell writes it; it was read as text")
			text = trimNewline(string(plain))
		}
		if _, err := secret.Parse(strings.TrimSpace(text)); err != nil && !errors.Is(err, secret.ErrBase64) {
			return nil, &usageError{fmt.Sprintf("--secret: %v", err), a.meant("--secret", source, "give the whole secret, as `webhook create` showed it")}
		}
		name := "the given secret"
		if signature.IsPublicKey(text) {
			name = "the given public key"
		}
		if len(sources) > 1 {
			name = fmt.Sprintf("secret %d of those given", i+1)
		}
		found = append(found, signature.Candidate{Name: name, Secret: secret.New(text), Accept: true})
	}
	return found, nil
}

// schemeNames are the values of --scheme.
func schemeNames() []string {
	names := []string{string(signature.SchemeAuto)}
	for _, s := range signature.Schemes() {
		names = append(names, string(s))
	}
	return names
}

// others adds the secrets of the organization's other webhooks: none of them
// makes a signature valid, but one may explain it.
func (a *app) others(ctx context.Context, l *local, name string, found []signature.Candidate) ([]signature.Candidate, error) {
	all, err := l.List(ctx, a.organization())
	if err != nil {
		return nil, err
	}
	for _, w := range all {
		if w.Name == name || len(found) >= maxCandidates {
			continue
		}
		secrets, err := l.Store.Secrets(ctx, a.organization(), w.Name)
		if err != nil {
			return nil, err
		}
		for _, s := range secrets {
			found = append(found, signature.Candidate{Name: "a secret of " + w.Name, Secret: s.Value})
		}
	}
	return found, nil
}

// maxCandidates bounds the secrets that an explanation tries.
const maxCandidates = 64

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

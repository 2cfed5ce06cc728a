package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/config"
	"sealpost/internal/guard"
	"sealpost/internal/listen"
	"sealpost/internal/secret"
	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

// listenFlags are the flags of listen.
type listenFlags struct {
	address, webhook, scheme, tolerance string
	secrets                             []string
	respond, forward, readyFile         string
	delay, timeout                      string
	retryAfter, count                   int
	strict, reject, tls                 bool
	tlsCert, tlsKey, caFile             string

	answers   []listen.Answer
	deadline  time.Duration
	freshness time.Duration
}

func newListen(a *app) *cobra.Command {
	var f listenFlags
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive deliveries on this machine: verify, show, answer as told, forward",
		Long: `listen receives requests, verifies their signatures, says why a bad one is bad, and
shows each request: for people on a terminal, one JSON value a line otherwise.

--respond is a list of answers in order, the last one stays: a status from 200 to 599,
or a fault: reset, close, hang, drip, garbage, cut. Each may be repeated (*N) and have
options (:delay=150ms, :retry-after=2). --forward has your own app answer instead.

--reject answers as a receiver must: 401 to a bad signature or an old timestamp, 415 to
a content type other than application/json. All else is answered as --respond or
--forward says. --strict changes no answer: it makes the exit code 1 at the end.

GET and HEAD are answered 200 and don't count. What to allow so that a sender may call
this machine is printed at the start, as a command to paste.

It ends with Ctrl-C, after --count requests, or after --timeout (exit 6 when --count is
not reached by then).`,
		Example: `  sealpost listen --secret env:HOOK_SECRET --count 1
  sealpost listen --secret @secret.txt --respond 503*2:retry-after=1,reset,200 --strict
  sealpost listen --webhook orders --forward http://127.0.0.1:3000/hook`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return a.listenTo(cmd.Context(), &f)
		},
	}
	cmd.Flags().StringVar(&f.address, "address", "127.0.0.1:8788", "where to listen; port 0 takes a free one; all but loopback is open to the network")
	cmd.Flags().StringArrayVar(&f.secrets, "secret", nil, "what signs: @FILE, -, env:NAME or the secret (may be repeated)")
	cmd.Flags().StringVar(&f.webhook, "webhook", "", "take the secrets of this webhook from the database")
	cmd.Flags().StringVar(&f.scheme, "scheme", "auto", "auto (each that a request carries), signature or standard")
	cmd.Flags().StringVar(&f.tolerance, "tolerance", "5m", "how old or new a timestamp may be, or none")
	cmd.Flags().StringVar(&f.respond, "respond", "200", "answers in order, such as 503,503,200")
	cmd.Flags().StringVar(&f.delay, "delay", "", "wait so long before each answer that has no delay of its own")
	cmd.Flags().IntVar(&f.retryAfter, "retry-after", -1, "Retry-After, in seconds, of each 429 and 503 that has none of its own")
	cmd.Flags().Lookup("retry-after").DefValue = "0" // help would show -1, which is none
	cmd.Flags().StringVar(&f.forward, "forward", "", "hand requests on to this URL, and its answers back")
	cmd.Flags().IntVar(&f.count, "count", 0, "end after so many requests")
	cmd.Flags().StringVar(&f.timeout, "timeout", "", "end after this time, such as 30s")
	cmd.Flags().BoolVar(&f.strict, "strict", false, "exit 1 when any signature was bad")
	cmd.Flags().BoolVar(&f.reject, "reject", false, "answer 401 to what does not verify, 415 to what is no JSON")
	cmd.Flags().StringVar(&f.readyFile, "ready-file", "", "write the URL to this file once requests are accepted")
	cmd.Flags().BoolVar(&f.tls, "tls", false, "https, with a certificate made for this run")
	cmd.Flags().StringVar(&f.caFile, "ca-file", "", "with --tls: keep the certificate for senders in this file (a temporary one)")
	cmd.Flags().StringVar(&f.tlsCert, "tls-cert", "", "https, with this certificate (PEM)")
	cmd.Flags().StringVar(&f.tlsKey, "tls-key", "", "the key of --tls-cert (PEM)")
	cmd.MarkFlagsMutuallyExclusive("secret", "webhook")
	cmd.MarkFlagsMutuallyExclusive("tls", "tls-cert")
	cmd.MarkFlagsMutuallyExclusive("forward", "respond")
	cmd.MarkFlagsMutuallyExclusive("forward", "delay")
	cmd.MarkFlagsMutuallyExclusive("forward", "retry-after")
	cmd.MarkFlagsRequiredTogether("tls-cert", "tls-key")
	_ = cmd.RegisterFlagCompletionFunc("webhook", a.completeWebhooks)
	_ = cmd.RegisterFlagCompletionFunc("scheme", cobra.FixedCompletions([]string{"auto", "signature", "standard"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

func (f *listenFlags) check(cmd *cobra.Command) (err error) {
	if f.answers, err = listen.ParseAnswers(f.respond); err != nil {
		return &usageError{"--respond: " + err.Error(), "for instance --respond 503*2:retry-after=1,reset,200:delay=150ms"}
	}
	if f.freshness, err = tolerance(f.tolerance); err != nil {
		return err
	}
	delay, err := positive("--delay", f.delay)
	if err != nil {
		return err
	}
	if f.deadline, err = positive("--timeout", f.timeout); err != nil {
		return err
	}
	switch scheme := signature.Scheme(f.scheme); {
	case scheme != signature.SchemeAuto && scheme != signature.SchemeSignature && scheme != signature.SchemeStandard:
		return &usageError{fmt.Sprintf("--scheme %q is none of auto, signature, standard", f.scheme), ""}
	case f.count < 0 || cmd.Flags().Changed("count") && f.count == 0:
		return &usageError{fmt.Sprintf("--count %d is not 1 or more", f.count), ""}
	case delay > listen.MaxDelay:
		return usagef("--delay %s is more than %s", f.delay, listen.MaxDelay)
	case cmd.Flags().Changed("retry-after") && (f.retryAfter < 0 || f.retryAfter > 30*24*3600):
		return usagef("--retry-after %d is no number of seconds from 0 to 2592000", f.retryAfter)
	case f.caFile != "" && !f.tls:
		return &usageError{"--ca-file is for --tls, which makes the certificate", ""}
	case (f.strict || f.reject) && len(f.secrets) == 0 && f.webhook == "":
		return &usageError{map[bool]string{true: "--strict", false: "--reject"}[f.strict] + " needs something to verify with", "--secret @FILE or env:NAME gives it, --webhook NAME takes it from the database"}
	}
	for i := range f.answers {
		one := &f.answers[i]
		if one.Delay == 0 {
			one.Delay = delay
		}
		if one.RetryAfter < 0 && (one.Status == http.StatusTooManyRequests || one.Status == http.StatusServiceUnavailable) {
			one.RetryAfter = f.retryAfter
		}
	}
	return nil
}

// positive reads a time that may be absent.
func positive(flag, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := config.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, &usageError{fmt.Sprintf("%s %q is no time such as 30s", flag, text), ""}
	}
	return d, nil
}

// Slow clients are cut; what was planned to be slow has its time.
const (
	slowHeader = 5 * time.Second
	slowBody   = 30 * time.Second
	lastAnswer = 70 * time.Second // for the sender to take the last answer: more than its own deadline
)

// listenTo receives until it is told to end.
func (a *app) listenTo(ctx context.Context, f *listenFlags) (err error) {
	secrets, err := a.accepted(ctx, f)
	if err != nil {
		return err
	}
	opts := listen.Options{Secrets: secrets, Scheme: signature.Scheme(f.scheme), Tolerance: f.freshness, Answers: f.answers, Reject: f.reject, Now: a.now}
	if f.forward != "" {
		relay, err := guard.NewRelay(f.forward, guard.PinnedOptions{CAFile: a.conf.Egress.CAFile, Timeout: a.conf.Delivery.Timeout})
		if err != nil {
			return &usageError{"--forward: " + err.Error(), "for instance --forward http://127.0.0.1:3000/hook"}
		}
		defer relay.Close()
		opts.Forward = relay
	}
	folder, err := os.MkdirTemp("", "sealpost-listen-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	listener, url, err := f.bind(a.now(), folder)
	if err != nil {
		return err
	}
	counted := &tally{want: f.count, done: make(chan struct{})}
	opts.Tell = func(r *listen.Received) { counted.add(r, a.showReceived(r)) }
	living, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	web := &http.Server{Handler: listen.New(opts), ReadHeaderTimeout: slowHeader, ReadTimeout: slowBody, IdleTimeout: slowBody, MaxHeaderBytes: 64 << 10,
		BaseContext: func(net.Listener) context.Context { return living }, ErrorLog: log.New(io.Discard, "", 0)}
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }() // ends with Close
	defer web.Close()                             //nolint:errcheck // nothing is left to lose
	a.tellListening(f, url)
	if !isLoopback(listener.Addr()) && !a.quiet {
		a.warn("--address %s is open to the network: whoever can reach this machine may send requests; 127.0.0.1 keeps it to the machine itself", f.address)
	}
	if f.readyFile != "" {
		if err := writeWhole(f.readyFile, []byte(url+"\n")); err != nil {
			return usagef("--ready-file: %v", err)
		}
	}
	return a.untilEnd(ctx, f, web, counted, failed)
}

// untilEnd waits for the reason to end, lets the last answers out, and says
// what it amounts to.
func (a *app) untilEnd(ctx context.Context, f *listenFlags, web *http.Server, counted *tally, failed <-chan error) error {
	var late <-chan time.Time
	if f.deadline > 0 {
		timer := time.NewTimer(f.deadline)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	case <-late:
	case <-counted.done:
		grace, cancel := context.WithTimeout(ctx, lastAnswer)
		defer cancel()
		_ = web.Shutdown(grace) // what is open after that is cut
	}
	seen, bad, err := counted.sum()
	switch {
	case err != nil:
		return err
	case f.strict && bad > 0:
		a.say("%d of %d requests had a bad signature", bad, seen)
		return verdict{exitNegative}
	case seen < f.count && ctx.Err() != nil:
		return context.Cause(ctx)
	case seen < f.count:
		return webhook.Errorf(webhook.CodeTimeout, fmt.Sprintf("the time is up after %d of %d requests", seen, f.count)).
			WithHint("give more --timeout, or see whether the sender may call this address")
	}
	return nil
}

// accepted are the secrets that make a signature valid, and what may explain a
// bad one.
func (a *app) accepted(ctx context.Context, f *listenFlags) ([]signature.Candidate, error) {
	if _, err := a.config(); err != nil {
		return nil, err
	}
	if f.webhook != "" {
		return a.candidates(ctx, &verifyFlags{webhook: f.webhook})
	}
	found := make([]signature.Candidate, 0, len(f.secrets))
	for i, source := range f.secrets {
		text, err := a.secretText("--secret", source)
		if err != nil {
			return nil, err
		}
		if _, err := secret.Parse(strings.TrimSpace(text)); err != nil {
			return nil, &usageError{fmt.Sprintf("--secret: %v", err), "give the whole secret, as `webhook create` showed it"}
		}
		found = append(found, signature.Candidate{Name: fmt.Sprintf("secret %d of those given", i+1), Secret: secret.New(text), Accept: true})
	}
	return found, nil
}

// bind takes the address, over TLS when that was asked for, and returns the URL
// under which this machine reaches it. A certificate that is made is kept in
// folder, unless --ca-file names another place.
func (f *listenFlags) bind(now time.Time, folder string) (net.Listener, string, error) {
	host, _, err := net.SplitHostPort(f.address)
	if err != nil {
		return nil, "", &usageError{fmt.Sprintf("--address %q is not HOST:PORT", f.address), "for instance 127.0.0.1:8788"}
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	var secure *tls.Config
	switch {
	case f.tls:
		certificate, trusted, err := listen.SelfSigned([]string{host}, now, 30*24*time.Hour)
		if err != nil {
			return nil, "", err
		}
		if f.caFile == "" {
			f.caFile = filepath.Join(folder, "ca.pem")
		}
		if err := writeWhole(f.caFile, trusted); err != nil {
			return nil, "", usagef("--ca-file: %v", err)
		}
		secure = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	case f.tlsCert != "":
		certificate, err := tls.LoadX509KeyPair(f.tlsCert, f.tlsKey)
		if err != nil {
			return nil, "", unusable("--tls-cert: "+err.Error(), "check both files: PEM, the key without a passphrase")
		}
		secure = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	}
	listener, err := net.Listen("tcp", f.address)
	if err != nil {
		return nil, "", unusable(fmt.Sprintf("can't listen on %s: %v", f.address, err), "choose another address with --address; port 0 takes a free one")
	}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	place := net.JoinHostPort(host, port)
	if secure == nil {
		return listener, "http://" + place + "/", nil
	}
	return tls.NewListener(listener, secure), "https://" + place + "/", nil
}

// isLoopback reports whether this machine alone can reach an address.
func isLoopback(addr net.Addr) bool {
	tcp, is := addr.(*net.TCPAddr)
	return is && tcp.IP.IsLoopback()
}

// writeWhole writes a file that is there whole or not at all. A device, a pipe or a
// link is written to as it is: it must not become a file.
func writeWhole(name string, text []byte) error {
	if info, err := os.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(name, text, 0o600)
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".sealpost-*")
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Close()); err == nil {
		err = os.Rename(file.Name(), name)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/admin"
	"sealpost/internal/config"
	"sealpost/internal/deliver"
	"sealpost/internal/listen"
	"sealpost/internal/secret"
	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

func newDemo(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "demo",
		Short: "See the whole way of an event, for real, in a few seconds; nothing is left behind",
		Long: `demo starts an HTTPS receiver of its own on this machine and makes a database in a
temporary folder. It creates a webhook, publishes an event, answers the first attempt
with 503 and the retry with 200, and checks the signature of what arrived.

The receiver is on loopback, which is not called otherwise: an exception allows its
one port for this run alone. Nothing is left behind.`,
		Example: `  sealpost demo
  sealpost demo -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(cmd.Context(), 30*time.Second)
			defer cancel()
			return a.demo(ctx)
		},
	}
}

// demo is the whole way of an event, each step told with its time.
func (a *app) demo(ctx context.Context) (err error) {
	folder, err := os.MkdirTemp("", "sealpost-demo-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	d := &demonstration{app: a, began: a.now(), folder: folder, arrived: make(chan received, 8)}
	if err := d.listen(); err != nil {
		return err
	}
	defer d.web.Close() //nolint:errcheck // it ends with the program
	a.conf, err = config.Load(config.Sources{Flags: d.settings()})
	if err != nil {
		return err
	}
	l, err := a.local(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return d.run(ctx, l)
}

// demonstration is one run of the demo.
type demonstration struct {
	app     *app
	began   time.Time
	folder  string
	address string
	web     *http.Server
	arrived chan received
	told    []demoStep // with -o json
}

// received is one request that arrived, and the answer it got.
type received struct {
	headers http.Header
	body    []byte
	status  int
}

// demoStep is a step as data.
type demoStep struct {
	At   float64 `json:"at_ms"`
	Step string  `json:"step"`
	Text string  `json:"text"`
}

// step tells what has just happened.
func (d *demonstration) step(name, format string, args ...any) error {
	at := d.app.now().Sub(d.began)
	text := fmt.Sprintf(format, args...)
	told := demoStep{milliseconds(at), name, text}
	switch d.app.output {
	case "json": // one value: it is printed at the end
		d.told = append(d.told, told)
		return nil
	case "jsonl":
		return d.app.printJSON(told)
	}
	return d.app.print("%s  %s %s", d.app.styleOut(styleName, fmt.Sprintf("%7.1f ms", milliseconds(at))),
		d.app.styleOut(styleGood, fmt.Sprintf("%-8s", name)), text)
}

// settings allow the demo's own receiver and nothing else.
func (d *demonstration) settings() map[string]string {
	return map[string]string{
		"database":       filepath.Join(d.folder, "sealpost.db"),
		"egress.allow":   "127.0.0.1/32:" + d.port(),
		"egress.ca_file": filepath.Join(d.folder, "ca.pem"),
		"retry.profile":  "sandbox",
	}
}

func (d *demonstration) port() string {
	_, port, _ := net.SplitHostPort(d.address)
	return port
}

// listen starts the receiver: the first request is answered 503, the others
// 200.
func (d *demonstration) listen() error {
	certificate, trusted, err := listen.SelfSigned([]string{"127.0.0.1"}, time.Now(), time.Hour)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.folder, "ca.pem"), trusted, 0o600); err != nil {
		return err
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	if err != nil {
		return err
	}
	d.address = listener.Addr().String()
	var requests atomic.Int64
	d.web = &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(io.LimitReader(r.Body, admin.DefaultMaxBody))
		status := http.StatusOK
		if err != nil || requests.Add(1) == 1 {
			status = http.StatusServiceUnavailable
		}
		w.WriteHeader(status)
		d.arrived <- received{r.Header, body, status}
	})}
	go func() { _ = d.web.Serve(listener) }() // ends with Close
	return nil
}

func (d *demonstration) run(ctx context.Context, l *local) error {
	engine := deliver.New(l.store, l.guard, deliver.Options{
		Policy: policy(d.app.conf), Timeout: 5 * time.Second, UserAgent: userAgent(), Log: slog.New(slog.DiscardHandler)})
	l.store.Notify(engine.Offer)
	if err := engine.Start(ctx); err != nil {
		return err
	}
	defer engine.Stop(ctx)
	target := "https://" + d.address + "/hook"
	if err := d.step("receiver", "an HTTPS receiver listens at %s; its first answer will be 503", target); err != nil {
		return err
	}
	created, err := l.Create(ctx, d.app.organization(), "demo", &webhook.Patch{URL: &target}, secret.Text{}, false)
	if err != nil {
		return err
	}
	if err := d.step("webhook", "webhook create demo --url %s", target); err != nil {
		return err
	}
	body, err := d.app.catalog.Sample("transaction.created", 0, nil)
	if err != nil {
		return err
	}
	draft, err := webhook.NewDraft("transaction.created", body)
	if err != nil {
		return err
	}
	results, err := l.Publish(ctx, []admin.PublishParams{{Organization: d.app.organization(), Draft: draft}})
	if err != nil {
		return err
	}
	if err := errors.Join(results[0].Err, d.step("publish", "publish transaction.created: %s is on disk, with %d delivery", results[0].ID, results[0].Count)); err != nil {
		return err
	}
	if err := errors.Join(d.follow(ctx, created.Secret), d.app.follow(ctx, l, results[0].ID)); err != nil || d.told == nil {
		return err
	}
	return d.app.printJSON(d.told)
}

// follow tells of each request until one was taken, and checks its signature.
func (d *demonstration) follow(ctx context.Context, value secret.Text) error {
	for n := 1; ; n++ {
		var got received
		select {
		case got = <-d.arrived:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := d.step("attempt", "attempt %d arrived and was answered %d", n, got.status); err != nil {
			return err
		}
		if got.status != http.StatusOK {
			continue
		}
		for _, scheme := range []signature.Scheme{signature.SchemeSignature, signature.SchemeStandard} {
			result := signature.Verify(signature.Request{Headers: got.headers, Body: got.body, Scheme: scheme, At: d.app.now(),
				Tolerance: signature.DefaultTolerance, Secrets: []signature.Candidate{{Name: "demo", Secret: value, Accept: true}}})
			if !result.Valid {
				return fmt.Errorf("the demo's own signature does not verify (%s, %s): this is a bug", result.Signature, result.Freshness)
			}
			if err := d.step("verify", "scheme %s: the signature over %d bytes is valid", scheme, len(got.body)); err != nil {
				return err
			}
		}
		return d.step("done", "delivered, signed, after one retry; `sealpost webhook create --help` is where to go on")
	}
}

package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/access"
	"sealpost/internal/alarm"
	"sealpost/internal/config"
	"sealpost/internal/deliver"
	"sealpost/internal/server"
	"sealpost/internal/store"
	"sealpost/internal/webhook"
)

func newServe(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Run the daemon: deliver what is pending and whatever is published",
		Long: `serve delivers what is pending in the database and whatever is published into it,
by this program on the same machine or over HTTP. One daemon owns one database;
a second one is refused.

It answers GET /healthz and /readyz. SIGTERM and SIGINT end it in order: attempts
under way may finish (delivery.shutdown_grace), the rest is due again at the next
start. After SIGTERM it still takes requests for a while (shutdown_delay), and /readyz
answers 503, so that a load balancer sends no more of them. A second signal ends it at once.

What it goes by are settings (sealpost help environment): listen, tls.cert_file, egress.allow,
receipts.rpc_url, … The API needs a token (sealpost token create) or sign-in (auth.siwe.enabled).`,
		Example: `  sealpost serve
  sealpost serve --listen 127.0.0.1:9000 --database ./sealpost.db`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.serve(cmd.Context())
		},
	}
}

func (a *app) serve(ctx context.Context) (err error) {
	c, err := a.config()
	if err != nil {
		return err
	}
	told, err := newAlarm(c)
	if err != nil {
		return err
	}
	log := slog.New(told.Handler(a.logger(c).Handler()))
	defer endAlarm(told)
	tuneCollector()
	if c.Database == "" {
		_, err := a.open(ctx, false) // tells what is wrong
		return err
	}
	// The lock comes first: nobody's schema changes under a running daemon.
	owner := store.Owner{PID: os.Getpid(), Started: a.now(), Listen: c.Listen}
	lock, err := store.LockDaemon(c.Database, owner)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	a.locked, a.migration = true, log
	defer lastWords(c.Database, log)()
	logCapacity(log, c)
	listener, err := a.listen(c, log)
	if err != nil {
		return err
	}
	defer listener.Close() //nolint:errcheck // the server closes it as well
	owner.Listen = listener.Addr().String()
	if err := lock.Tell(owner); err != nil {
		return err
	}
	l, err := a.local(ctx, true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	own, err := a.ownOrganization(ctx, l.store, c)
	if err != nil {
		return err
	}
	for _, exception := range l.guard.Exceptions() {
		log.Warn("egress exception", "exception", exception)
	}
	return a.runDaemon(ctx, c, l, own, listener, log, told)
}

// listen binds the daemon's address, over TLS when a certificate is configured.
// Beyond the most connections, idle and slow ones are closed, or others wait in the system's queue.
func (a *app) listen(c *config.Config, log *slog.Logger) (*entrance, error) {
	var secure *tls.Config
	if c.TLS.CertFile != "" {
		certificate, err := server.LoadCertificate(c.TLS.CertFile, c.TLS.KeyFile, log)
		if err != nil {
			return nil, unusable(err.Error(), "check both files: PEM, the key without a passphrase")
		}
		secure = certificate.Config()
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, unusable(fmt.Sprintf("can't listen on %s: %v", c.Listen, err), "choose another address with --listen")
	}
	bound := server.NewConnections(capacityOf(c).connections, c.TrustedProxies)
	listener = bound.Listen(listener)
	if secure != nil {
		listener = tls.NewListener(listener, secure)
	}
	return &entrance{listener, bound}, nil
}

// entrance is the daemon's listener, with the bound on its connections.
type entrance struct {
	net.Listener
	bound *server.Connections
}

// runDaemon serves until ctx ends, and then stops in order.
func (a *app) runDaemon(ctx context.Context, c *config.Config, l *local, own webhook.Organization, listener *entrance, log *slog.Logger, told *alarm.Alarm) error {
	if err := l.store.Writable(ctx); err != nil { // nothing goes out whose outcome can't be recorded
		return err
	}
	if err := l.store.SweepDirect(ctx); err != nil {
		return err
	}
	var engine *deliver.Engine
	var front atomic.Pointer[server.Server]
	counts := a.newMetrics(l.store, func() deliver.Stats { return engine.Stats() }, func() bool {
		edge := front.Load()
		return edge != nil && edge.IsReady()
	})
	lines := observe(log, c.Log.Payloads, l.deliveryID)
	engine = deliver.New(l.store, l.guard, deliver.Options{
		Policy: policy(c), Timeout: c.Delivery.Timeout, DisableAfter: c.Delivery.DisableAfter,
		MaxInFlight: capacityOf(c).inFlight, WebhookMaxInFlight: c.Delivery.WebhookMaxInFlight, MaxPerHost: c.Delivery.MaxPerHost,
		UserAgent: userAgent(), Log: log, DeliveryID: l.deliveryID, Observe: func(o deliver.Observation) {
			counts.Attempted(o.Outcome)
			if o.Panic != nil {
				counts.Panicked()
			}
			lines(o)
			tellDead(told, o, l.deliveryID)
		},
		Disabled: func(r *webhook.Receiver, o *webhook.Outcome) {
			log.Warn("webhook disabled", "organization", r.Organization, "webhook", r.Name, "reason", o.Disabled, "delivery", o.Work.Key.String())
			tellDisabled(told, r, o)
		},
	})
	watcher, err := a.newWatcher(c, l.store, counts, log)
	if err != nil {
		return err
	}
	l.store.Notify(func(c webhook.Committed) {
		counts.Stored(c)
		engine.Offer(c)
		if watcher != nil && (c.Watched || c.Foreign) {
			watcher.Wake()
		}
	})
	stopMetrics, err := serveMetrics(c, counts)
	if err != nil {
		return err
	}
	defer stopMetrics()
	signIn, err := a.signIn(c, l.store, own.Slug)
	if err != nil {
		return err
	}
	if err := engine.Start(ctx); err != nil { // from here on things go out, so nothing may be refused any more
		return err
	}
	edge := server.New(server.Options{
		Service: l.Service, Tokens: l.store, Reads: l.store, Log: log, Now: a.now, Version: version, MaxBody: c.Publish.MaxBody, Bodies: c.RequestMemory, SignIn: signIn, Spare: l.store.Spare,
		Hooks: hooks(c, a.intake(c, l.store), counts), Panicked: counts.Panicked, Refused: counts.Refused,
	})
	front.Store(edge)
	web := server.HTTP(edge, log)
	listener.bound.Watch(web)
	failed := make(chan error, 1)
	go func() { failed <- web.Serve(listener) }()
	log.Info("serving", "listen", listener.Addr().String(), "database", l.store.Path(), "version", version, "pid", os.Getpid())
	edge.Ready(true)
	if any, err := l.store.AnyToken(ctx); err == nil && !any {
		log.Info("nobody can use the API yet: `sealpost token create NAME` makes a bearer token")
	}

	watching, unwatch := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { l.store.Watch(watching) })
	watch.Go(func() { a.expire(watching, l.store, log) })
	watch.Go(func() { watchDisk(watching, l.store, log) })
	if watcher != nil {
		watch.Go(func() { watcher.Run(watching) })
	}
	watch.Go(func() { a.retain(watching, l.store, retention(c), log) })
	defer watch.Wait()
	defer unwatch()
	var broken error
	select {
	case broken = <-failed:
	case <-ctx.Done():
	}
	edge.Ready(false)
	log.Info("stopping", "grace", c.Delivery.ShutdownGrace.String(), "reason", cmp.Or(broken, context.Cause(ctx)).Error())
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Delivery.ShutdownGrace)
	defer cancel()
	var clients sync.WaitGroup
	clients.Go(func() { // beside the engine: a slow one is no reason to go on delivering
		leave(ctx, c.ShutdownDelay)
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.Delivery.ShutdownGrace)
		defer cancel()
		if err := web.Shutdown(grace); err != nil {
			_ = web.Close()
		}
	})
	engine.Stop(grace)
	clients.Wait()
	log.Info("stopped")
	return broken
}

// leave gives load balancers time to see that the daemon is not ready any more, before
// it stops to listen. A person who ends it by Ctrl-C waits for nobody.
func leave(ctx context.Context, delay time.Duration) {
	var by signalled
	if !errors.As(context.Cause(ctx), &by) || by.signal != syscall.SIGTERM {
		return
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	<-timer.C
}

// ownOrganization finds or makes the organization of the setting. When its slug belongs
// to an organization that sign-up made, the daemon does not start: events that the
// operator publishes would be a stranger's.
func (a *app) ownOrganization(ctx context.Context, s *store.Store, c *config.Config) (webhook.Organization, error) {
	own, err := s.OwnOrganization(ctx, c.Organization, a.now())
	if webhook.CodeOf(err) != webhook.CodeConflict {
		return own, err
	}
	id, _, found, unknown := s.Stranger(ctx, c.Organization)
	if unknown != nil || !found {
		return own, errors.Join(err, unknown)
	}
	return own, webhook.Errorf(webhook.CodeConflict, "the daemon does not start: "+describe(err).Message).
		WithHint("set another `organization`, or trust this one: `sealpost org adopt " + id + "`")
}

// signIn is sign-in with Ethereum as the settings want it; nil is not at all. Nobody
// gets the reserved slug by signing up.
func (a *app) signIn(c *config.Config, s *store.Store, reserved string) (*server.SignIn, error) {
	if !c.Auth.SIWE.Enabled {
		return nil, nil
	}
	if err := access.CheckDomain(c.Auth.SIWE.Domain); err != nil {
		return nil, &usageError{"auth.siwe.domain: " + err.Error(), "name the host that people's wallets show, for instance app.example.com"}
	}
	policy := access.Policy{
		Domain: c.Auth.SIWE.Domain, ChainID: uint64(c.Auth.SIWE.ChainID), Signup: access.Signup(c.Auth.SIWE.Signup), Reserved: reserved,
		HTTPS: c.TLS.CertFile != "" || strings.HasPrefix(strings.ToLower(c.BaseURL), "https://"),
	}
	return &server.SignIn{
		Service: &access.Service{Store: s, Policy: policy, Now: a.now},
		BaseURL: c.BaseURL, Origins: c.Auth.Origins, RateLimit: c.Auth.RateLimit, TrustedProxies: c.TrustedProxies,
	}, nil
}

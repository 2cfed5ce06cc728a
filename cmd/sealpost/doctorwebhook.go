package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"sealpost/internal/deliver"
	"sealpost/internal/guard"
	"sealpost/internal/webhook"
)

// soon is when a certificate's end is close.
const soon = 14 * 24 * time.Hour

// examineWebhook looks at one webhook and at every host that it leads to.
func (a *app) examineWebhook(ctx context.Context, d *diagnosis, l *local, w *webhook.Webhook) error {
	if w.Suspended {
		d.warn("webhook.enabled", w.Name, "`sealpost org resume` releases them", "its deliveries are parked: %s", webhook.DisabledBySuspension)
	}
	switch {
	case w.Disabled && w.DisabledWhy != webhook.DisabledByHand: // nobody has decided that, so somebody has to hear of it
		d.fail("webhook.enabled", w.Name, "when its receiver is well: `sealpost webhook update "+w.Name+" --enable`", "it is disabled, so its deliveries are parked: %s", orUnknown(w.DisabledWhy))
	case w.Disabled:
		d.warn("webhook.enabled", w.Name, "when its receiver is well: `sealpost webhook update "+w.Name+" --enable`", "it is disabled, so its deliveries are parked: %s", orUnknown(w.DisabledWhy))
	default:
		d.pass("webhook.enabled", w.Name, "it is enabled")
	}
	if w.Missed.Events > 0 {
		d.warn("webhook.missed", w.Name, "enable it, then `sealpost event resend --missing --to "+w.Name+"` sends them", "it missed %d event%s since %s: it was disabled, and limits.parked was reached", w.Missed.Events, plural(int(w.Missed.Events)), a.when(w.Missed.Since))
	}
	if w.RetryAfter.In(a.now()) {
		d.warn("webhook.retry_after", w.Name, "wait, or end it: `sealpost delivery retry ID` on one of its deliveries", "its receiver has asked for no attempt before %s (Retry-After)", a.when(w.RetryAfter.Time))
	}
	hosts := map[string]bool{}
	for _, url := range urlsOf(w) {
		if host := hostOf(url); !hosts[host] {
			hosts[host] = true
			a.examineURL(ctx, d, l, w.Name+" at "+host, url)
		}
	}
	found, _, err := l.ListDeliveries(ctx, webhook.DeliveryQuery{Organization: a.organization(), Webhook: w.Name, Limit: 20})
	if err != nil {
		return err
	}
	at := slices.IndexFunc(found, func(d webhook.Delivery) bool { return len(d.Attempts) > 0 })
	if at < 0 {
		return nil
	}
	last := found[at].Attempts[len(found[at].Attempts)-1]
	if found[at].State == webhook.Delivered {
		d.pass("webhook.last", w.Name, "the newest attempt was taken: %s, %s", deliver.Describe(last), a.when(last.At))
	} else {
		d.warn("webhook.last", w.Name, "`sealpost delivery get "+found[at].ID+"` shows every attempt", "the newest attempt failed: %s, %s", deliver.Describe(last), a.when(last.At))
	}
	return nil
}

// urlsOf lists a webhook's URLs, the default one first.
func urlsOf(w *webhook.Webhook) []string {
	urls := []string{w.URL}
	for _, resource := range sortedKeys(w.Routes) {
		for _, action := range sortedKeys(w.Routes[resource]) {
			urls = append(urls, w.Routes[resource][action])
		}
	}
	return urls
}

// examineURL asks the guard, the name server, and the other side's handshake.
// Only the host is shown: a path may hold a token.
func (a *app) examineURL(ctx context.Context, d *diagnosis, l *local, subject, url string) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	v := l.guard.Check(ctx, url)
	if !v.Allowed {
		d.fail("webhook.guard", subject, guardFix(string(v.Reason)), "it may not be called: %s: %s", v.Reason, v.Message)
		return
	}
	d.pass("webhook.guard", subject, "it may be called, and leads to %s", addresses(v.Addrs))
	if v.Unanswered != "" {
		d.warn("webhook.dns", subject, "ask whoever runs the name servers of the name", "the question for %s records got no answer; deliveries use the other addresses", v.Unanswered)
	}
	if len(v.Addrs) > 1 {
		a.examineAddresses(ctx, d, l, subject, url, v.Addrs)
	}
	p, err := l.guard.Probe(ctx, url)
	if err != nil {
		d.fail("webhook.connect", subject, "ask whoever runs the receiver", "%s", deliver.Explain(err, probeTimeout))
	} else {
		d.pass("webhook.connect", subject, "%s answers in %s%s", p.Addr, p.Connected.Round(time.Microsecond), handshake(p.Handshake))
	}
	if len(p.Certificates) > 0 {
		a.examineCertificate(d, subject, p.Certificates)
	}
}

// maxAddresses bounds how many addresses of a name are asked, addressTimeout for how long.
const (
	maxAddresses   = 16
	addressTimeout = 5 * time.Second
)

// examineAddresses connects to each address of a name: a delivery uses the first that
// answers, so nobody else notices one that is dead.
func (a *app) examineAddresses(ctx context.Context, d *diagnosis, l *local, subject, url string, addrs []netip.Addr) {
	ctx, cancel := context.WithTimeout(ctx, addressTimeout)
	defer cancel()
	addrs = addrs[:min(len(addrs), maxAddresses)]
	probes, faults := make([]guard.Probe, len(addrs)), make([]error, len(addrs))
	var g errgroup.Group
	for i, addr := range addrs {
		g.Go(func() error {
			probes[i], faults[i] = l.guard.ProbeAddr(ctx, url, addr)
			return nil
		})
	}
	_ = g.Wait() // the faults are kept apart
	for i, addr := range addrs {
		if faults[i] != nil {
			d.warn("webhook.address", subject, "ask whoever runs the receiver, or take the address out of its name; deliveries use the other addresses", "%s does not answer: %s", addr, deliver.Explain(faults[i], addressTimeout))
		} else {
			d.pass("webhook.address", subject, "%s answers in %s%s", addr, probes[i].Connected.Round(time.Microsecond), handshake(probes[i].Handshake))
		}
	}
}

func (a *app) examineCertificate(d *diagnosis, subject string, chain []*x509.Certificate) {
	first := chain[0]
	end := first
	for _, c := range chain {
		if c.NotAfter.Before(end.NotAfter) {
			end = c
		}
	}
	issuer := strings.Join(strings.Fields(printable(strings.Join(append(first.Issuer.Organization, first.Issuer.CommonName), " "))), " ") // maybe nobody's word
	who := fmt.Sprintf("%d certificate%s, by %.100s", len(chain), plural(len(chain)), orUnknown(issuer))
	left := end.NotAfter.Sub(a.now())
	until := end.NotAfter.UTC().Format(time.DateOnly)
	switch {
	case left < 0:
		d.fail("webhook.certificate", subject, "its owner has to renew it; until then every attempt fails and is repeated", "it ended on %s; %s", until, who)
	case left < soon:
		d.warn("webhook.certificate", subject, "tell its owner to renew it", "it ends on %s, in %d days; %s", until, int(left.Hours()/24), who)
	default:
		d.pass("webhook.certificate", subject, "good until %s; %s", until, who)
	}
}

func handshake(took time.Duration) string {
	if took == 0 {
		return ", without TLS"
	}
	return ", TLS in " + took.Round(time.Microsecond).String()
}

// guardFix says what can be done about a refusal.
func guardFix(reason string) string {
	if strings.HasPrefix(reason, "dns") {
		return "check the name, and with egress.resolver which server is asked"
	}
	return "give it a public https URL; `sealpost help egress` tells how to make an exception"
}

func addresses(addrs []netip.Addr) string {
	var words []string
	for _, addr := range addrs[:min(len(addrs), 4)] {
		words = append(words, addr.String())
	}
	if len(addrs) > 4 {
		words = append(words, fmt.Sprintf("%d more", len(addrs)-4))
	}
	return strings.Join(words, ", ")
}

func orUnknown(text string) string {
	if strings.TrimSpace(text) == "" {
		return "not said"
	}
	return strings.TrimSpace(text)
}

package deliver

import (
	"slices"
	"strings"
	"time"

	"sealpost/internal/webhook"
)

// Which failures count against a webhook: those that say something of its receiver.
// What sealpost's own machine lacks does not: file descriptors, a proxy, a name
// server that answers, a program without bugs.

// ours are the codes of failures that never count.
var ours = []string{"no_file_descriptors", "internal", "proxy_error"}

// counts reports whether a failed attempt counts against its webhook. namesResolve
// tells whether other names do.
func counts(a webhook.Attempt, namesResolve bool) bool {
	code := codeOf(a)
	return a.Status != 0 || !slices.Contains(ours, code) && (code != "dns_error" || namesResolve)
}

// codeOf is the code with which an attempt's error begins; empty when it was
// answered.
func codeOf(a webhook.Attempt) string {
	if a.Status != 0 {
		return ""
	}
	code, _, _ := strings.Cut(a.Error, ":")
	return code
}

// resolved reports whether an attempt to a name can only have come so far since the
// name was resolved, minutes ago at most.
func resolved(a webhook.Attempt) bool {
	code := codeOf(a)
	return a.Status != 0 || strings.HasPrefix(code, "connection_") || strings.HasPrefix(code, "tls_")
}

// names tells whether names resolve at all, by what attempts to other webhooks came
// to. Guarded by the engine's lock.
type names [2]struct {
	webhook int64
	at      time.Time
}

// recently is how long an attempt shows that names resolve.
const recently = 10 * time.Minute

// resolvedLocked notes that a webhook's name resolved. The latest ones of two webhooks are
// kept: what a webhook's own name did says nothing of the name server.
func (n *names) resolvedLocked(webhook int64, at time.Time) {
	if n[0].webhook != webhook {
		n[0], n[1] = n[1], n[0]
		n[0].webhook = webhook
	}
	n[0].at = at
}

// doResolveLocked reports whether another webhook's name resolved a short while before an
// attempt.
func (n *names) doResolveLocked(webhook int64, at time.Time) bool {
	for _, other := range n {
		if age := at.Sub(other.at); other.webhook != webhook && !other.at.IsZero() && age <= recently && age >= -recently {
			return true
		}
	}
	return false
}

// learnLocked adapts the lane's window to how the receiver fares, and notes on the
// outcome what the file has to hear of the webhook's health.
func (l *lane) learnLocked(o *webhook.Outcome) {
	if to := l.targets[o.Work.Type]; to != nil && to.named && resolved(o.Attempt) {
		l.engine.names.resolvedLocked(l.webhook, o.Attempt.At)
	}
	if o.State == webhook.Delivered {
		l.becomeLocked(proven)
		if l.failures > 0 || l.doubtful || !l.health.Since.IsZero() {
			o.Recovered, l.health, l.doubtful = true, webhook.Health{}, false
		}
		l.failures = 0
		most := l.engine.opts.WebhookMaxInFlight
		if l.receiver.Limits.MaxInFlight > 0 {
			most = l.receiver.Limits.MaxInFlight
		}
		l.window = min(l.window*2, most)
		return
	}
	l.failures++
	l.becomeLocked(failing)
	if l.failures >= patience {
		l.window = 1
	}
	if next := l.health.Failed(o.Attempt.At); next != l.health && counts(o.Attempt, l.engine.names.doResolveLocked(l.webhook, o.Attempt.At)) {
		o.Failed, l.health = true, next
	}
	if o.State == webhook.Dead {
		o.Judge = l.engine.opts.DisableAfter
	}
}

package deliver

import (
	"time"

	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

// receiver looks up where the work goes and what signs it. The lane keeps the
// answer until something changes.
func (e *Engine) receiver(l *lane, work *webhook.Work) (*webhook.Receiver, *target, *signature.Signer, error) {
	revision := e.revision.Load()
	if work.Revision != revision {
		claimed, err := e.store.Claimed(e.life, work.Key, work.Claim)
		if err != nil {
			return nil, nil, nil, err
		}
		if !claimed {
			return nil, nil, nil, errOvertaken
		}
		work.Revision = revision
	}
	now := e.opts.Now().Round(0) // what secrets last by is the clock on the wall
	e.mu.Lock()
	changes := l.floor.changes
	known := l.receiver != nil && l.revision == revision && !now.Before(l.looked) && (l.expires.IsZero() || now.Before(l.expires))
	e.mu.Unlock()
	if !known {
		fresh, err := e.store.Receiver(e.life, l.webhook)
		if err != nil {
			return nil, nil, nil, err
		}
		signer, expires := newSigner(fresh.Secrets, now)
		e.mu.Lock()
		if revision >= l.revision { // or another attempt has looked after a later change
			l.receiver, l.signer, l.looked, l.expires, l.revision = fresh, signer, now, expires, revision
			l.targets = make(map[string]*target)
			if l.health = fresh.Health; l.standing == unknown && !l.health.Since.IsZero() {
				l.becomeLocked(failing) // under a former process
			}
			l.adoptLocked(fresh.RetryAfter, changes)
		}
		e.mu.Unlock()
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if l.receiver.Deleted || l.receiver.Disabled {
		return nil, nil, nil, errAsleep
	}
	if l.floor.until.In(now) || l.floor.alone && l.floor.probe != work {
		return nil, nil, nil, errFloor
	}
	to := l.targets[work.Type]
	if to == nil {
		to = newTarget(l.receiver.URLFor(work.Type))
		l.targets[work.Type] = to
	}
	if !e.admitLocked(l, work) {
		return nil, nil, nil, errCrowded
	}
	return l.receiver, to, l.signer, nil
}

// newSigner picks the secrets that sign now: the newest one, and during a
// rotation's overlap the previous one too, which then makes the Signature
// header. expires is when that changes.
func newSigner(secrets []webhook.SigningSecret, now time.Time) (signer *signature.Signer, expires time.Time) {
	var keys signature.Keys
	for _, s := range secrets {
		switch {
		case s.Ends.IsZero():
			keys.Standard = append(keys.Standard, s.Value.Key())
			if keys.Hex == nil {
				keys.Hex = s.Value.Key()
			}
		case s.Ends.After(now):
			keys.Standard = append(keys.Standard, s.Value.Key())
			keys.Hex = s.Value.Key()
			expires = s.Ends
		}
	}
	return signature.NewSigner(keys), expires
}

// SignFor returns what signs for a receiver at a time.
func SignFor(r *webhook.Receiver, now time.Time) *signature.Signer {
	signer, _ := newSigner(r.Secrets, now)
	return signer
}

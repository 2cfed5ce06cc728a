package deliver

import (
	"net/url"
	"strings"

	"sealpost/internal/webhook"
)

// hosts bounds the requests under way to each host and port, over all webhooks of all
// organizations: many webhooks together must not flood one receiver. Guarded by the
// engine's lock.
//
//   - Lanes that fail or are not known yet take no more than half of a host's bound,
//     and one organization no more than three quarters.
//   - Lanes that find no room wait in line. A place that becomes free goes to one
//     organization after the other, and within it to one webhook after the other.
//
// The work of a lane that waits is held by the lane and takes no room of its own, so
// that waiting for a host keeps nobody else from sending. Whenever a request ends, the
// line of its host is served; so no lane waits for ever.
type hosts struct {
	most  int
	known map[string]*host
}

// host is one host and port that has requests under way, or lanes that wait.
type host struct {
	key      string
	taken    int
	doubtful int // of those, by lanes that had not proven themselves
	tenants  map[string]*tenant
	ring     []*tenant // those with lanes that wait, the next one first
}

// tenant is an organization at a host.
type tenant struct {
	taken int
	lines [2][]turn // of lanes that have proven themselves, and of others
}

// turn is a lane's place in a line. It is void when the lane has another ticket by now.
type turn struct {
	lane   *lane
	ticket int64
}

// hostKey names the host and port that a URL leads to. Names that differ are different
// hosts, even where they lead to one address.
func hostKey(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[bool]string{true: "80", false: "443"}[strings.EqualFold(u.Scheme, "http")]
	}
	return strings.TrimSuffix(strings.ToLower(u.Hostname()), ".") + ":" + port
}

// atLocked finds or makes a host.
func (h *hosts) atLocked(key string) *host {
	if h.known == nil {
		h.known = make(map[string]*host)
	}
	found := h.known[key]
	if found == nil {
		found = &host{key: key, tenants: make(map[string]*tenant)}
		h.known[key] = found
	}
	return found
}

func (h *host) tenantLocked(l *lane) *tenant {
	org := l.receiver.Organization
	found := h.tenants[org]
	if found == nil {
		found = new(tenant)
		h.tenants[org] = found
	}
	return found
}

// hasLocked reports whether a lane may start a request to the host.
func (h *host) hasLocked(l *lane, most int) bool {
	return h.taken < most && (l.standing == proven || h.doubtful < max(most/2, 1)) && h.tenantLocked(l).taken < max(most*3/4, 1)
}

// admitLocked takes a place at the host that work goes to and reports whether there was one.
// Otherwise the lane waits in line. Where the work goes is not known before the lane's
// receiver is: then it is admitted when that was looked up.
func (e *Engine) admitLocked(l *lane, work *webhook.Work) bool {
	to := l.targets[work.Type]
	if to == nil || to.err != nil {
		return true
	}
	if h, _ := work.Place.(*host); h != nil {
		if h.key == to.host {
			return true
		}
		e.leaveLocked(l, work)
	}
	h := e.hosts.atLocked(to.host)
	if !h.hasLocked(l, e.hosts.most) {
		h.awaitLocked(l)
		return false
	}
	l.queuesAt = 0
	work.Place, work.Doubtful = h, l.standing != proven
	h.taken++
	h.tenantLocked(l).taken++
	if work.Doubtful {
		h.doubtful++
	}
	return true
}

// leaveLocked gives back the place of work at its host, and lets those in line have it.
func (e *Engine) leaveLocked(l *lane, work *webhook.Work) {
	h, _ := work.Place.(*host)
	if h == nil {
		return
	}
	work.Place = nil
	h.taken--
	if work.Doubtful {
		h.doubtful--
	}
	h.tenantLocked(l).taken--
	for next := h.nextLocked(e.hosts.most); next != nil; next = h.nextLocked(e.hosts.most) {
		e.serveLocked(next)
	}
	if h.taken == 0 && len(h.ring) == 0 {
		delete(e.hosts.known, h.key)
	}
}

// awaitLocked has a lane wait in line, unless it does already.
func (h *host) awaitLocked(l *lane) {
	if l.queuesAt != 0 {
		return
	}
	t := h.tenantLocked(l)
	if t.waitsLocked() == 0 {
		h.ring = append(h.ring, t)
	}
	l.turns++
	l.queuesAt = l.turns
	line := 1
	if l.standing == proven {
		line = 0
	}
	t.lines[line] = append(t.lines[line], turn{l, l.queuesAt})
}

func (t *tenant) waitsLocked() int { return len(t.lines[0]) + len(t.lines[1]) }

// nextLocked takes the lane out of line whose turn it is and for which there is room; nil
// when there is none.
func (h *host) nextLocked(most int) *lane {
	for i := 0; i < len(h.ring); i++ {
		t := h.ring[i]
		for line := range t.lines {
			for len(t.lines[line]) > 0 && t.lines[line][0].lane.queuesAt != t.lines[line][0].ticket {
				t.lines[line] = t.lines[line][1:]
			}
			if len(t.lines[line]) == 0 || !h.hasLocked(t.lines[line][0].lane, most) {
				continue
			}
			l := t.lines[line][0].lane
			t.lines[line] = t.lines[line][1:]
			l.queuesAt = 0
			h.ring = append(h.ring[:i], h.ring[i+1:]...)
			if t.waitsLocked() > 0 {
				h.ring = append(h.ring, t)
			}
			return l
		}
		if t.waitsLocked() == 0 {
			h.ring = append(h.ring[:i], h.ring[i+1:]...)
			i--
		}
	}
	return nil
}

package receipts

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sealpost/internal/webhook"
)

// maxBackoff bounds the time between two questions for one transaction.
const maxBackoff = 10 * time.Minute

// transaction is one that is watched, for one organization.
type transaction struct {
	organization string
	hash         string // in lower case
	events       []webhook.Watched
	since        time.Time // when it was first seen here
	due          time.Time // when it is asked for next
	head         uint64    // newest block when it was asked for; 0: ask again, however the chain stands
}

// asked notes a question. The next one comes after a tenth of the time that the
// transaction has been watched, so that what never comes, such as an invented
// hash, costs less and less, and what comes late is found nearly as soon.
func (t *transaction) asked(now time.Time, interval time.Duration, head uint64) {
	t.head = head
	t.due = now.Add(max(interval, min(now.Sub(t.since)/10, maxBackoff)))
}

// line holds the transactions that are watched and says which are asked for next.
// The organizations take turns: each has its longest due transaction asked for
// before any has a second one. So one that watches thousands delays no other
// beyond its turn.
type line struct {
	known map[[2]string]*transaction // by organization and hash
	turn  string                     // organization that was served last
}

// learn replaces what is watched; of a transaction that is known it keeps when it
// is due.
func (l *line) learn(events []webhook.Watched, now time.Time) {
	known := make(map[[2]string]*transaction, len(l.known))
	for _, e := range events {
		key := [2]string{e.Organization, strings.ToLower(e.TransactionHash)}
		t := known[key]
		if t == nil {
			if t = l.known[key]; t == nil {
				t = &transaction{organization: key[0], hash: key[1], since: now, due: now}
			}
			t.events = nil
			known[key] = t
		}
		t.events = append(t.events, e)
	}
	l.known = known
}

// next lists transactions to ask for, most at the most: those that are due and for
// which the chain has grown since they were asked for.
func (l *line) next(now time.Time, head uint64, most int) (due []*transaction) {
	byOrganization := make(map[string][]*transaction)
	for _, t := range l.known {
		if !t.due.After(now) && t.head != head {
			byOrganization[t.organization] = append(byOrganization[t.organization], t)
		}
	}
	organizations := make([]string, 0, len(byOrganization))
	total := 0
	for name, own := range byOrganization {
		organizations = append(organizations, name)
		slices.SortFunc(own, func(a, b *transaction) int {
			return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.events[0].Seq, b.events[0].Seq))
		})
		total += len(own)
	}
	slices.Sort(organizations)
	first, _ := slices.BinarySearch(organizations, l.turn+"\x00") // the one after the last
	organizations = append(organizations[first:], organizations[:first]...)
	for round := 0; len(due) < min(total, most); round++ {
		for _, name := range organizations {
			if own := byOrganization[name]; round < len(own) && len(due) < most {
				due = append(due, own[round])
				l.turn = name
			}
		}
	}
	return due
}

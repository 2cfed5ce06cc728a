package receipts

import (
	"fmt"
	"testing"
	"time"

	"sealpost/internal/webhook"
)

// TestLineTakesTurns has one organization watch 20,000 invented transactions: the
// one transaction of another is among the next that are asked for.
func TestLineTakesTurns(t *testing.T) {
	now := time.Unix(0, 0)
	var events []webhook.Watched
	for i := range 20_000 {
		events = append(events, webhook.Watched{Seq: int64(i), Organization: "flood", ID: fmt.Sprint(i), TransactionHash: fmt.Sprintf("0x%064x", i)})
	}
	var l line
	l.learn(events, now)
	due := l.next(now, 1, perRound)
	if len(due) != perRound {
		t.Fatalf("%d are asked for", len(due))
	}
	events = append(events, webhook.Watched{Seq: 20_000, Organization: "other", ID: "x", TransactionHash: "0xABC"})
	now = now.Add(time.Second)
	for _, asked := range due {
		asked.asked(now, 2*time.Second, 1)
	}
	l.learn(events, now)
	due = l.next(now, 1, 2)
	if len(due) != 2 || due[0].organization == due[1].organization {
		t.Errorf("the other one is not among the next: %v", due)
	}
	// The turn goes round even when there is room for one alone.
	turns := map[string]int{}
	for range 10 {
		due := l.next(now, 1, 1)
		turns[due[0].organization]++
	}
	if turns["other"] != 5 {
		t.Errorf("turns: %v", turns)
	}
	// Whether the chain has grown or not, what is new is asked for.
	if due := l.next(now.Add(time.Hour), 1, 100_000); len(due) != 20_001-perRound {
		t.Errorf("%d are new", len(due))
	}
}

// TestLineBacksOff counts how often a transaction that never comes is asked for.
func TestLineBacksOff(t *testing.T) {
	const interval = 2 * time.Second
	now := time.Unix(1, 0)
	events := []webhook.Watched{{Seq: 1, Organization: "o", ID: "x", TransactionHash: "0xabc"}}
	var l line
	n, minute := 0, 0
	for end := now.Add(24 * time.Hour); now.Before(end); now = now.Add(interval) {
		l.learn(events, now)
		for _, one := range l.next(now, uint64(now.Unix()), perRound) {
			one.asked(now, interval, uint64(now.Unix()))
			n++
		}
		if now.Sub(time.Unix(1, 0)) < time.Minute {
			minute = n
		}
	}
	if minute < 15 || n > 400 {
		t.Errorf("asked %d times in the first minute, %d in a day", minute, n)
	}
	// Another hash for the same event is new.
	events[0].TransactionHash = "0xdef"
	l.learn(events, now)
	if due := l.next(now, 1, perRound); len(due) != 1 || due[0].hash != "0xdef" || len(l.known) != 1 {
		t.Errorf("%v", due)
	}
}

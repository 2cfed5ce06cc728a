package server

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"sealpost/internal/webhook"
)

// TestReadsWaitForTheirTurn: beyond its bound an organization's reads wait, in
// order, and are refused after a while; nobody else's are.
func TestReadsWaitForTheirTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r readQueue
		enter := func(org string, most int64) *turn {
			t.Helper()
			turn, err := r.enter(t.Context(), org, most)
			if err != nil {
				t.Fatal(err)
			}
			return turn
		}
		under := []*turn{enter("a", 2), enter("a", 2), enter("b", 2), enter("c", 0)}
		third := make(chan *turn, 1)
		go func() { third <- enter("a", 2) }()
		synctest.Wait()
		select {
		case <-third:
			t.Fatal("the third did not wait")
		default:
		}
		under[0].leave()
		under[0] = <-third
		if _, err := r.enter(t.Context(), "a", 2); webhook.CodeOf(err) != webhook.CodeTooManyRequests {
			t.Fatalf("the third after 10 s: %v", err)
		}
		for _, turn := range under {
			turn.leave()
		}
		if len(r.orgs) != 0 || r.busy != 0 || len(r.round) != 0 {
			t.Fatalf("left over: %d organizations, %d readers, %d in the round", len(r.orgs), r.busy, len(r.round))
		}
	})
}

// TestReadersGoRound tells in which order organizations get the readers that all of
// them share. Reads come in the order of the text, a letter is an organization.
func TestReadersGoRound(t *testing.T) {
	many := ""
	for org := range 10 {
		many += strings.Repeat(string(rune('a'+org)), 4)
	}
	for _, test := range []struct {
		come    string
		readers int
		most    int64
		get     string
	}{
		{"aaa", 1, 4, "aaa"},
		{"aaabbc", 1, 4, "aabcab"}, // the first comes alone, then each has its turn
		{"aaaabc", 2, 4, "aaabca"}, // two readers are free at first
		{"aaaab", 2, 1, "abaaa"},   // a's own bound leaves a reader for b
		{"ab", 0, 4, "ab"},         // as many readers as are wanted
		{many + "k", 4, 4, "aaaabcdefghijk" + strings.Repeat("bcdefghij", 3)}, // one read of each, then the eleventh's
	} {
		t.Run(fmt.Sprintf("%s with %d readers", test.come, test.readers), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { goRound(t, test.come, test.readers, test.most, test.get) })
		})
	}
}

func goRound(t *testing.T, come string, readers int, most int64, want string) {
	r := readQueue{readers: readers}
	turns := make(chan *turn, len(come))
	for _, org := range come {
		go func() {
			turn, err := r.enter(t.Context(), string(org), most)
			if err != nil {
				t.Error(err)
				return
			}
			turns <- turn
		}()
		synctest.Wait() // it has come
	}
	var got strings.Builder
	for range come {
		turn := <-turns
		got.WriteString(turn.org)
		turn.leave()
		synctest.Wait() // whose turn it is now has its reader
	}
	if got.String() != want {
		t.Errorf("readers go to %s, not to %s", got.String(), want)
	}
	if len(r.orgs) != 0 || r.busy != 0 || len(r.round) != 0 {
		t.Errorf("left over: %d organizations, %d readers, %d in the round", len(r.orgs), r.busy, len(r.round))
	}
}

// TestAnswersHoldNoReader: a client that takes its answer slowly keeps its own
// organization's next read waiting, but no other one's.
func TestAnswersHoldNoReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := readQueue{readers: 1}
		slow, err := r.enter(t.Context(), "a", 1)
		if err != nil {
			t.Fatal(err)
		}
		var order []string
		wait := func(org string) {
			turn, err := r.enter(t.Context(), org, 1)
			if err != nil {
				t.Error(err)
				return
			}
			order = append(order, org)
			turn.leave()
		}
		go wait("a")
		synctest.Wait()
		go wait("b")
		synctest.Wait()
		slow.answer()
		synctest.Wait()
		if !slices.Equal(order, []string{"b"}) {
			t.Errorf("while the answer is taken, readers go to %q", order)
		}
		slow.leave()
		synctest.Wait()
		if !slices.Equal(order, []string{"b", "a"}) {
			t.Errorf("readers go to %q", order)
		}
	})
}

// TestNoReaderCameFree: a read that waits for others' reads is told that the daemon
// is busy, not that its organization is past a limit.
func TestNoReaderCameFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := readQueue{readers: 1}
		busy, err := r.enter(t.Context(), "a", 4)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.enter(t.Context(), "b", 4); webhook.CodeOf(err) != webhook.CodeUnavailable || webhook.ReasonOf(err) != webhook.ReasonSlowRead {
			t.Errorf("after 10 s: %v", err)
		}
		busy.leave()
		if len(r.orgs) != 0 || len(r.round) != 0 {
			t.Errorf("left over: %d organizations, %d in the round", len(r.orgs), len(r.round))
		}
	})
}

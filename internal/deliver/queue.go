package deliver

import "sealpost/internal/webhook"

// queue is a first-in-first-out queue that reuses its room.
type queue struct {
	items []*webhook.Work
	head  int
}

func (q *queue) len() int { return len(q.items) - q.head }

func (q *queue) push(work *webhook.Work) {
	if q.head > 0 && q.head == len(q.items) {
		q.items, q.head = q.items[:0], 0
	}
	q.items = append(q.items, work)
}

// peek is what pop would return.
func (q *queue) peek() *webhook.Work {
	if q.len() == 0 {
		return nil
	}
	return q.items[q.head]
}

func (q *queue) pop() *webhook.Work {
	if q.len() == 0 {
		return nil
	}
	work := q.items[q.head]
	q.items[q.head] = nil
	q.head++
	if q.head > maxFirst && q.head*2 > len(q.items) {
		q.items = append(q.items[:0], q.items[q.head:]...)
		q.head = 0
	}
	return work
}

func (q *queue) unshift(work *webhook.Work) {
	if q.head > 0 {
		q.head--
		q.items[q.head] = work
		return
	}
	q.items = append([]*webhook.Work{work}, q.items...)
}

// before takes out what was accepted first of the transaction that work belongs
// to, if that was before it; nil when there is none.
func (q *queue) before(work *webhook.Work) *webhook.Work {
	found := -1
	for i := q.head; i < len(q.items); i++ {
		least := work
		if found >= 0 {
			least = q.items[found]
		}
		if w := q.items[i]; w.Subject == work.Subject && w.Key.Event < least.Key.Event {
			found = i
		}
	}
	if found < 0 {
		return nil
	}
	earlier := q.items[found]
	copy(q.items[q.head+1:found+1], q.items[q.head:found])
	q.items[q.head] = nil
	q.head++
	return earlier
}

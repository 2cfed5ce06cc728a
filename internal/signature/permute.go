package signature

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// maxPermuted is the most members of which every order is tried: 720 orders.
const maxPermuted = 6

// permuted calls visit with the event in each order of the members of its body, of
// the objects in that, or of the whole when it is no event; then with every
// millisecond of a timestamp that lost its fraction.
func permuted(root *node, orders [][]string, write func(*node) []byte, visit func([]byte) bool) {
	root = inOrder(root, orders)
	if stamp := withStamp(root); stamp != nil {
		root = stamp
	}
	whole := write(root)
	if whole == nil {
		return
	}
	var targets []*node
	if isEvent(root) {
		if body := root.member("body"); body != nil {
			targets = append(targets, body)
			targets = append(targets, body.items...)
		}
	} else {
		targets = append(append(targets, root), root.items...)
	}
	slices.SortStableFunc(targets, func(a, b *node) int { return len(b.items) - len(a.items) }) // the richest first
	for _, target := range targets {
		if target.kind != '{' || len(target.items) < 2 || len(target.items) > maxPermuted {
			continue
		}
		if !permute(root, target, whole, write, visit) {
			return
		}
	}
}

// permute writes root with each order of the members of target. The rest is
// written once.
func permute(root, target *node, whole []byte, write func(*node) []byte, visit func([]byte) bool) bool {
	const mark = "\ue000sealpost\ue000" // stands nowhere else, or the place is not found
	marked := write(mapped(root, func(n *node) *node {
		if n == target {
			return stringNode(mark)
		}
		return n
	}))
	before, after, found := bytes.Cut(marked, []byte(`"`+mark+`"`))
	if !found || bytes.Contains(whole, []byte(mark)) {
		return true
	}
	members := make([][]byte, len(target.items))
	places := make([]int, len(target.items))
	for i := range members {
		one := write(target.picked([]int{i}))
		members[i], places[i] = one[1:len(one)-1], i
	}
	slices.SortFunc(places, func(a, b int) int { return strings.Compare(target.names[a], target.names[b]) })
	for {
		out := make([]byte, 0, len(whole))
		out = append(append(out, before...), '{')
		for i, at := range places {
			if i > 0 {
				out = append(out, ',')
			}
			out = append(out, members[at]...)
		}
		out = append(append(out, '}'), after...)
		if !visit(out) {
			return false
		}
		if !nextPermutation(places, target.names) {
			return true
		}
	}
}

// nextPermutation moves on to the next order by name.
func nextPermutation(places []int, names []string) bool {
	less := func(a, b int) bool { return names[places[a]] < names[places[b]] }
	i := len(places) - 2
	for i >= 0 && !less(i, i+1) {
		i--
	}
	if i < 0 {
		return false
	}
	j := len(places) - 1
	for !less(i, j) {
		j--
	}
	places[i], places[j] = places[j], places[i]
	slices.Reverse(places[i+1:])
	return true
}

// milliseconded calls visit with every millisecond of an event's timestamp that
// has none.
func milliseconded(root *node, orders [][]string, write func(*node) []byte, visit func([]byte) bool) {
	root = inOrder(root, orders)
	if !isEvent(root) {
		return
	}
	at := slices.Index(root.names, "timestamp")
	if at < 0 || root.items[at].kind != '"' {
		return
	}
	t, ok := instantOf(decoded(root.items[at].text))
	if !ok || t.Nanosecond() != 0 {
		return
	}
	const mark = "2000-01-02T03:04:05.678Z"
	before, after, found := bytes.Cut(write(root.with(at, stringNode(mark))), []byte(mark))
	if !found {
		return
	}
	for ms := 1; ms < 1000; ms++ {
		stamp := t.Add(time.Duration(ms) * time.Millisecond).UTC().Format(stampLayout)
		if !visit(join(before, []byte(stamp), after)) {
			return
		}
	}
}

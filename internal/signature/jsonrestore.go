package signature

import (
	"html"
	"slices"
	"strings"
)

// canonical is how sealpost writes a body: a fixed point of JSON.stringify(JSON.parse(x)).
var canonical = style{keys: keysJavaScript, numbers: numbersJavaScript, escapes: escapesMinimal}

// envelope is the order of an event's members, and of its receipt's.
var (
	envelope     = []string{"id", "timestamp", "resource", "action", "receipt", "body"}
	receiptOrder = []string{"blockNumber", "transactionHash"}
)

// isEvent reports whether a value has what every event has.
func isEvent(n *node) bool {
	return n != nil && n.kind == '{' && n.member("resource") != nil && n.member("action") != nil && n.member("id") != nil
}

// member returns the value of a name, the last one where it stands twice.
func (n *node) member(name string) (found *node) {
	for i, other := range n.names {
		if other == name {
			found = n.items[i]
		}
	}
	return found
}

// ordered returns a copy of an object with the names of an order first, in that
// order; the others follow as they stood.
func (n *node) ordered(order []string) *node {
	places := make([]int, 0, len(n.items))
	for _, name := range order {
		for i, other := range n.names {
			if other == name {
				places = append(places, i)
			}
		}
	}
	for i, name := range n.names {
		if !slices.Contains(order, name) {
			places = append(places, i)
		}
	}
	return n.picked(places)
}

// picked returns a copy of an object with the members at some places.
func (n *node) picked(places []int) *node {
	out := &node{kind: n.kind, repeats: n.repeats}
	for _, i := range places {
		out.keys = append(out.keys, n.keys[i])
		out.names = append(out.names, n.names[i])
		out.items = append(out.items, n.items[i])
	}
	return out
}

// inOrder returns an event with its members in the order of sending, and every
// object in the order of a sample that has its names.
func inOrder(root *node, orders [][]string) *node {
	root = mapped(root, func(n *node) *node {
		if n.kind != '{' || len(n.names) < 2 {
			return n
		}
		var best []string
		for _, order := range orders {
			covers := !slices.ContainsFunc(n.names, func(name string) bool { return !slices.Contains(order, name) })
			if covers && (best == nil || len(order) < len(best)) {
				best = order
			}
		}
		if best == nil {
			return n
		}
		return n.ordered(best)
	})
	if !isEvent(root) {
		return root
	}
	root = root.ordered(envelope)
	for i, name := range root.names {
		if name == "receipt" && root.items[i].kind == '{' {
			root.items[i] = root.items[i].ordered(receiptOrder)
		}
	}
	return root
}

// mapped returns a copy of a value with a function applied to each part, the inner
// ones first. What the function leaves alone is shared.
func mapped(n *node, change func(*node) *node) *node {
	if len(n.items) > 0 {
		out := *n
		out.items = make([]*node, len(n.items))
		same := true
		for i, item := range n.items {
			out.items[i] = mapped(item, change)
			same = same && out.items[i] == item
		}
		if !same {
			n = &out
		}
	}
	return change(n)
}

// ordersOf collects the orders of names in samples, at most 256.
func ordersOf(samples [][]byte) (found [][]string) {
	for _, sample := range samples {
		root := parseJSON(sample)
		if root == nil {
			continue
		}
		mapped(root, func(n *node) *node {
			if n.kind == '{' && len(n.names) > 1 && len(found) < 256 {
				found = append(found, n.names)
			}
			return n
		})
	}
	return found
}

// scalar makes a node of text.
func stringNode(text string) *node {
	w := writer{style: style{escapes: escapesMinimal}}
	w.out = append(w.out, '"')
	for _, r := range text {
		w.rune(r)
	}
	return &node{kind: '"', text: string(append(w.out, '"'))}
}

// eachString applies a function to the text of each string.
func eachString(change func(string) string) func(*node) *node {
	return func(n *node) *node {
		if n.kind != '"' {
			return n
		}
		before := decoded(n.text)
		if after := change(before); after != before {
			return stringNode(after)
		}
		return n
	}
}

// eachName applies a function to each name.
func eachName(change func(string) string) func(*node) *node {
	return func(n *node) *node {
		if n.kind != '{' {
			return n
		}
		out := &node{kind: '{', items: n.items}
		for _, name := range n.names {
			after := change(name)
			out.names = append(out.names, after)
			out.keys = append(out.keys, stringNode(after).text)
		}
		return out
	}
}

// withStamp returns an event with its timestamp written as sealpost does, and
// nil when it is so already.
func withStamp(root *node) *node {
	if !isEvent(root) {
		return nil
	}
	at := slices.Index(root.names, "timestamp")
	if at < 0 {
		return nil
	}
	var text string
	switch item := root.items[at]; item.kind {
	case '"':
		text = stamped(decoded(item.text))
	case '0':
		if text = epoch(item.text); text == "" {
			return nil
		}
	default:
		return nil
	}
	node := stringNode(text)
	if node.text == root.items[at].text {
		return nil
	}
	return root.with(at, node)
}

// with returns a copy with another item at a place.
func (n *node) with(at int, item *node) *node {
	out := *n
	out.items = slices.Clone(n.items)
	out.items[at] = item
	return &out
}

// treeChanges are what typed parsers and frameworks do to values, undone.
var treeChanges = []func(*node) *node{
	eachString(stamped),
	func(n *node) *node {
		if n.kind == '[' && len(n.items) == 0 {
			return &node{kind: '{'}
		}
		return n
	},
	func(n *node) *node {
		if n.kind == 'w' && n.text == "null" {
			return stringNode("")
		}
		return n
	},
	func(n *node) *node {
		if n.kind == '"' && n.text == `""` {
			return &node{kind: 'w', text: "null"}
		}
		return n
	},
	func(n *node) *node {
		if n.kind != '"' {
			return n
		}
		switch text := decoded(n.text); {
		case text == "true" || text == "false" || text == "null":
			return &node{kind: 'w', text: text}
		case len(text) < 16 && text != "" && (isDigits(strings.TrimPrefix(text, "-"))) && numbersJavaScript.write(text) == text:
			return &node{kind: '0', text: text}
		}
		return n
	},
	eachString(func(s string) string { return html.UnescapeString(s) }),
	eachName(camel),
	eachName(func(s string) string {
		if s == "" {
			return s
		}
		return strings.ToLower(s[:1]) + s[1:]
	}),
	func(n *node) *node {
		return n.without(func(item *node) bool { return item.kind == 'w' && item.text == "null" })
	},
}

// forwardChanges are what typed parsers and frameworks do to values.
var forwardChanges = []func(*node) *node{
	eachString(strings.TrimSpace),
	eachString(shortStamp),
	func(n *node) *node {
		return n.without(func(item *node) bool { return item.kind == 'w' && item.text == "null" })
	},
	func(n *node) *node {
		return n.without(func(item *node) bool { return item.kind == '"' && item.text == `""` })
	},
	func(n *node) *node {
		if n.kind == '"' && n.text == `""` {
			return &node{kind: 'w', text: "null"}
		}
		return n
	},
	func(n *node) *node {
		if n.kind == '0' {
			return stringNode(n.text)
		}
		return n
	},
	eachString(pythonStamp),
	eachString(html.EscapeString),
	eachName(snake),
	eachName(func(s string) string {
		if s == "" {
			return s
		}
		return strings.ToUpper(s[:1]) + s[1:]
	}),
}

// without returns an object without the members that a test picks.
func (n *node) without(drop func(*node) bool) *node {
	if n.kind != '{' || !slices.ContainsFunc(n.items, drop) {
		return n
	}
	var places []int
	for i, item := range n.items {
		if !drop(item) {
			places = append(places, i)
		}
	}
	return n.picked(places)
}

// camel turns card_id into cardId.
func camel(name string) string {
	parts := strings.Split(name, "_")
	for i := 1; i < len(parts); i++ {
		if parts[i] == "" || parts[0] == "" {
			return name
		}
		parts[i] = strings.ToUpper(parts[i][:1]) + parts[i][1:]
	}
	return strings.Join(parts, "")
}

// snake turns cardId into card_id.
func snake(name string) string {
	var out []byte
	for i := range len(name) {
		if c := name[i]; c >= 'A' && c <= 'Z' && i > 0 {
			out = append(out, '_', c|0x20)
		} else {
			out = append(out, c)
		}
	}
	return string(out)
}

// restored calls visit with the bodies that sealpost may have sent, given what a
// program made of one: the likeliest first, each a change of one kind.
func restored(root *node, orders [][]string, write func(*node) []byte, spend func() bool, visit func([]byte) bool) bool {
	try := func(n *node) bool {
		if n == nil {
			return true
		}
		out := write(n)
		return out == nil || visit(out)
	}
	sorted := inOrder(root, orders)
	if !try(root) || !try(inOrder(root, nil)) || !try(sorted) {
		return false
	}
	stamp := withStamp(sorted)
	if stamp != nil {
		if !try(withStamp(root)) || !try(withStamp(inOrder(root, nil))) || !try(stamp) {
			return false
		}
		sorted = stamp
	}
	for _, change := range treeChanges {
		if !spend() {
			return false
		}
		if changed := mapped(sorted, change); changed != sorted {
			if again := inOrder(changed, orders); !try(again) || !try(withStamp(again)) {
				return false
			}
		}
	}
	return emptied(sorted, try)
}

// emptied tries {} for one [] alone, where there are several.
func emptied(root *node, try func(*node) bool) bool {
	var empty []*node
	mapped(root, func(n *node) *node {
		if n.kind == '[' && len(n.items) == 0 && len(empty) < 16 {
			empty = append(empty, n)
		}
		return n
	})
	for _, one := range empty {
		if len(empty) > 1 && !try(mapped(root, func(n *node) *node {
			if n == one {
				return &node{kind: '{'}
			}
			return n
		})) {
			return false
		}
	}
	return true
}

package signature

import (
	"bytes"
	"hash/crc32"
	"slices"
	"strings"
)

// Bounds on what is made of a body, in bytes.
const (
	maxUnpacked = 2 << 20  // a body that is parsed, packed or unpacked; sealpost sends 1 MiB at most
	maxForm     = 4 << 20  // one form of it
	maxKept     = 32 << 20 // forms that are kept, to be tried with a second fault
)

// bodyForm is bytes that may have been signed instead of the body given.
type bodyForm struct {
	data   []byte
	faults func() []fault // what that would mean; asked for on a hit only
	likely bool           // tried together with another fault
}

// bodyForms is what programs make of a body, and the bodies that they may have made
// the given one of, each text once and the likeliest first. The forms are made
// while they are asked for: most searches end at an early one.
type bodyForms struct {
	body, stored []byte
	orders       [][]string // of names, as samples have them
	computed     bool       // the question is about the receiver's own code: forms of programs come first
	budget       *budget
	made         []bodyForm
	complete     bool // made has all of them that are kept

	known map[[3]uint32]bool
	kept  int
	visit func(bodyForm) bool
	over  bool // visit wants no more

	parsed bool
	root   *node // of the body given; nil when it is no JSON
}

// tree returns the body given as JSON, read once; nil when it is none.
func (f *bodyForms) tree() *node {
	if !f.parsed && len(f.body) <= maxUnpacked {
		f.parsed, f.root = true, parseJSON(bytes.TrimPrefix(f.body, bom))
		f.budget.work -= len(f.body) * transformCost
	}
	return f.root
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// each calls visit until it returns false. A second walk over all costs nothing.
func (f *bodyForms) each(visit func(bodyForm) bool) {
	if f.complete {
		for _, form := range f.made {
			if !visit(form) {
				return
			}
		}
		return
	}
	f.made, f.kept, f.over = nil, 0, false
	f.known = map[[3]uint32]bool{}
	f.fresh(f.body)
	f.visit = visit
	f.all()
	f.complete = !f.over && f.budget.going() && f.kept <= maxKept
}

// fresh reports whether a text comes for the first time.
func (f *bodyForms) fresh(data []byte) bool {
	key := [3]uint32{uint32(len(data)), crc32.Checksum(data, castagnoli), crc32.ChecksumIEEE(data)}
	if f.known[key] {
		return false
	}
	f.known[key] = true
	return true
}

// put hands one form on. It returns false when no more are wanted.
func (f *bodyForms) put(data []byte, likely bool, faults func() []fault) bool {
	if f.over || !f.budget.going() {
		return false
	}
	if len(data) > maxForm || !f.fresh(data) {
		return true
	}
	form := bodyForm{data, faults, likely}
	if f.kept += len(data); f.kept <= maxKept {
		f.made = append(f.made, form)
	}
	f.over = !f.visit(form)
	return !f.over
}

func one(code, what, fix string) func() []fault {
	return func() []fault { return []fault{{code: code, what: what, fix: fix}} }
}

func (f *bodyForms) all() {
	if f.stored != nil {
		f.put(f.stored, false, one(CodeBodyDiffers, "over the body as it was sent, which differs from the one given", ""))
	}
	f.put(nil, true, one(CodeBodyEmpty, "over an empty body", ""))
	f.lines(f.body, nil)
	if len(f.body) > maxUnpacked {
		return
	}
	root := f.tree()
	stages := []func(){
		func() { f.restoreTree(root, f.body, nil) },
		func() { f.undo(f.body, nil, 2) },
		func() { f.serialized(root, false) },
		f.forward,
		func() { f.typed(root) },
		func() { f.moved(root) },
		func() { f.printedForms(root) },
		func() { f.serialized(root, true) },
		func() { f.members(root) },
		f.cutOff,
	}
	if f.computed {
		stages = append(stages[2:], stages[0], stages[1])
	}
	for _, stage := range stages {
		if f.over || !f.budget.going() {
			return
		}
		stage()
	}
}

// after joins the changes that were undone before with one more.
func after(before []fault, more ...fault) []fault { return append(slices.Clone(before), more...) }

// lines puts the forms that differ in line breaks, blanks and marks.
func (f *bodyForms) lines(body []byte, before []fault) {
	for i := range lineChanges {
		c := &lineChanges[i]
		if before == nil && c.code != "" {
			f.apply(c, body, true, nil, 1)
		}
		if c.back != "" {
			f.apply(c, body, false, before, 1)
		}
	}
}

// apply puts what one change makes of a body, forward or backward. It returns the
// form, nil when the change does not apply.
func (f *bodyForms) apply(c *change, body []byte, forward bool, before []fault, cost int) []byte {
	do, code, what, likely := c.backward, c.back, c.whatBack, c.likely
	if forward {
		do, code, what = c.forward, c.code, c.what
	}
	if do == nil || f.over {
		return nil
	}
	data := do(body)
	f.budget.work -= cost * len(data)
	if data == nil || bytes.Equal(data, body) {
		return nil
	}
	if c.who != "" {
		what += " (" + c.who + ")"
	}
	faults := after(before, fault{code: code, what: what, fix: c.fix})
	f.put(data, likely && before == nil, func() []fault { return faults })
	return data
}

// restore puts the JSON texts that sealpost may have sent, given one that a program
// wrote again.
func (f *bodyForms) restore(body []byte, before []fault) {
	f.restoreTree(parseJSON(bytes.TrimPrefix(body, bom)), body, before)
}

func (f *bodyForms) restoreTree(root *node, body []byte, before []fault) {
	if root == nil || f.over {
		return
	}
	write := func(s style) func(*node) []byte {
		return func(n *node) []byte {
			out := s.write(n, maxForm)
			f.budget.transform(len(out))
			return out
		}
	}
	visit := func(data []byte) bool {
		return f.put(data, before == nil, func() []fault { return after(before, rewritten(body, data, f.computed)...) })
	}
	if compact := write(style{})(root); compact == nil || !visit(compact) {
		return
	}
	restored(root, f.orders, write(canonical), func() bool { return f.budget.transform(len(body)) }, visit)
}

// undo takes a body out of what it was packed into, several times over.
func (f *bodyForms) undo(body []byte, before []fault, depth int) {
	for _, table := range [][]change{packings, charsetChanges, dumps} {
		for i := range table {
			c := &table[i]
			if f.over || !f.budget.going() {
				return
			}
			inner := f.apply(c, body, false, before, transformCost)
			if inner == nil || len(inner) > maxUnpacked {
				continue
			}
			what := c.whatBack
			if c.who != "" {
				what += " (" + c.who + ")"
			}
			faults := after(before, fault{code: c.back, what: what, fix: c.fix})
			f.lines(inner, faults)
			f.restore(inner, faults)
			if depth > 1 {
				f.undo(inner, faults, depth-1)
			}
		}
	}
	if before == nil && depth == 2 {
		for _, c := range lineChanges { // a line break around a packing
			if c.backward == nil || f.over {
				continue
			}
			if inner := c.backward(body); inner != nil && !bytes.Equal(inner, body) {
				f.undo(inner, []fault{{code: c.back, what: c.whatBack, fix: c.fix}}, 1)
			}
		}
	}
}

// serialized puts what JSON libraries write: all of them, and then all of them
// again with the line break that many tools end a file with.
func (f *bodyForms) serialized(root *node, newline bool) {
	if root == nil {
		return
	}
	rewritings(root, f.budget, func(text []byte, _ *serializer) bool {
		data := text
		if newline {
			data = join(text, lf)
		}
		return f.put(data, !newline, func() []fault { return rewritten(f.body, data, true) })
	})
}

// forward puts what programs make of the body as a text.
func (f *bodyForms) forward() {
	for _, table := range [][]change{packings, charsetChanges} {
		for i := range table {
			if c := &table[i]; c.code != "" && f.budget.going() {
				f.apply(c, f.body, true, nil, transformCost)
			}
		}
	}
}

// typed puts what typed parsers and frameworks make of the values.
func (f *bodyForms) typed(root *node) {
	if root == nil {
		return
	}
	for _, change := range forwardChanges {
		changed := mapped(root, change)
		if changed == root {
			continue
		}
		for _, s := range []style{canonical, styleGo, stylePHP, stylePython, {}} {
			data := s.write(changed, maxForm)
			if !f.budget.transform(len(data)) || !f.put(data, false, func() []fault { return rewritten(f.body, data, true) }) {
				return
			}
		}
	}
}

// moved puts the JSON with one member of the outermost object in another place, as
// {...rest, id} makes it, and with those members alone sorted.
func (f *bodyForms) moved(root *node) {
	if root == nil || root.kind != '{' || root.repeats {
		return
	}
	n := len(root.items)
	try := func(places []int) bool {
		data := canonical.write(root.picked(places), maxForm)
		return f.budget.transform(len(data)) && f.put(data, false, func() []fault { return rewritten(f.body, data, f.computed) })
	}
	places := (&writer{style: style{keys: keysSorted}}).order(root)
	if !try(places) {
		return
	}
	for i := range min(n, 16) {
		others := slices.Concat(seq(0, i), seq(i+1, n))
		if !try(append(slices.Clone(others), i)) || !try(append([]int{i}, others...)) {
			return
		}
	}
}

// seq returns the numbers from one up to another.
func seq(from, to int) (numbers []int) {
	for i := from; i < to; i++ {
		numbers = append(numbers, i)
	}
	return numbers
}

var (
	styleGo     = style{keys: keysOnce, numbers: numbersGo, escapes: escapesHTML}
	stylePHP    = style{keys: keysOnce, numbers: numbersPHP, escapes: escapesPHP}
	stylePython = style{keys: keysOnce, numbers: numbersPython, escapes: escapesASCII, layout: layoutSpaced}
)

func (f *bodyForms) printedForms(root *node) {
	if root == nil || root.kind != '{' && root.kind != '[' {
		return
	}
	for _, p := range printed {
		data := p.write(root)
		if !f.budget.transform(len(data)) || !f.put(data, false, one(CodeBodyPrinted, "over what "+p.who+" prints for the body", p.fix)) {
			return
		}
	}
}

// members puts the parts of a JSON body that get hashed instead of the whole.
func (f *bodyForms) members(root *node) {
	if root == nil || root.kind != '{' {
		return
	}
	for i, name := range root.names[:min(len(root.names), 16)] {
		item := root.items[i]
		forms := [][]byte{style{}.write(item, maxForm)}
		if item.kind == '"' {
			forms = append(forms, []byte(decoded(item.text)))
		}
		for _, data := range forms {
			if len(data) < 2 || item.kind != '{' && item.kind != '[' && item.kind != '"' || !f.budget.transform(len(data)) {
				continue
			}
			f.put(data, name == "body" || name == "data" || name == "payload", one(CodeBodyPart, "over the member "+bounded(name)+" of the body alone", ""))
		}
	}
}

// cutOff puts the body without its end, and the one in which characters were split.
func (f *bodyForms) cutOff() {
	for _, size := range cuts {
		if size < len(f.body) {
			f.put(f.body[:size], false, one(CodeBodyCut, "over the first "+number(size)+" bytes of the body (a column or buffer of that size cuts it)", "make the column or buffer as large as the largest body, 1 MiB"))
		}
	}
	splits(f.body, 64, func(data []byte) bool {
		return f.put(data, false, one(CodeBodyCharset, "over the body with U+FFFD for a character that lay over the border of two chunks (a program made each chunk a text by itself)",
			"collect the chunks as bytes and join them first: Buffer.concat(chunks), never body += chunk"))
	})
}

// late calls visit with the forms that are many and each unlikely. They are not kept.
func (f *bodyForms) late(visit func(bodyForm) bool) {
	if len(f.body) > maxUnpacked {
		return
	}
	root := f.tree()
	if root == nil {
		return
	}
	write := func(n *node) []byte {
		out := canonical.write(n, maxForm)
		f.budget.transform(len(out))
		return out
	}
	over := false
	put := func(data []byte) bool {
		f.budget.work -= len(data)
		if over || !f.budget.going() {
			return false
		}
		over = !visit(bodyForm{data: data, faults: func() []fault { return rewritten(f.body, data, f.computed) }})
		return !over
	}
	if permuted(root, f.orders, write, put); !over {
		milliseconded(root, f.orders, write, put)
	}
}

// dumps are packings that are only ever taken apart.
var dumps = []change{
	{back: CodeBodyNotBytesText, whatBack: "over the bytes that the hex dump shows", who: "xxd and hexdump print that", fix: fixBytes, backward: hexDump},
	{back: CodeBodyNotPrinted, whatBack: "over the JSON of the object that was printed", who: "console.log, print and inspect show objects, not their JSON", fix: fixLogs, backward: fromPrinted},
	{back: CodeBodyNotEscaped, whatBack: "over the body with its line breaks and tabs escaped again", who: "dash's echo, echo -e and printf '%b' interpret backslashes", fix: fixShell, backward: reescape},
	{back: CodeBodyNotForm, whatBack: "over the value of the form field that the body is", who: "form libraries do that", fix: fixForm, backward: fromField},
}

// reescape writes the control characters inside JSON strings as escapes again.
func reescape(b []byte) []byte {
	out := make([]byte, 0, len(b)+16)
	quoted, changed := false, false
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted && c < ' ':
			changed = true
			if at := strings.IndexByte("\b\f\n\r\t", c); at >= 0 {
				out = append(out, '\\', "bfnrt"[at])
			} else {
				w := writer{}
				w.unit(uint16(c))
				out = append(out, w.out...)
			}
			continue
		case quoted && c == '\\' && i+1 < len(b):
			out = append(out, c)
			i++
			c = b[i]
		case c == '"':
			quoted = !quoted
		}
		out = append(out, c)
	}
	if !changed {
		return nil
	}
	return out
}

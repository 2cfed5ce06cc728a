package signature

import "strings"

// contentForm is what may have been put around the body.
type contentForm struct {
	before, after string
	bodiless      bool
	fault         fault // the zero fault for the scheme's own content
}

// contentForms returns the right content of a scheme, and what gets signed
// instead. Without id and timestamp there is little to get wrong.
func contentForms(scheme Scheme, id, at string) (right contentForm, wrong []contentForm) {
	known := map[contentForm]bool{}
	put := func(c contentForm) {
		bare := contentForm{c.before, c.after, c.bodiless, fault{}}
		if !known[bare] {
			known[bare] = true
			wrong = append(wrong, c)
		}
	}
	add := func(code, what, before, after string) { put(contentForm{before, after, false, fault{code, what}}) }
	if scheme == SchemeStandard {
		right.before = id + "." + at + "."
		known[right] = true
		add(CodeContentBodyAlone, "over the body alone, without id and timestamp", "", "")
	} else {
		known[right] = true
	}
	if id != "" && at != "" {
		add(CodeContentTriple, "over id.timestamp.body", id+"."+at+".", "")
	}
	if at != "" {
		add(CodeContentNoID, "over timestamp.body, without the id", at+".", "")
	}
	if id != "" {
		add(CodeContentNoTimestamp, "over id.body, without the timestamp", id+".", "")
	}
	if id == "" || at == "" {
		return right, wrong
	}
	if isMillis(at) {
		add(CodeContentSeconds, "over id.timestamp.body with the timestamp in seconds", id+"."+at[:10]+".", "")
	} else {
		add(CodeContentMillis, "over id.timestamp.body with the timestamp in milliseconds", id+"."+at+"000.", "")
	}
	add(CodeContentOrder, "over timestamp.id.body", at+"."+id+".", "")
	add(CodeContentOrder, "over body.timestamp.id", "", "."+at+"."+id)
	add(CodeContentOrder, "over body.id.timestamp", "", "."+id+"."+at)
	add(CodeContentOrder, "over id.body.timestamp", id+".", "."+at)
	add(CodeContentOrder, "over timestamp.body.id", at+".", "."+id)
	for _, c := range []struct{ separator, name string }{{"", "nothing"}, {":", "colons"}, {"\n", "line breaks"}, {"|", "bars"}, {"-", "hyphens"}, {",", "commas"}, {" ", "blanks"}} {
		add(CodeContentSeparator, "over id, timestamp and body joined by "+c.name, id+c.separator+at+c.separator, "")
	}
	add(CodeContentNoID, "over the timestamp and the body joined, without the id", at, "")
	add(CodeContentNoID, "over body.timestamp, without the id", "", "."+at)
	add(CodeContentNoTimestamp, "over the id and the body joined, without the timestamp", id, "")
	add(CodeContentNoTimestamp, "over body.id, without the timestamp", "", "."+id)
	put(contentForm{id + "." + at, "", true, fault{CodeContentNoBody, "over id.timestamp, without the body"}})
	return right, wrong
}

// milliseconds returns the contents with every millisecond of the timestamp's
// second: what Date.now() gives where seconds are due.
func milliseconds(id, at string) (found []contentForm) {
	if _, ok := parseTimestamp(at); !ok || id == "" {
		return nil
	}
	for ms := 1; ms < 1000; ms++ {
		digits := string([]byte{'0' + byte(ms/100), '0' + byte(ms/10%10), '0' + byte(ms%10)})
		found = append(found, contentForm{strings.Join([]string{id, at + digits, ""}, "."), "", false,
			fault{CodeContentMillis, "over id.timestamp.body with a timestamp in milliseconds"}})
	}
	return found
}

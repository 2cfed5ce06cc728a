package signature

import (
	"strconv"
	"strings"
	"time"
)

// contentForm is what may have been put around the body.
type contentForm struct {
	before, after string
	bodiless      bool
	hashed        bool  // the hex SHA-256 of the body stands in its place
	fault         fault // the zero fault for the scheme's own content
}

// contents collects the contents of one request, each once.
type contents struct {
	known map[contentForm]bool
	found []contentForm
}

func (c *contents) put(f contentForm) {
	bare := f
	bare.fault = fault{}
	if !c.known[bare] {
		c.known[bare] = true
		c.found = append(c.found, f)
	}
}

func (c *contents) add(code, what, before, after string) {
	c.put(contentForm{before: before, after: after, fault: fault{code: code, what: what}})
}

// contentForms returns the right content of a scheme, and what gets signed
// instead, the likeliest first. Without id and timestamp there is little to get wrong.
func contentForms(r *carried, ids []string, root *node) (right contentForm, wrong []contentForm) {
	id, at := r.id, r.at
	right.before = string(r.head())
	c := &contents{known: map[contentForm]bool{right: true}}
	if right.before != "" {
		c.add(CodeContentBodyAlone, "over the body alone, without id and timestamp", "", "")
	}
	if id != "" && at != "" {
		c.add(CodeContentTriple, "over id.timestamp.body", id+"."+at+".", "")
	}
	if at != "" {
		c.add(CodeContentNoID, "over timestamp.body, without the id", at+".", "")
		c.add(CodeContentOther, "over v0:timestamp:body, as Slack signs", "v0:"+at+":", "")
	}
	if id != "" {
		c.add(CodeContentNoTimestamp, "over id.body, without the timestamp", id+".", "")
	}
	c.put(contentForm{hashed: true, fault: fault{code: CodeContentHashed, what: "over the hex SHA-256 of the body"}})
	if id == "" || at == "" {
		c.stripe(at)
		return right, c.found
	}
	c.put(contentForm{before: id + "." + at + ".", hashed: true, fault: fault{code: CodeContentHashed, what: "over id.timestamp and the hex SHA-256 of the body"}})
	c.joined(id, at)
	c.values(id, at, ids, root)
	return right, c.found
}

// stripe adds what goes wrong where a timestamp stands alone.
func (c *contents) stripe(at string) {
	if at == "" {
		return
	}
	c.add(CodeContentSeparator, "over the timestamp and the body joined", at, "")
	c.add(CodeContentOrder, "over body.timestamp", "", "."+at)
	for _, other := range notations(at) {
		c.add(other.fault.code, "over timestamp.body with "+other.fault.what, other.before+".", "")
	}
}

// joined adds id, timestamp and body in other orders and with other separators.
func (c *contents) joined(id, at string) {
	c.add(CodeContentOrder, "over timestamp.id.body", at+"."+id+".", "")
	c.add(CodeContentOrder, "over body.timestamp.id", "", "."+at+"."+id)
	c.add(CodeContentOrder, "over body.id.timestamp", "", "."+id+"."+at)
	c.add(CodeContentOrder, "over id.body.timestamp", id+".", "."+at)
	c.add(CodeContentOrder, "over timestamp.body.id", at+".", "."+id)
	for _, s := range []struct{ separator, name string }{{"", "nothing"}, {":", "colons"}, {"\n", "line breaks"}, {"|", "bars"}, {"-", "hyphens"}, {",", "commas"}, {" ", "blanks"}, {"_", "underscores"}, {"/", "slashes"}, {";", "semicolons"}, {"\\n", "the two characters \\n"}, {"\r\n", "CRLF"}} {
		c.add(CodeContentSeparator, "over id, timestamp and body joined by "+s.name, id+s.separator+at+s.separator, "")
	}
	c.add(CodeContentSeparator, "over id.timestamp and the body joined without a dot", id+"."+at, "")
	c.add(CodeContentNoID, "over the timestamp and the body joined, without the id", at, "")
	c.add(CodeContentNoID, "over body.timestamp, without the id", "", "."+at)
	c.add(CodeContentNoTimestamp, "over the id and the body joined, without the timestamp", id, "")
	c.add(CodeContentNoTimestamp, "over body.id, without the timestamp", "", "."+id)
	c.put(contentForm{before: id + "." + at, bodiless: true, fault: fault{code: CodeContentNoBody, what: "over id.timestamp, without the body"}})
	c.add(CodeContentSeparator, "over v1.id.timestamp.body", "v1."+id+"."+at+".", "")
	c.add(CodeContentOther, "over v1:timestamp:body", "v1:"+at+":", "")
}

// values adds other ids and other writings of the timestamp.
func (c *contents) values(id, at string, ids []string, root *node) {
	for _, other := range notations(at) {
		c.add(other.fault.code, "over id.timestamp.body with "+other.fault.what, id+"."+other.before+".", "")
	}
	for _, missing := range []string{"undefined", "null", "None", "nil", "", "[object Object]", "NaN", "false"} {
		name := missing
		if name == "" {
			name = "nothing"
		}
		c.add(CodeContentMissing, "over id.timestamp.body with "+name+" for both the id and the timestamp", missing+"."+missing+".", "")
		c.add(CodeContentMissing, "over id.timestamp.body with "+name+" for the id", missing+"."+at+".", "")
		c.add(CodeContentMissing, "over id.timestamp.body with "+name+" for the timestamp", id+"."+missing+".", "")
	}
	if root != nil && root.kind == '{' {
		for _, name := range []string{"id", "event_id", "eventId", "msg_id"} {
			if item := root.member(name); item != nil && item.kind == '"' {
				ids = append(ids, decoded(item.text))
			}
		}
		if item := root.member("timestamp"); item != nil && item.kind != '{' && item.kind != '[' {
			text := scalarText(item)
			c.add(CodeContentTimestamp, "over id.timestamp.body with the timestamp of the body", id+"."+text+".", "")
			if t, ok := instantOf(text); ok {
				c.add(CodeContentTimestamp, "over id.timestamp.body with the timestamp of the body in seconds", id+"."+strconv.FormatInt(t.Unix(), 10)+".", "")
				c.add(CodeContentTimestamp, "over id.timestamp.body with the timestamp of the body in milliseconds", id+"."+strconv.FormatInt(t.UnixMilli(), 10)+".", "")
			}
		}
	}
	for _, other := range ids {
		if other != id && other != "" {
			c.add(CodeContentID, "over id.timestamp.body with the id "+strconv.Quote(bounded(other))+" instead of webhook-id", other+"."+at+".", "")
		}
	}
	for _, variant := range []struct{ id, what string }{{strings.ToLower(id), "the id in lower case"}, {strings.ToUpper(id), "the id in upper case"}, {`"` + id + `"`, "the id in quotes"}, {strings.Trim(id, `"'`), "the id without quotes"},
		{strings.ReplaceAll(id, "-", ""), "the id without hyphens"}, {id[strings.IndexByte(id, '_')+1:], "the id without its prefix"}, {"msg_" + id, "msg_ in front of the id"}, {"evt_" + id, "evt_ in front of the id"}, {"['" + id + "']", "the id as a list"}, {id + "\n", "a line break behind the id"}} {
		c.add(CodeContentID, "over id.timestamp.body with "+variant.what, variant.id+"."+at+".", "")
	}
}

// notations returns a timestamp in other notations: before has the text, fault what
// it is.
func notations(at string) (found []contentForm) {
	add := func(code, what, text string) {
		if text != at {
			found = append(found, contentForm{before: text, fault: fault{code: code, what: what}})
		}
	}
	var t time.Time
	seconds, isSeconds := parseTimestamp(at)
	switch {
	case isMillis(at):
		add(CodeContentSeconds, "the timestamp in seconds", at[:10])
		t = time.UnixMilli(millisOf(at))
	case isSeconds:
		add(CodeContentMillis, "the timestamp in milliseconds", at+"000")
		t = time.Unix(seconds, 0)
	default:
		parsed, ok := instantOf(at)
		if whole, _, point := strings.Cut(at, "."); !ok && point && isDigits(whole) {
			if seconds, ok = parseTimestamp(whole); ok {
				parsed = time.Unix(seconds, 0)
			}
		}
		if parsed.IsZero() {
			return nil
		}
		t = parsed
		add(CodeContentSeconds, "the timestamp in seconds", strconv.FormatInt(t.Unix(), 10))
		add(CodeContentMillis, "the timestamp in milliseconds", strconv.FormatInt(t.UnixMilli(), 10))
	}
	u := t.UTC()
	for _, layout := range []string{"2006-01-02T15:04:05Z", stampLayout, "2006-01-02T15:04:05.000000Z", "2006-01-02T15:04:05+00:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02 15:04:05+00:00", "2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 +0000 UTC", "Mon, 02 Jan 2006 15:04:05 GMT", "2006-01-02T15:04:05.000+00:00"} {
		text := u.Format(layout)
		add(CodeContentTimestamp, "the timestamp written as "+text, text)
	}
	text := strconv.FormatInt(t.Unix(), 10)
	add(CodeContentTimestamp, "the timestamp written with a decimal point", text+".0")
	add(CodeContentTimestamp, "the timestamp in microseconds", text+"000000")
	add(CodeContentTimestamp, "the timestamp in nanoseconds", text+"000000000")
	add(CodeContentTimestamp, "the timestamp in hex", strconv.FormatInt(t.Unix(), 16))
	add(CodeContentTimestamp, "the timestamp in quotes", `"`+text+`"`)
	add(CodeContentTimestamp, "the timestamp with an exponent", strconv.FormatFloat(float64(t.Unix()), 'e', -1, 64))
	return found
}

func millisOf(at string) int64 {
	ms, _ := strconv.ParseInt(at, 10, 64)
	return ms
}

func number(n int) string { return strconv.Itoa(n) }

// milliseconds returns the contents with every millisecond of the timestamp's
// second: what Date.now() gives where seconds are due.
func milliseconds(r *carried) (found []contentForm) {
	if _, ok := parseTimestamp(r.at); !ok {
		return nil
	}
	head := ""
	if r.scheme.standardLike() {
		if r.id == "" {
			return nil
		}
		head = r.id + "."
	}
	for ms := 1; ms < 1000; ms++ {
		digits := string([]byte{'0' + byte(ms/100), '0' + byte(ms/10%10), '0' + byte(ms%10)})
		found = append(found, contentForm{before: head + r.at + digits + ".", fault: fault{code: CodeContentMillis, what: "over the content with a timestamp in milliseconds"}})
	}
	return found
}

package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sealpost/internal/ecmajson"
)

// TimestampLayout is how event times look: UTC, three fraction digits, Z, as
// JavaScript's Date.prototype.toISOString writes them.
const TimestampLayout = "2006-01-02T15:04:05.000Z"

// Timestamp writes t in [TimestampLayout].
func Timestamp(t time.Time) string { return t.UTC().Format(TimestampLayout) }

// Draft is an event on its way in: what its publisher said of it. Body is in
// the form that goes out.
type Draft struct {
	ID       string // empty: to be made
	Resource string
	Action   string
	Body     []byte // canonical JSON
	Receipt  *Receipt
	Await    bool   // hold it until a receipt is known
	Watch    string // transaction hash to watch for while held
	Subject  string // transaction id; see [Draft.Type]
	Whole    []byte // a whole event given by hand, sent as it is; nil otherwise
}

// Type returns the event type, resource.action.
func (d *Draft) Type() string { return d.Resource + "." + d.Action }

// DecodeDraft reads an event {id?, resource, action, receipt?, body} in one
// pass, its body made canonical on the way. Unknown members are faults; each
// fault found is a message of the one [Error] that comes back.
func DecodeDraft(src []byte) (*Draft, error) {
	d := &Draft{}
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	text := func(key string, value []byte) string {
		if !isString(value) {
			fault("%s is %s; a string is needed", key, kind(value))
			return ""
		}
		return plain(value)
	}
	var seenResource, seenAction, seenBody bool
	scratch := make([]byte, 0, len(src)+16)
	_, err := ecmajson.AppendMembers(scratch, src, func(key, value []byte) error {
		switch string(key) {
		case "id":
			if d.ID = text("id", value); isString(value) && !ValidEventID(d.ID) {
				fault("id %s is not 1 to %d printable ASCII characters without dot or space", quote(d.ID), MaxEventID)
			}
		case "resource":
			seenResource = true
			if d.Resource = text("resource", value); isString(value) && !ValidWord(d.Resource) {
				fault("resource %s does not match ^[a-z][a-z0-9_]{0,63}$", quote(d.Resource))
			}
		case "action":
			seenAction = true
			if d.Action = text("action", value); isString(value) && !ValidWord(d.Action) {
				fault("action %s does not match ^[a-z][a-z0-9_]{0,63}$", quote(d.Action))
			}
		case "receipt":
			faults = append(faults, d.decodeReceipt(value)...)
		case "body":
			seenBody = true
			if value[0] != '{' {
				fault("body is %s; an object is needed", kind(value))
			}
			d.Body = value
		default:
			fault("%s is not a member of an event; it has id, resource, action, receipt and body", quote(string(key)))
		}
		return nil
	})
	if err != nil {
		return nil, JSONFault(err)
	}
	for _, member := range []struct {
		name string
		seen bool
	}{{"resource", seenResource}, {"action", seenAction}, {"body", seenBody}} {
		if !member.seen {
			fault("%s is missing", member.name)
		}
	}
	if faults != nil {
		return nil, &Error{Code: CodeBadRequest, Messages: faults}
	}
	d.Subject = subject(d.Resource, d.Body)
	return d, nil
}

// NewDraft makes a draft of a type and a body, as `publish TYPE --data` gives
// them. The body may be any JSON object; it is made canonical.
func NewDraft(eventType string, body []byte) (*Draft, error) {
	if !ValidType(eventType) {
		return nil, Errorf(CodeBadRequest, fmt.Sprintf("event type %s is not resource.action", quote(eventType))).
			WithHint("both parts are lower-case words, for instance transaction.created")
	}
	canonical, err := ecmajson.Append(make([]byte, 0, len(body)), body)
	if err != nil {
		return nil, JSONFault(err)
	}
	if canonical[0] != '{' {
		return nil, Errorf(CodeBadRequest, fmt.Sprintf("body is %s; an object is needed", kind(canonical)))
	}
	// The event around it is one level more, and must be readable as well.
	if err := ecmajson.Members(fmt.Appendf(nil, `{"body":%s}`, canonical), func(_, _ []byte) error { return nil }); err != nil {
		return nil, JSONFault(err)
	}
	resource, action, _ := strings.Cut(eventType, ".")
	return &Draft{Resource: resource, Action: action, Body: canonical, Subject: subject(resource, canonical)}, nil
}

// WholeDraft makes a draft of a whole event given by hand: it must carry id,
// timestamp, resource, action and body, and is sent byte for byte as it is.
func WholeDraft(src []byte) (*Draft, error) {
	d := &Draft{Whole: src}
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	seen := map[string]bool{}
	err := ecmajson.Members(src, func(key, value []byte) error {
		name := string(key)
		if seen[name] {
			fault("%s stands there twice; receivers would disagree on which one counts", quote(name))
		}
		seen[name] = true
		if key, found, _ := ecmajson.Doubled(value); found { // the text has been read before
			fault("%s holds %s twice; receivers would disagree on which one counts", name, quote(key))
		}
		switch name {
		case "id", "timestamp", "resource", "action":
			if !isString(value) {
				fault("%s is %s; a string is needed", name, kind(value))
				return nil
			}
			s := plain(value)
			switch {
			case name == "id":
				if d.ID = s; !ValidEventID(s) {
					fault("id %s is not 1 to %d printable ASCII characters without dot or space", quote(s), MaxEventID)
				}
			case name == "timestamp":
				if _, err := time.Parse(time.RFC3339, s); err != nil {
					fault("timestamp %s is no time; 2026-01-05T10:20:30.123Z is one", quote(s))
				}
			case !ValidWord(s):
				fault("%s %s does not match ^[a-z][a-z0-9_]{0,63}$", name, quote(s))
			case name == "resource":
				d.Resource = s
			default:
				d.Action = s
			}
		case "body":
			if value[0] != '{' {
				fault("body is %s; an object is needed", kind(value))
			}
			d.Body = value
		}
		return nil
	})
	if err != nil {
		return nil, JSONFault(err)
	}
	for _, name := range []string{"id", "timestamp", "resource", "action", "body"} {
		if !seen[name] {
			fault("%s is missing; a whole event carries id, timestamp, resource, action and body", name)
		}
	}
	if faults != nil {
		return nil, &Error{Code: CodeBadRequest, Messages: faults}
	}
	d.Subject = subject(d.Resource, d.Body)
	return d, nil
}

// decodeReceipt reads {blockNumber, transactionHash}, or {transactionHash}
// alone, which asks to wait for that transaction.
func (d *Draft) decodeReceipt(raw []byte) (faults []string) {
	if string(raw) == "null" {
		return nil
	}
	given, err := readReceipt(raw, false)
	switch {
	case err != nil:
		return []string{"receipt does not fit: " + err.Error()}
	case given.hash == nil:
		return []string{"receipt.transactionHash is missing"}
	case !ValidTransactionHash(*given.hash):
		return []string{fmt.Sprintf("receipt.transactionHash %s is not 0x and 64 hex digits", quote(*given.hash))}
	case given.block == nil:
		d.Await, d.Watch = true, *given.hash
	default:
		d.Receipt = &Receipt{BlockNumber: *given.block, TransactionHash: *given.hash}
	}
	return nil
}

// GiveReceipt says of an event's receipt what `publish --receipt` does: await, the hash
// of the transaction to wait for, or the receipt itself as JSON.
func (d *Draft) GiveReceipt(text string) error {
	switch {
	case text == "await":
		d.Await = true
	case ValidTransactionHash(text):
		d.Await, d.Watch = true, text
	case strings.HasPrefix(text, "{"):
		if faults := d.decodeReceipt([]byte(text)); faults != nil {
			return &Error{Code: CodeBadRequest, Messages: faults}
		}
	default:
		return Errorf(CodeBadRequest, fmt.Sprintf("receipt %s is neither await, nor 0x and 64 hex digits, nor JSON", quote(text))).
			WithHint(`for instance {"blockNumber":19000000,"transactionHash":"0x…"}, which goes out with the event`)
	}
	return nil
}

// Build makes the exact bytes that are stored, signed and sent, with the time
// of acceptance in them. A whole event given by hand is returned as it is.
func (d *Draft) Build(accepted time.Time) []byte {
	if d.Whole != nil {
		return d.Whole
	}
	out := make([]byte, 0, len(d.Body)+len(d.ID)+192)
	out = append(out, `{"id":`...)
	out = ecmajson.AppendString(out, d.ID)
	out = append(out, `,"timestamp":"`...)
	out = accepted.UTC().AppendFormat(out, TimestampLayout)
	out = append(out, `","resource":"`...)
	out = append(out, d.Resource...)
	out = append(out, `","action":"`...)
	out = append(out, d.Action...)
	out = append(out, `",`...)
	if d.Receipt != nil {
		out = append(out, `"receipt":{"blockNumber":`...)
		out = strconv.AppendUint(out, d.Receipt.BlockNumber, 10)
		out = append(out, `,"transactionHash":"`...)
		out = append(out, d.Receipt.TransactionHash...)
		out = append(out, `"},`...)
	}
	out = append(out, `"body":`...)
	out = append(out, d.Body...)
	return append(out, '}')
}

// Hash identifies the content, so that the same id can be told to come with
// the same event or another one: resource, action, body, receipt, and whether
// it waits for one. The id and the time of acceptance are not part of it.
func (d *Draft) Hash() [sha256.Size]byte {
	h := sha256.New()
	part := func(b []byte) {
		var size [8]byte
		for i := range size {
			size[i] = byte(len(b) >> (8 * i))
		}
		h.Write(size[:])
		h.Write(b)
	}
	part([]byte(d.Resource))
	part([]byte(d.Action))
	part(d.Body)
	if d.Receipt != nil {
		part([]byte(strconv.FormatUint(d.Receipt.BlockNumber, 10)))
		part([]byte(strings.ToLower(d.Receipt.TransactionHash)))
	}
	if d.Await {
		part([]byte("await"))
		part([]byte(strings.ToLower(d.Watch)))
	}
	if d.Whole != nil {
		part(d.Whole)
	}
	var sum [sha256.Size]byte
	h.Sum(sum[:0])
	return sum
}

// subject finds the transaction id of a transaction event: its body's id.
func subject(resource string, body []byte) string {
	if resource != "transaction" {
		return ""
	}
	const start = `{"id":"`
	if bytes.HasPrefix(body, []byte(start)) {
		rest := body[len(start):]
		if end := bytes.IndexAny(rest, `"\`); end >= 0 && rest[end] == '"' && end <= MaxEventID {
			return string(rest[:end])
		}
	}
	var id string
	_ = ecmajson.Members(body, func(key, value []byte) error { // the body has been read once already
		if string(key) == "id" && isString(value) {
			id = plain(value)
		}
		return nil
	})
	if len(id) > MaxEventID {
		return ""
	}
	return id
}

// plain returns the text of a JSON string that has been checked already.
func plain(raw []byte) string {
	if !bytes.ContainsRune(raw, '\\') {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// JSONFault turns an error of reading JSON into an [Error] that says where.
func JSONFault(err error) error {
	var syntax *ecmajson.SyntaxError
	if errors.As(err, &syntax) {
		return Errorf(CodeBadRequest, fmt.Sprintf("not JSON: line %d, column %d: %s", syntax.Line, syntax.Column, syntax.Msg)).Wrap(err)
	}
	return Errorf(CodeBadRequest, err.Error()).Wrap(err)
}

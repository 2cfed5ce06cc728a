package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"sealpost/internal/ecmajson"
)

// maxEventID bounds a provider's event id, in characters; the envelopes'
// schemas say the same.
const maxEventID = 200

// Intake is what one event of a provider means to us.
type Intake struct {
	ID      string // the provider's id of the event: 1 to 200 characters, any
	Event   string // the provider's own resource.action; for logs and lists
	Type    string // of our event; empty when nothing is sent for it
	Why     string // why nothing is sent; empty when Type is not
	User    string // the provider's id of the user whose credential decides the organization; may be empty when nothing is sent
	Subject string // transaction id, by which events are ordered; empty for others
	CanWait bool   // a transaction event that may be held for its receipt

	// Content is the SHA-256 of the provider's own resource, action and body,
	// before any mapping: equal for the same JSON values, however they are
	// written. It is set whenever the event is JSON at all.
	Content [sha256.Size]byte

	// Declined says that the platform declined the transaction itself, so that a
	// reason which it left for Subject goes out instead of the provider's words.
	Declined bool

	body       []byte // canonical, but for the credential's member
	credential string // name of the member that holds our credential id; empty for none
}

// Ignored reports whether the event is accepted and nothing sent for it.
func (in Intake) Ignored() bool { return in.Type == "" }

// platformDeclined is the declinedReason of a transaction that the platform's own
// webhook declined. It says as much, and not why.
const platformDeclined = "webhook declined"

// Body returns the outgoing body, canonical, for the credential that the user
// is linked to. A reason takes the place of the provider's where the platform
// declined the transaction itself.
func (in Intake) Body(credentialID, reason string) ([]byte, error) {
	switch {
	case in.Ignored():
		return nil, fmt.Errorf("nothing is sent for %s: %s", in.Event, in.Why)
	case in.Declined && reason != "":
		const member = `"declinedReason":`
		// In canonical JSON this can't stand in a text, whose quotes are escaped.
		return bytes.Replace(in.body, []byte(member+`"`+platformDeclined+`"`), ecmajson.AppendString([]byte(member), reason), 1), nil
	case in.credential == "":
		return slices.Clone(in.body), nil
	case credentialID == "":
		return nil, fmt.Errorf("%s needs a credential id, and it is empty", in.Type)
	}
	body := append(ecmajson.AppendString([]byte{'{'}, in.credential), ':')
	body = ecmajson.AppendString(body, credentialID)
	if len(in.body) > len("{}") {
		body = append(body, ',')
	}
	return append(body, in.body[1:]...), nil
}

// IntakeError says why a provider's event does not fit. It is answered 400 and
// the event is kept in quarantine.
type IntakeError struct {
	Provider string
	Faults   []Fault // all of them; paths from the top of the event, as in body.spend.amount
}

// Code is the contract's error code: bad panda, for instance.
func (e *IntakeError) Code() string { return "bad " + e.Provider }

// Messages returns each fault as one line.
func (e *IntakeError) Messages() []string { return Lines(e.Faults) }

// Error implements error.
func (e *IntakeError) Error() string { return e.Code() + ": " + strings.Join(e.Messages(), "; ") }

// mapping is what a provider says about one kind of its events.
type mapping struct {
	in         string   // schema of the body that comes in; empty for any object
	out        string   // our type; empty when nothing is sent
	why        string   // why nothing is sent
	user       []string // path of the user's id in the body
	credential string   // member of our body that holds the credential id instead of the user's
	edit       editor   // changes values on their way; nil for none
}

// editor changes the value of one field on its way out: it returns canonical
// JSON, or nil to leave the field out. body is the whole that came in, decoded.
type editor func(body any, path string, value []byte) []byte

// intake maps an event by a provider's schemas and mappings. find returns the
// mapping of resource.action; known lists what there is, for the error.
func intake(provider string, raw []byte, find func(event string) (mapping, bool), known string) (Intake, error) {
	refuse := func(in Intake, faults []Fault) (Intake, error) {
		return Intake{ID: in.ID, Event: in.Event, Content: in.Content}, &IntakeError{Provider: provider, Faults: settle(faults)}
	}
	var inner []byte // the body
	canonical, err := ecmajson.AppendMembers(make([]byte, 0, len(raw)), raw, func(key, value []byte) error {
		if string(key) == "body" {
			inner = value
		}
		return nil
	})
	if errors.Is(err, ecmajson.ErrNotObject) {
		canonical, err = ecmajson.Append(nil, raw)
	}
	if err != nil {
		return refuse(Intake{}, []Fault{syntaxFault(err)})
	}
	value := ecmajson.Decode(canonical)
	in := Intake{Content: content(value)} // before numbers are taken out of it
	value, unsafe := takeUnsafe(value, nil, nil)
	if id := text(value, "id"); utf8.RuneCountInString(id) <= maxEventID {
		in.ID = id
	}
	if faults := builtin()[provider+"/envelope.json"].judge(value); len(faults) > 0 {
		return refuse(in, faults)
	}
	resource, action := text(value, "resource"), text(value, "action")
	in.Event = resource + "." + action
	m, found := find(in.Event)
	if !found {
		return refuse(in, []Fault{{Rule: "enum", Value: show(in.Event), Message: "this resource and action are not known; there are " + known}})
	}
	body, _ := lookup(value, []string{"body"})
	if m.in != "" {
		if faults := judgeBody(builtin()[m.in], body, unsafe); len(faults) > 0 {
			return refuse(in, faults)
		}
	}
	in.Type, in.Why, in.credential = m.out, m.why, m.credential
	in.User = text(body, m.user...)
	if resource == "transaction" {
		in.Subject = text(body, "id")
	}
	if in.Ignored() {
		return in, nil
	}
	in.CanWait = in.Subject != "" && !stillborn(action, body)
	in.Declined = in.Subject != "" && text(body, "spend", "declinedReason") == platformDeclined
	in.body = builtin()[m.out+".json"].root().project(make([]byte, 0, len(inner)), inner, func(path string, value []byte) []byte {
		if m.edit == nil {
			return value
		}
		return m.edit(body, path, value)
	})
	return in, nil
}

// content is the sum of what an event says. Members are sorted: their order means
// nothing in JSON.
func content(event any) [sha256.Size]byte {
	member := func(name string) any {
		value, _ := lookup(event, []string{name})
		return value
	}
	sorted, err := json.Marshal([]any{member("resource"), member("action"), member("body")})
	if err != nil {
		panic(err) // it was JSON before
	}
	return sha256.Sum256(sorted)
}

// judgeBody returns the faults of an incoming body with their paths from the
// top. Unsafe numbers count in fields that the schema names; what is tolerated
// beyond those never leaves.
func judgeBody(d *document, body any, unsafe []Fault) []Fault {
	faults := d.judge(body)
	for i := range faults {
		faults[i].Path = strings.TrimSuffix("body."+faults[i].Path, ".")
	}
	for _, f := range unsafe {
		if path, inside := strings.CutPrefix(f.Path, "body."); inside && slices.Contains(d.paths(), path) {
			faults = append(faults, f)
		}
	}
	return faults
}

// stillborn reports whether an event causes no transaction on chain, so that no
// receipt will come for it:
//   - an event of any action that is declined;
//   - a created one with a negative amount;
//   - an updated one that changes the authorization by 0;
//   - a completed one that settles exactly what was authorized.
func stillborn(action string, body any) bool {
	if text(body, "spend", "status") == "declined" {
		return true
	}
	amount, given := amountAt(body, "amount")
	switch action {
	case "created":
		return strings.HasPrefix(amount, "-")
	case "updated":
		change, given := amountAt(body, "authorizationUpdateAmount")
		return given && change == "0"
	case "completed":
		authorized, authorizedGiven := amountAt(body, "authorizedAmount")
		return given && authorizedGiven && amount == authorized
	}
	return false
}

// amountAt returns a number of the spend as canonical text, in which equal
// numbers are equal; given is false when it is absent or no number.
func amountAt(body any, name string) (text string, given bool) {
	value, _ := lookup(body, []string{"spend", name})
	number, given := value.(json.Number)
	return string(number), given
}

// text returns the text at a path of a decoded value, or "".
func text(value any, path ...string) string {
	found, _ := lookup(value, path)
	s, _ := found.(string)
	return s
}

// project writes of a canonical object only the fields that the schema names,
// in its order. An object where the schema names no fields is left out, so
// that nothing unforeseen leaves inside it.
func (n *node) project(dst, src []byte, edit func(path string, value []byte) []byte) []byte {
	values := make([][]byte, len(n.children))
	_ = ecmajson.Members(src, func(key, value []byte) error { // src is canonical already
		for i, c := range n.children {
			if c.name == string(key) {
				values[i] = value
			}
		}
		return nil
	})
	dst = append(dst, '{')
	start := len(dst)
	for i, c := range n.children {
		value := values[i]
		if value == nil {
			continue
		}
		if value = edit(c.path, value); value == nil || value[0] == '{' && c.children == nil {
			continue
		}
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(ecmajson.AppendString(dst, c.name), ':')
		if value[0] == '{' {
			dst = c.project(dst, value, edit)
		} else {
			dst = append(dst, value...)
		}
	}
	return append(dst, '}')
}

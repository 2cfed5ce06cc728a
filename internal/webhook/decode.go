package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ErrNotJSON marks a body that is no JSON at all.
var ErrNotJSON = errors.New("not JSON")

// known are the resources whose shape the contract fixes: what stands there
// is a group or a fault, never an unknown member to pass over.
var known = []string{"card", "transaction", "user"}

// DecodeConfig reads the body of a create or replace call. A member name in
// the body is left in Patch.Name for the caller to weigh against the path.
// Every fault found is a message of the one [Error] that comes back.
func DecodeConfig(body []byte) (*Patch, error) { return decode(body, false) }

// DecodePatch reads the body of a change: every member is optional, and null
// clears the URL of one event type.
func DecodePatch(body []byte) (*Patch, error) { return decode(body, true) }

func decode(body []byte, patch bool) (*Patch, error) {
	d := decoder{patch: patch, out: &Patch{}}
	return d.decode(body)
}

func (d *decoder) decode(body []byte) (*Patch, error) {
	var members map[string]json.RawMessage
	if err := UnmarshalObject(body, &members); err != nil {
		return nil, err
	}
	for _, key := range slices.Sorted(maps.Keys(members)) {
		d.member(key, members[key])
	}
	if !d.patch && d.out.URL == nil && !d.sawURL {
		d.fault("url is missing")
	}
	if d.badName != nil {
		return nil, d.badName
	}
	if len(d.faults) > 0 {
		return nil, &Error{Code: CodeBadRequest, Messages: d.faults}
	}
	return d.out, nil
}

// decoder gathers a body's members and its faults.
type decoder struct {
	patch   bool
	sawURL  bool
	out     *Patch
	faults  []string
	badName *Error
	passed  []string // members that are not known, by their path
}

func (d *decoder) fault(format string, args ...any) {
	d.faults = append(d.faults, fmt.Sprintf(format, args...))
}

func (d *decoder) member(key string, raw json.RawMessage) {
	switch key {
	case "name":
		var name string
		if !isString(raw) || json.Unmarshal(raw, &name) != nil {
			d.fault("name is %s; a string is needed", kind(raw))
			return
		}
		if !ValidName(name) {
			d.badName = nameFault(name)
			return
		}
		if !d.patch { // a PATCH does not rename; the path says which webhook it is
			d.out.Name = &name
		}
	case "url":
		d.sawURL = true
		if url, ok := d.text("url", raw); ok {
			d.out.URL = &url
		}
	case "events":
		d.only(raw)
	case "enabled":
		var enabled *bool
		if json.Unmarshal(raw, &enabled) != nil || enabled == nil {
			d.fault("enabled is %s; true or false is needed", kind(raw))
			return
		}
		d.out.Enabled = enabled
	case "secret":
		// Ignored, as existing clients expect: a secret is ours to make.
	default:
		if f := fieldNamed(key); f != nil && !groupLike(raw) {
			d.field(f, raw)
			return
		}
		d.group(key, raw)
	}
}

func (d *decoder) field(f *Field, raw json.RawMessage) {
	known, unknown, faults := f.read(raw)
	d.faults = append(d.faults, faults...)
	for _, name := range unknown {
		d.passed = append(d.passed, f.Name+"."+name)
	}
	if known == nil {
		return
	}
	if d.out.Fields == nil {
		d.out.Fields = make(map[string]json.RawMessage)
	}
	d.out.Fields[f.Name] = known
}

func (d *decoder) text(path string, raw json.RawMessage) (string, bool) {
	var s string
	if !isString(raw) || json.Unmarshal(raw, &s) != nil {
		d.fault("%s is %s; a string is needed", path, kind(raw))
		return "", false
	}
	return s, true
}

func (d *decoder) only(raw json.RawMessage) {
	var values []*string
	if json.Unmarshal(raw, &values) != nil || values == nil || slices.Contains(values, nil) {
		d.fault("events is %s; a list of patterns is needed, for instance [\"transaction.*\"]", kind(raw))
		return
	}
	patterns := make([]string, len(values))
	for i, value := range values {
		patterns[i] = *value
	}
	if err := CheckPatterns(patterns); err != nil {
		d.faults = append(d.faults, err.Messages...)
		return
	}
	d.out.Only = &patterns
}

// CheckPatterns returns the faults of a list of event patterns, or nil.
func CheckPatterns(patterns []string) *Error {
	var faults []string
	if len(patterns) == 0 {
		faults = append(faults, `events is empty; ["*"] means everything, and enabled: false stops a webhook`)
	}
	for _, pattern := range patterns {
		if !ValidPattern(pattern) {
			faults = append(faults, fmt.Sprintf("events has %s; a pattern is *, resource.* or resource.action", quote(pattern)))
		}
	}
	if faults == nil {
		return nil
	}
	return &Error{Code: CodeBadRequest, Messages: faults}
}

// group reads a top-level member that may be a resource group: an object of
// strings, or, in a patch, of nulls. Anything else is an unknown member and
// ignored, but never under a resource that the contract names: an event sent
// to the default URL because of a typo would go to the wrong place.
func (d *decoder) group(resource string, raw json.RawMessage) {
	var actions map[string]json.RawMessage
	isObject := len(raw) > 0 && raw[0] == '{' && json.Unmarshal(raw, &actions) == nil
	strict := slices.Contains(known, resource)
	if !isObject {
		if strict {
			d.fault("%s is %s; an object of URLs is needed", resource, kind(raw))
			return
		}
		d.passed = append(d.passed, resource)
		return
	}
	for _, value := range actions {
		if !strict && !isString(value) && string(value) != "null" {
			d.passed = append(d.passed, resource)
			return
		}
	}
	if len(actions) > 0 && !ValidWord(resource) {
		d.fault("%s does not match ^[a-z][a-z0-9_]{0,63}$", quote(resource))
		return
	}
	for _, action := range slices.Sorted(maps.Keys(actions)) {
		d.route(resource, action, actions[action])
	}
}

func (d *decoder) route(resource, action string, raw json.RawMessage) {
	path := resource + "." + action
	if !ValidWord(action) {
		d.fault("%s: the action %s does not match ^[a-z][a-z0-9_]{0,63}$", resource, quote(action))
		return
	}
	var url *string
	switch {
	case string(raw) == "null" && d.patch:
	case string(raw) == "null":
		d.fault("%s is null; only PATCH clears a URL so", path)
		return
	default:
		text, ok := d.text(path, raw)
		if !ok {
			return
		}
		url = &text
	}
	if d.out.Routes == nil {
		d.out.Routes = make(map[string]map[string]*string)
	}
	if d.out.Routes[resource] == nil {
		d.out.Routes[resource] = make(map[string]*string)
	}
	d.out.Routes[resource][action] = url
}

// Unmarshal reads one JSON value and says where it went wrong, by line and
// column, when it does.
func Unmarshal(body []byte, v any) error {
	err := json.Unmarshal(body, v)
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &syntax):
		line, column := Position(body, syntax.Offset)
		return Errorf(CodeBadRequest, fmt.Sprintf("not JSON: line %d, column %d: %s", line, column, syntax)).Wrap(ErrNotJSON)
	case errors.As(err, &mismatch) && mismatch.Field != "":
		return Errorf(CodeBadRequest, fmt.Sprintf("%s can't be a %s", strings.ToLower(mismatch.Field), mismatch.Value))
	case errors.As(err, &mismatch):
		return notObject(body)
	default:
		return Errorf(CodeBadRequest, err.Error()).Wrap(err)
	}
}

// UnmarshalObject is [Unmarshal] of a body that has to be there: null, which
// encoding/json takes for an object without members, is refused.
func UnmarshalObject(body []byte, v any) error {
	if err := Unmarshal(body, v); err != nil {
		return err
	}
	if bytes.TrimSpace(body)[0] != '{' {
		return notObject(body)
	}
	return nil
}

func notObject(body []byte) error {
	return Errorf(CodeBadRequest, fmt.Sprintf("the body is %s; a JSON object is needed", kind(bytes.TrimSpace(body))))
}

// Position turns a byte offset into a line and a column, both from 1.
func Position(text []byte, offset int64) (line, column int) {
	before := text[:min(max(offset-1, 0), int64(len(text)))]
	line = bytes.Count(before, []byte{'\n'}) + 1
	column = len(before) - bytes.LastIndexByte(before, '\n')
	return line, column
}

func isString(raw []byte) bool { return len(raw) > 0 && raw[0] == '"' }

// kind names the type of a JSON value for an error message.
func kind(raw []byte) string {
	switch s := string(raw); {
	case s == "":
		return "nothing"
	case s == "null" || s == "true" || s == "false":
		return s
	case s[0] == '"':
		return "a string"
	case s[0] == '{':
		return "an object"
	case s[0] == '[':
		return "a list"
	case strings.ContainsRune("-0123456789", rune(s[0])):
		return "a number"
	default:
		return quote(s)
	}
}

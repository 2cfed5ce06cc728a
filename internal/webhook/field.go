package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Field is a row of [Fields]: one member that a webhook may have besides its name,
// its URLs, events and enabled.
//
// The rules of a field follow from its row alone:
//   - JSON: a member at its default is not shown. A new list replaces the stored
//     list; an object changes only the values that it names.
//   - PUT, apply and import keep a member that the body does not name.
//   - An object without a number or boolean is a resource group, whatever its name.
//     A webhook with such a group shows the group and can't have the member.
//   - The store keeps all fields in one column.
type Field struct {
	Name  string // of the member in JSON
	Help  string // what it is, one sentence, for the description of the API
	Parts []Part // the values of an object; for any other member one part without a name

	// FlagsFirst says that the flags of this field are older than its member. On
	// the database file they go on working beside a resource group of its name.
	FlagsFirst bool
}

// Part is one value of a [Field].
type Part struct {
	Name  string // in the object; empty if the member itself is the value
	Label string // for people
	Flag  string // of webhook create and update; empty: none
	Help  string // of the flag
	value
}

// Fields is every field, in the order in which people see them. To add one, write
// its row here and its Go field in [Config].
var Fields = []Field{
	{Name: "limits", FlagsFirst: true, Help: "What the receiver is asked to take at most. 0 is the default.", Parts: []Part{
		{"maxInFlight", "max in flight", "max-in-flight", "requests to it at a time; 0 is the daemon's default",
			whole(func(c *Config) *int { return &c.Limits.MaxInFlight }, 1<<16, "")},
		{"rate", "rate", "rate", "attempts started a second; 0 is no limit",
			number(func(c *Config) *float64 { return &c.Limits.Rate }, 0.00001, 1_000_000, " a second")},
	}},
}

// fieldNamed finds a field by the name of its member.
func fieldNamed(name string) *Field {
	if i := slices.IndexFunc(Fields, func(f Field) bool { return f.Name == name }); i >= 0 {
		return &Fields[i]
	}
	return nil
}

// object reports whether the member is an object of parts.
func (f *Field) object() bool { return f.Parts[0].Name != "" }

// Path is how a part of the field is named in errors and in the docs.
func (f *Field) Path(p *Part) string {
	if p.Name == "" {
		return f.Name
	}
	return f.Name + "." + p.Name
}

// Hidden reports whether a resource group of the same name hides the field of a
// webhook. What the field was set to stays in force.
func (f *Field) Hidden(c *Config) bool {
	_, group := c.Routes[f.Name]
	return group && f.json(c, true) != nil
}

// json is the member of a webhook as JSON; nil at its default. Values that are
// secrets are in it only with secrets.
func (f *Field) json(c *Config, secrets bool) json.RawMessage {
	var members []Member
	for i := range f.Parts {
		raw := f.Parts[i].json(c, secrets)
		switch {
		case raw == nil:
		case !f.object():
			return raw
		default:
			members = append(members, Member{f.Parts[i].Name, raw})
		}
	}
	if members == nil {
		return nil
	}
	return MarshalMembers(members)
}

// groupLike reports whether a member is a resource group, whatever its name: an
// object without a number or boolean among its values.
func groupLike(raw json.RawMessage) bool {
	var values map[string]json.RawMessage
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &values) != nil {
		return false
	}
	for _, value := range values {
		if isScalar(value) {
			return false
		}
	}
	return true
}

// isScalar reports whether a value is a number or a boolean.
func isScalar(raw json.RawMessage) bool {
	return len(raw) > 0 && (raw[0] == 't' || raw[0] == 'f' || raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9')
}

// read checks a member that somebody sent, and returns what of it is known, nil if
// nothing is, and the names in it that are not.
func (f *Field) read(raw json.RawMessage) (known json.RawMessage, unknown, faults []string) {
	if !f.object() {
		if fault := f.Parts[0].check(raw); fault != "" {
			return nil, nil, []string{told(f.Name, raw, fault)}
		}
		return raw, nil, nil
	}
	var values map[string]json.RawMessage
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &values) != nil {
		return nil, nil, []string{fmt.Sprintf("%s is %s; an object is needed", f.Name, kind(raw))}
	}
	var members []Member
	for i := range f.Parts {
		part := &f.Parts[i]
		given, named := values[part.Name]
		if !named {
			continue
		}
		delete(values, part.Name)
		if fault := part.check(given); fault != "" {
			faults = append(faults, told(f.Path(part), given, fault))
		}
		members = append(members, Member{part.Name, given})
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		// An unknown number or boolean is passed over as any unknown member. A text
		// may be a URL: to pass over that would send events to another place.
		if given := values[name]; !isScalar(given) {
			faults = append(faults, fmt.Sprintf("%s: %s is %s; this object holds numbers and booleans only", f.Name, quote(name), kind(given)))
		}
		unknown = append(unknown, name)
	}
	if faults != nil || members == nil {
		return nil, unknown, faults
	}
	return MarshalMembers(members), unknown, nil
}

// told says what is wrong with a value and what is needed.
func told(path string, raw json.RawMessage, need string) string {
	is := kind(raw)
	if is == "a number" {
		is = string(raw[:min(len(raw), 40)])
	}
	article := "a "
	if strings.ContainsRune("aeiou", rune(need[0])) {
		article = "an "
	}
	return fmt.Sprintf("%s is %s; %s%s is needed", path, is, article, need)
}

// merge changes the field of a webhook to what [Field.read] returned.
func (f *Field) merge(c *Config, known json.RawMessage) error {
	if !f.object() {
		return f.Parts[0].set(c, known)
	}
	var values map[string]json.RawMessage
	if err := json.Unmarshal(known, &values); err != nil {
		return err
	}
	for i := range f.Parts {
		if raw, named := values[f.Parts[i].Name]; named {
			if err := f.Parts[i].set(c, raw); err != nil {
				return err
			}
		}
	}
	return nil
}

// sets reports whether a change sets the field to anything but its default.
func (f *Field) sets(known json.RawMessage) bool {
	var c Config
	return f.merge(&c, known) != nil || f.json(&c, true) != nil
}

// copy gives one webhook what the other has in this field.
func (f *Field) copy(from, to *Config) {
	for i := range f.Parts {
		f.Parts[i].copy(from, to)
	}
}

// between is the change of the field from one configuration to another; nil if it
// is the same in both. It names only what differs.
func (f *Field) between(have, want *Config) json.RawMessage {
	var members []Member
	for i := range f.Parts {
		part := &f.Parts[i]
		old, raw := part.json(have, true), part.json(want, true)
		switch {
		case string(old) == string(raw):
			continue
		case raw == nil:
			raw = part.zero()
		}
		if !f.object() {
			return raw
		}
		members = append(members, Member{part.Name, raw})
	}
	if members == nil {
		return nil
	}
	return MarshalMembers(members)
}

// Plain is the value as its flag takes it; empty at its default.
func (p *Part) Plain(c *Config) string {
	raw := p.json(c, false)
	var text string
	if isString(raw) && json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// Line is a part's value as people see it, with its label.
type Line struct{ Label, Text string }

// Lines lists the fields of a webhook that are not at their default.
func (c *Config) Lines() (lines []Line) {
	for i := range Fields {
		for _, part := range Fields[i].Parts {
			if part.json(c, false) != nil {
				lines = append(lines, Line{part.Label, part.text(c)})
			}
		}
	}
	return lines
}

// ChangedInSecret lists the labels of the fields that differ between two configurations
// and look the same, because people do not see secrets.
func (c *Config) ChangedInSecret(other *Config) (labels []string) {
	for i := range Fields {
		for _, part := range Fields[i].Parts {
			if string(part.json(c, false)) == string(part.json(other, false)) && string(part.json(c, true)) != string(part.json(other, true)) {
				labels = append(labels, part.Label)
			}
		}
	}
	return labels
}

package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Stored writes the fields of a webhook, secrets included, as the store keeps them:
// an object of those that are not at their default.
func (c *Config) Stored() []byte { return c.fields(true) }

// fields is an object of the fields that are not at their default, hidden ones too.
func (c *Config) fields(secrets bool) []byte {
	var members []Member
	for i := range Fields {
		if raw := Fields[i].json(c, secrets); raw != nil {
			members = append(members, Member{Fields[i].Name, raw})
		}
	}
	return MarshalMembers(members)
}

// ReadStored reads what [Config.Stored] wrote. A field that this program does not know
// is an error: it may say which events go where, so they must not go without it.
func (c *Config) ReadStored(text string) error {
	if text == "{}" {
		return nil
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		f := fieldNamed(name)
		if f == nil {
			return fmt.Errorf("this program does not know %s; a newer one wrote it", quote(name))
		}
		if err := f.readStored(c, members[name]); err != nil {
			return err
		}
	}
	return nil
}

func (f *Field) readStored(c *Config, raw json.RawMessage) error {
	known, unknown, faults := f.read(raw)
	if faults != nil {
		return &Error{Code: CodeBadRequest, Messages: faults}
	}
	if unknown != nil {
		return fmt.Errorf("this program does not know %s; a newer one wrote it", quote(f.Name+"."+unknown[0]))
	}
	if known == nil {
		return nil
	}
	return f.merge(c, known)
}

// Shown lists the fields that people see.
func (c *Config) Shown() (members []Member) {
	for i := range Fields {
		if raw := Fields[i].json(c, false); raw != nil && !Fields[i].Hidden(c) {
			members = append(members, Member{Fields[i].Name, raw})
		}
	}
	return members
}

// readShown takes over what of a member reads as this field.
func (f *Field) readShown(c *Config, raw json.RawMessage) {
	if !f.object() {
		if f.Parts[0].check(raw) == "" {
			_ = f.Parts[0].set(c, raw) // what does not go together is passed over
		}
		return
	}
	var values map[string]json.RawMessage
	if json.Unmarshal(raw, &values) != nil {
		return
	}
	for i := range f.Parts {
		if given, named := values[f.Parts[i].Name]; named && f.Parts[i].check(given) == "" {
			_ = f.Parts[i].set(c, given) // as above
		}
	}
}

package webhook

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Patch is a change of a [Config]: what is absent stays.
type Patch struct {
	Name    *string // only to create; a PATCH doesn't rename
	URL     *string
	Routes  map[string]map[string]*string // nil clears an event's URL
	Only    *[]string
	Enabled *bool

	// Fields holds what the change says of [Fields], by the name of the member:
	// checked JSON, of an object only the values that change.
	Fields map[string]json.RawMessage
	// Flags says that the change comes from flags on the database file, see
	// [Field.FlagsFirst].
	Flags bool
}

// Apply returns the configuration after the change. The error is
// [CodeBadRequest], for a field that the webhook can't have; the URLs are changed then
// all the same.
func (p *Patch) Apply(c Config) (Config, error) { return p.on(c.Clone(), &c) }

// Replace returns what PUT makes of a webhook: the change alone, with each field
// kept that the change does not name. Errors are as of [Patch.Apply].
func (p *Patch) Replace(have Config) (Config, error) {
	next := Config{Name: have.Name}
	for i := range Fields {
		Fields[i].copy(&have, &next)
	}
	return p.on(next, &have)
}

// Targets lists the URLs that the change names, as [Config.Targets] does. The
// default URL is left out where the change does not name it.
func (p *Patch) Targets() []Target {
	var c Config
	p.routes(&c)
	if p.URL == nil {
		return c.Targets()[1:]
	}
	return c.Targets()
}

func (p *Patch) routes(c *Config) {
	if p.URL != nil {
		c.URL = *p.URL
	}
	for resource, actions := range p.Routes {
		for action, url := range actions {
			if url == nil {
				c.ClearRoute(resource, action)
			} else {
				c.SetRoute(resource, action, *url)
			}
		}
	}
}

// on makes the change in c, which nobody shares; have is the webhook before.
func (p *Patch) on(c Config, have *Config) (Config, error) {
	p.routes(&c)
	if p.Only != nil {
		c.Only = slices.Clone(*p.Only)
		if slices.Contains(c.Only, "*") {
			c.Only = nil
		}
	}
	if p.Enabled != nil {
		c.Disabled = !*p.Enabled
	}
	return c, p.fields(&c, have)
}

// fields makes the change of the fields.
func (p *Patch) fields(c, have *Config) error {
	for i := range Fields {
		f := &Fields[i]
		raw, named := p.Fields[f.Name]
		if !named {
			continue
		}
		_, before := have.Routes[f.Name]
		_, after := c.Routes[f.Name]
		if (before || after) && !(p.Flags && f.FlagsFirst) && f.sets(raw) {
			return Errorf(CodeBadRequest, fmt.Sprintf("%s can't be set: the webhook has URLs for the resource %q, which go by this name", f.Name, f.Name)).
				WithHint(fmt.Sprintf("take the URLs of %s away first; their events then go to the default URL", f.Name))
		}
		if err := f.merge(c, raw); err != nil {
			return err
		}
	}
	return nil
}

// Empty reports whether the change changes nothing.
func (p *Patch) Empty() bool {
	return p.URL == nil && len(p.Routes) == 0 && p.Only == nil && p.Enabled == nil && len(p.Fields) == 0
}

// Set adds one value of a field to the change. raw is JSON, as [Part] FromFlag makes
// it; need says which values there are when it is none of them.
func (p *Patch) Set(f *Field, part *Part, raw json.RawMessage) (need string) {
	if need = part.check(raw); need != "" {
		return need
	}
	if p.Fields == nil {
		p.Fields = make(map[string]json.RawMessage)
	}
	if !f.object() {
		p.Fields[f.Name] = raw
		return ""
	}
	values := map[string]json.RawMessage{}
	if before, named := p.Fields[f.Name]; named {
		_ = json.Unmarshal(before, &values) // it was made here
	}
	values[part.Name] = raw
	p.Fields[f.Name] = marshal(values)
	return ""
}

// JSON writes the change as the document that PATCH, PUT and POST take. The error
// is [CodeBadRequest]: a field and URLs that go by one name can't both be said.
func (p *Patch) JSON() ([]byte, error) {
	var members []Member
	add := func(key string, value any) { members = append(members, Member{key, value}) }
	if p.URL != nil {
		add("url", *p.URL)
	}
	if p.Only != nil {
		add("events", *p.Only)
	}
	if p.Enabled != nil {
		add("enabled", *p.Enabled)
	}
	for i := range Fields {
		if raw, named := p.Fields[Fields[i].Name]; named {
			if _, group := p.Routes[Fields[i].Name]; group {
				return nil, Errorf(CodeBadRequest, fmt.Sprintf("a webhook can't have both %s and URLs for the resource %q", Fields[i].Name, Fields[i].Name))
			}
			add(Fields[i].Name, raw)
		}
	}
	for _, resource := range slices.Sorted(maps.Keys(p.Routes)) {
		add(resource, p.Routes[resource])
	}
	return MarshalMembers(members), nil
}

// Lacking names the fields of the change that a webhook does not have afterwards:
// a server that does not know them passes them over.
func (p *Patch) Lacking(c *Config) (names []string) {
	for i := range Fields {
		f := &Fields[i]
		raw, named := p.Fields[f.Name]
		if !named {
			continue
		}
		want := c.Clone()
		if f.merge(&want, raw) == nil && string(f.json(c, false)) != string(f.json(&want, false)) {
			names = append(names, f.Name)
		}
	}
	return names
}

// FieldsBetween is the change of the fields from one configuration to another.
func FieldsBetween(have, want *Config) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	for i := range Fields {
		if raw := Fields[i].between(have, want); raw != nil {
			if out == nil {
				out = make(map[string]json.RawMessage)
			}
			out[Fields[i].Name] = raw
		}
	}
	return out
}

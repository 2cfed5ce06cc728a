package webhook

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Config is a webhook as its organization configures it: a default URL,
// optional URLs per event type, and what it wants to receive. URLs are kept
// and shown exactly as given.
type Config struct {
	Name     string
	URL      string
	Routes   map[string]map[string]string // resource → action → URL; no empty groups
	Only     []string                     // patterns; empty means everything
	Disabled bool                         // parks its deliveries
	Limits   Limits
}

// Limits bound what a webhook's receiver is asked to take. Zero means the
// engine's default.
type Limits struct {
	MaxInFlight int     // requests at a time
	Rate        float64 // attempts started a second
}

// URLFor returns where an event of the given type goes.
func (c *Config) URLFor(eventType string) string {
	resource, action, _ := strings.Cut(eventType, ".")
	if url := c.Routes[resource][action]; url != "" {
		return url
	}
	return c.URL
}

// Wants reports whether the webhook receives events of the given type.
func (c *Config) Wants(eventType string) bool {
	if len(c.Only) == 0 {
		return true
	}
	resource, _, _ := strings.Cut(eventType, ".")
	for _, pattern := range c.Only {
		if pattern == "*" || pattern == eventType || pattern == resource+".*" {
			return true
		}
	}
	return false
}

// Everything reports whether no pattern limits what the webhook receives.
func (c *Config) Everything() bool {
	return len(c.Only) == 0 || slices.Equal(c.Only, []string{"*"})
}

// Target is one URL of a configuration and the event type that goes there;
// the type is empty for the default URL.
type Target struct {
	Type string
	URL  string
}

// Targets lists every URL of the configuration: the default one first, then
// those per event type, sorted.
func (c *Config) Targets() []Target {
	targets := []Target{{URL: c.URL}}
	for _, resource := range slices.Sorted(maps.Keys(c.Routes)) {
		for _, action := range slices.Sorted(maps.Keys(c.Routes[resource])) {
			targets = append(targets, Target{resource + "." + action, c.Routes[resource][action]})
		}
	}
	return targets
}

// SetRoute gives events of a type their own URL. An empty text is one like any
// other, for the guard to refuse: to drop it would send events to the default
// URL that somebody meant for another place.
func (c *Config) SetRoute(resource, action, url string) {
	if c.Routes == nil {
		c.Routes = make(map[string]map[string]string)
	}
	if c.Routes[resource] == nil {
		c.Routes[resource] = make(map[string]string)
	}
	c.Routes[resource][action] = url
}

// ClearRoute has events of a type go to the default URL again; a group that is
// left empty disappears.
func (c *Config) ClearRoute(resource, action string) {
	delete(c.Routes[resource], action)
	if len(c.Routes[resource]) == 0 {
		delete(c.Routes, resource)
	}
}

// Clone returns a copy that shares nothing with c.
func (c *Config) Clone() Config {
	clone := *c
	for i := range Fields {
		Fields[i].copy(c, &clone)
	}
	clone.Only = slices.Clone(c.Only)
	clone.Routes = nil
	for resource, actions := range c.Routes {
		for action, url := range actions {
			clone.SetRoute(resource, action, url)
		}
	}
	return clone
}

// AppendJSON writes the configuration's members in their fixed order: name
// (when named), url, events and enabled (when they limit anything), the fields
// that are not at their default, then one group per resource. extra members, such
// as the secret of a fresh webhook, come last.
func (c *Config) AppendJSON(named bool, extra ...Member) []byte {
	members := make([]Member, 0, 4+len(c.Routes)+len(extra))
	if named {
		members = append(members, Member{"name", c.Name})
	}
	members = append(members, Member{"url", c.URL})
	if !c.Everything() {
		members = append(members, Member{"events", c.Only})
	}
	if c.Disabled {
		members = append(members, Member{"enabled", false})
	}
	members = append(members, c.Shown()...)
	for _, resource := range slices.Sorted(maps.Keys(c.Routes)) {
		members = append(members, Member{resource, c.Routes[resource]})
	}
	return MarshalMembers(append(members, extra...))
}

// MarshalJSON implements [json.Marshaler]: the webhook with its name.
func (c *Config) MarshalJSON() ([]byte, error) { return c.AppendJSON(true), nil }

// ETag returns the entity tag of the configuration (RFC 9110, section 8.8.3):
// a strong one over everything that can be changed, also where a resource group
// hides it. No value that is a secret is part of it: whoever reads a tag could try
// values until one fits.
func (c *Config) ETag() string {
	sum := sha256.Sum256(c.AppendJSON(true, Member{"config", json.RawMessage(c.fields(false))}))
	return `"` + hex.EncodeToString(sum[:12]) + `"`
}

// Equal reports whether two configurations are the same, secrets included.
func (c *Config) Equal(other *Config) bool {
	return bytes.Equal(c.AppendJSON(true), other.AppendJSON(true)) && bytes.Equal(c.Stored(), other.Stored())
}

// Member is one member of a JSON object that keeps its place.
type Member struct {
	Key   string
	Value any
}

// MarshalMembers writes a JSON object with its members in the given order. It
// panics on values that JSON can't hold.
func MarshalMembers(members []Member) []byte {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, member := range members {
		if i > 0 {
			out.WriteByte(',')
		}
		out.Write(marshal(member.Key))
		out.WriteByte(':')
		out.Write(marshal(member.Value))
	}
	out.WriteByte('}')
	return out.Bytes()
}

// marshal writes a value as JSON that is to be read by people too. It panics on
// values that JSON can't hold, which only a bug can bring here.
func marshal(v any) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		panic(fmt.Sprintf("webhook: %T can't be JSON: %v", v, err))
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

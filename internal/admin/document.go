package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"sealpost/internal/secret"
	"sealpost/internal/typo"
	"sealpost/internal/webhook"
)

// Document is an organization's webhooks as one text, by which a deployment
// moves or is kept in version control (contract, part 2).
type Document struct {
	Type     string // integrator or uphold; empty: leave it
	Webhooks []Documented
}

// Documented is one webhook of a document.
type Documented struct {
	Config webhook.Config // as the document alone makes it; see Patch for what an existing webhook becomes
	Patch  *webhook.Patch // what the document says; nil in one that is written
	Secret secret.Text    // zero when the document does not tell it
}

// ParseDocument reads a document in JSON. All faults are reported at once,
// each with the webhook's name. Members that a document does not have are faults, so
// that no slip of the fingers is passed over; line says in which line the member of a
// dotted path stands, 0 when that is not known.
func ParseDocument(text []byte, line func(path string) int) (*Document, error) {
	var in struct {
		Type     *string
		Webhooks lastObject
	}
	if err := webhook.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := webhook.UnmarshalObject(text, &members); err != nil {
		return nil, err
	}
	doc := &Document{}
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if in.Type != nil {
		if doc.Type = *in.Type; doc.Type != "integrator" && doc.Type != "uphold" {
			fault("type %q is neither integrator nor uphold", doc.Type)
		}
	}
	for name := range members {
		if name != "type" && name != "webhooks" {
			faults = append(faults, unknownMember(name, []string{"type", "webhooks"}, line))
		}
	}
	if in.Webhooks == nil {
		fault(`webhooks is missing; a document is {"webhooks": {"NAME": {"url": "…"}}}`)
	}
	for name, raw := range in.Webhooks {
		one, unknown, err := parseDocumented(name, raw)
		for _, member := range unknown {
			faults = append(faults, unknownMember("webhooks."+name+"."+member, webhook.MembersBeside(member), line))
		}
		if err != nil {
			fault("%s%s: %s", inLine("webhooks."+name, line), name, err)
			continue
		}
		doc.Webhooks = append(doc.Webhooks, one)
	}
	if faults != nil {
		slices.Sort(faults)
		return nil, &webhook.Error{Code: webhook.CodeBadRequest, Messages: faults}
	}
	slices.SortFunc(doc.Webhooks, func(a, b Documented) int { return strings.Compare(a.Config.Name, b.Config.Name) })
	return doc, nil
}

// lastObject is an object of which, when its key is given twice, the last one
// counts as a whole; encoding/json would put the two together.
type lastObject map[string]json.RawMessage

// UnmarshalJSON implements [json.Unmarshaler].
func (o *lastObject) UnmarshalJSON(raw []byte) error {
	*o = nil
	return json.Unmarshal(raw, (*map[string]json.RawMessage)(o))
}

// inLine begins a message with the line of a path, when it is known.
func inLine(path string, line func(path string) int) string {
	if n := line(path); n > 0 {
		return fmt.Sprintf("line %d: ", n)
	}
	return ""
}

// unknownMember says that a path names no member, and which one was likely meant.
func unknownMember(path string, known []string, line func(path string) int) string {
	word := path[strings.LastIndexByte(path, '.')+1:]
	if slices.Contains(known, word) {
		return inLine(path, line) + path + " holds neither URLs nor what this member can have"
	}
	message := inLine(path, line) + path + " is no member of a document"
	if likely := typo.Nearest(word, known); likely != "" {
		return message + "; did you mean " + likely + "?"
	}
	return message + "; there are " + strings.Join(known, ", ")
}

func parseDocumented(name string, raw []byte) (one Documented, unknown []string, err error) {
	if err := webhook.CheckName(name); err != nil {
		return one, nil, err
	}
	patch, unknown, err := webhook.DecodeWhole(raw)
	if err != nil {
		return one, unknown, err
	}
	if patch.Name != nil && *patch.Name != name {
		return one, unknown, fmt.Errorf("its member name says %q", *patch.Name)
	}
	one.Patch = patch
	one.Config, _ = patch.Apply(webhook.Config{Name: name}) // an error may be none for the webhook that is there
	var held struct{ Secret *string }
	if err := json.Unmarshal(raw, &held); err != nil {
		return one, unknown, fmt.Errorf("secret is no text")
	}
	if held.Secret != nil {
		one.Secret, err = secret.Parse(*held.Secret)
	}
	return one, unknown, err
}

// Marshal writes the document. Secrets are in it when they were put there.
func (d *Document) Marshal() []byte {
	members := make([]webhook.Member, len(d.Webhooks))
	for i, w := range d.Webhooks {
		var extra []webhook.Member
		if !w.Secret.IsZero() {
			extra = append(extra, webhook.Member{Key: "secret", Value: w.Secret.Reveal()})
		}
		members[i] = webhook.Member{Key: w.Config.Name, Value: json.RawMessage(w.Config.AppendJSON(false, extra...))}
	}
	return webhook.MarshalMembers([]webhook.Member{{Key: "type", Value: d.Type}, {Key: "webhooks", Value: json.RawMessage(webhook.MarshalMembers(members))}})
}

// CheckDocument judges every URL of a document, and returns an error that
// names each that may not be called.
func (s *Service) CheckDocument(ctx context.Context, doc *Document) error {
	var urls, names []string
	for _, w := range doc.Webhooks {
		for _, target := range w.Config.Targets() {
			urls, names = append(urls, target.URL), append(names, w.Config.Name)
		}
	}
	var messages []string
	for i, v := range s.judge(ctx, urls) {
		if !v.Allowed {
			messages = append(messages, fmt.Sprintf("%s: %s: %s: %s", names[i], v.URL, v.Reason, v.Message))
		}
	}
	if messages == nil {
		return nil
	}
	return (&webhook.Error{Code: webhook.CodeInvalidURL, Messages: messages}).Advise()
}

// Importer is what importing needs of the database; see package store.
type Importer interface {
	ImportWebhooks(ctx context.Context, organization, kind string, webhooks []webhook.Imported, now time.Time) (created int, err error)
}

// Import stores a document's webhooks, all or none, and tells how many are
// new.
func (s *Service) Import(ctx context.Context, into Importer, organization string, doc *Document) (created int, err error) {
	if err := s.CheckDocument(ctx, doc); err != nil {
		return 0, err
	}
	webhooks := make([]webhook.Imported, len(doc.Webhooks))
	for i, w := range doc.Webhooks {
		webhooks[i] = webhook.Imported{Name: w.Config.Name, Patch: w.Patch, Secret: w.Secret}
	}
	return into.ImportWebhooks(ctx, organization, doc.Type, webhooks, s.Now())
}

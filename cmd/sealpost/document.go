package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"sealpost/internal/admin"
	"sealpost/internal/typo"
	"sealpost/internal/webhook"
)

// unusable is an error of the environment, with advice.
func unusable(message, hint string) error {
	return webhook.Errorf(webhook.CodeUnavailable, message).WithHint(hint)
}

// document reads an organization's webhooks from a file in YAML or JSON.
func (a *app) document(source string) (*admin.Document, error) {
	if source != "-" {
		source = "@" + source
	}
	text, err := a.body("--file", source)
	if err != nil {
		return nil, err
	}
	lines := documentLines{}
	if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] == '{' {
		if err := lines.json(text); err != nil {
			return nil, err
		}
	} else {
		value, err := oneDocument(text, lines)
		if err != nil {
			return nil, err
		}
		if text, err = json.Marshal(value); err != nil {
			return nil, &usageError{"the document can't be read: " + err.Error(), "keys are texts"}
		}
	}
	doc, err := admin.ParseDocument(text, lines.at)
	if err != nil {
		return nil, err
	}
	for _, w := range doc.Webhooks {
		for _, resource := range sortedKeys(w.Config.Routes) {
			if likely := typo.Nearest(resource, webhook.Members()); likely != "" && likely != resource {
				a.warn("%s: %q is taken for a resource of its own, with a URL for each action; did you mean %s?", w.Config.Name, resource, likely)
			}
		}
		if value := w.Secret.Reveal(); strings.HasPrefix(value, "@") || strings.HasPrefix(value, "env:") {
			a.warn("%s: its secret begins like the name of a file or a variable; a document holds secrets themselves, so these very characters sign", w.Config.Name)
		}
	}
	return doc, nil
}

// oneDocument reads YAML that is one document. Of a stream of several, those after
// the first would be left out, and with --prune their webhooks deleted.
func oneDocument(text []byte, lines documentLines) (value any, err error) {
	in := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var node yaml.Node
		var next any
		err := in.Decode(&node)
		if err == nil && value == nil {
			err = lines.yaml("", &node)
		}
		if err == nil {
			err = node.Decode(&next)
		}
		var doubled *usageError
		switch {
		case errors.Is(err, io.EOF):
			return value, nil
		case value != nil && (next != nil || err != nil):
			return nil, &usageError{"there is more than one YAML document in it", "put all webhooks under one `webhooks:`, or give each document by itself"}
		case errors.As(err, &doubled):
			return nil, err
		case err != nil:
			return nil, &usageError{"not YAML: " + err.Error(), "JSON is fine too"}
		case next != nil:
			value = next
		}
	}
}

func newWebhookExport(a *app) *cobra.Command {
	var withSecrets bool
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Print all webhooks of the organization as one document",
		Example: `  sealpost webhook export -o json
  sealpost webhook export --org acme --with-secrets -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			b, err := a.backend(ctx, false)
			if err != nil {
				return err
			}
			defer b.Close() //nolint:errcheck // nothing was written
			l, onFile := b.(*local)
			if withSecrets && !onFile {
				return &usageError{"secrets are never told by a server; --with-secrets is for the database file", ""}
			}
			doc := &admin.Document{Type: "integrator"}
			found, err := b.List(ctx, a.organization())
			if err != nil {
				return err
			}
			if len(found) == 0 {
				return webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("the organization %q has no webhooks", a.organization())).WithHint("--org names another one")
			}
			if onFile {
				o, err := l.store.Organization(ctx, a.organization())
				if err != nil {
					return err
				}
				doc.Type = o.Type
			}
			for _, w := range found {
				one := admin.Documented{Config: w.Config}
				for _, told := range hiddenFields(&w.Config) {
					a.warn("%s: its %s", w.Name, told)
				}
				if withSecrets {
					secrets, err := l.store.Secrets(ctx, a.organization(), w.Name)
					if err != nil {
						return err
					}
					one.Secret = secrets[0].Value
				}
				doc.Webhooks = append(doc.Webhooks, one)
			}
			text := doc.Marshal()
			if !a.json() {
				var value any
				if err := json.Unmarshal(text, &value); err != nil {
					return err
				}
				if text, err = yaml.Marshal(value); err != nil {
					return err
				}
				text = bytes.TrimSuffix(text, []byte("\n"))
			}
			return a.printText(string(text))
		},
	}
	cmd.Flags().BoolVar(&withSecrets, "with-secrets", false, "print the signing secrets too, to move a deployment")
	return cmd
}

func newWebhookImport(a *app) *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "import -f FILE",
		Short: "Store the webhooks of a document with their secrets, all or none",
		Long: `import reads the document that export prints, in JSON or YAML, and stores its webhooks
with the secrets that it tells. What is there already with the same configuration and
secret is left as it is; anything else is a conflict, and then nothing is stored.`,
		Example: `  sealpost webhook export --org acme --with-secrets -o json | sealpost webhook import --org acme-copy -f -
  echo '{"webhooks":{"orders":{"url":"https://receiver.example.com/hook"}}}' | sealpost webhook import -f -`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return &usageError{"--file is missing", "-f FILE names the document, -f - reads standard input"}
			}
			doc, err := a.document(file)
			if err != nil {
				return err
			}
			created, secrets, err := a.importDocument(cmd.Context(), doc)
			made := map[string]string{}
			for _, s := range secrets {
				made[s[0]] = s[1]
			}
			switch {
			case err != nil && secrets == nil:
				return err
			case err != nil && a.json(): // what was created before the fault; its secrets are shown this once
				return errors.Join(err, a.printJSON(map[string]any{"created": created, "organization": a.working.Slug, "secrets": made}))
			case err != nil:
				return errors.Join(err, a.printFields(secrets))
			case a.json():
				return a.printJSON(struct {
					Created      int               `json:"created"`
					Unchanged    int               `json:"unchanged"`
					Secrets      map[string]string `json:"secrets,omitempty"`
					Organization string            `json:"organization,omitempty"` // slug; empty on a server that does not say
				}{created, len(doc.Webhooks) - created, made, a.working.Slug})
			}
			if secrets != nil {
				a.say("the server made their secrets, shown this once:")
				if err := a.printFields(secrets); err != nil {
					return err
				}
			}
			a.say("organization %s: %d imported, %d there already", orTokens(a.working), created, len(doc.Webhooks)-created)
			return nil
		},
	}
	cmd.Flags().StringVarP(&file, "file", "f", "", "the document, YAML or JSON; - for standard input")
	return cmd
}

func (a *app) importDocument(ctx context.Context, doc *admin.Document) (created int, secrets [][2]string, err error) {
	c, err := a.config()
	if err != nil {
		return 0, nil, err
	}
	if c.Server != "" {
		secrets, err = a.importOnServer(ctx, doc)
		return len(secrets), secrets, err
	}
	l, err := a.localIn(ctx, true)
	if err != nil {
		return 0, nil, err
	}
	defer l.Close() //nolint:errcheck // the change is committed by then
	if created, err = l.Import(ctx, l.store, a.organization(), doc); err == nil && a.working.ID == "" {
		a.working, err = l.store.Organization(ctx, a.organization()) // made by it
	}
	return created, nil, err
}

// importOnServer creates a document's webhooks one by one, after a look that
// none of them is in the way, and returns their names with the secrets that the
// server has made, also of those that came before a fault.
func (a *app) importOnServer(ctx context.Context, doc *admin.Document) (secrets [][2]string, err error) {
	b, err := a.backend(ctx, false)
	if err != nil {
		return nil, err
	}
	defer b.Close() //nolint:errcheck // the changes are committed by then
	if _, err := a.planned(ctx, b); err != nil {
		return nil, err
	}
	steps, _, err := plan(ctx, a, b, doc, false)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		if s.Action == actionUpdate {
			return nil, webhook.Errorf(webhook.CodeConflict, fmt.Sprintf("there is a webhook %q already, and it differs", s.Name)).WithHint("change it with `sealpost webhook apply`; nothing was imported")
		}
	}
	err = carryOut(steps, func(s *step) error { return s.run(ctx, a, b) })
	for i := range steps {
		switch s := &steps[i]; {
		case s.Undone != "":
			a.say("%s was not imported: %s", s.Name, s.Undone)
		case s.Action == actionCreate:
			secrets = append(secrets, [2]string{s.Name, s.Secret})
		}
	}
	return secrets, err
}

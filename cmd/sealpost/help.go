package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/config"
	"sealpost/internal/typo"
)

// helpTemplate leads with what a reader pastes: the examples.
const helpTemplate = `{{.Short}}
{{if .HasExample}}
Examples:
{{.Example}}
{{end}}{{with .Long}}
{{. | trimTrailingWhitespaces}}
{{end}}
Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} COMMAND

Commands:{{range .Commands}}{{if (or .IsAvailableCommand (eq .Name "help"))}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Global flags:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}

Each setting is a flag as well; "sealpost help environment" lists them.{{end}}{{if .HasAvailableSubCommands}}

"{{.CommandPath}} COMMAND --help" shows a command's own help.{{end}}
`

// topics are the help texts that belong to no command.
var topics = map[string]string{
	"exit-codes": `Exit codes

    0  done; the verdict is positive
    1  the verdict is negative: a signature is invalid or stale, a delivery failed for good,
       doctor or db check found a fault, apply --exit-code a difference
    2  usage or invalid input, an unsafe URL among it
    3  no such thing
    4  conflict, or a confirmation is missing
    5  environment: database locked, missing or newer; daemon not reachable or busy (429, 503);
       configuration unreadable
    6  timed out, or it waits: for a webhook to be enabled, for a receipt; the outcome is not known yet
    7  stored, but no webhook wants it
    8  delivered, but an expectation failed
    9  not permitted
   70  a bug
  130  interrupted (SIGINT)
  143  terminated (SIGTERM)

A daemon that was asked to stop and stopped in order exits with 0.
`,
	"egress": `Which URLs may be called

Receivers are public https URLs. Refused, when a URL is stored and again for each
connection on the address really dialled: other schemes, user names in the URL, IP
addresses, single-label and internal names, ports that browsers block, and every
address that is not public unicast.

An operator can make exceptions, by flag, variable or configuration file:

  egress.allow       CIDR, CIDR:port, host name or *.name, separated by commas
  egress.allow_http  plain http too, to addresses and names that egress.allow admits
  egress.resolver    IP:port of the DNS server to ask
  egress.ca_file     extra root certificates (PEM)

A host name may lead to any address but a metadata service. *.corp.example admits every
name below corp.example, and not corp.example itself.

For a receiver of your own on this machine:

  sealpost serve --egress-allow 127.0.0.1/32:8443 --egress-ca-file ca.pem

Two kinds of receivers need a variable of the environment of sealpost:

  GODEBUG=tlsrsakex=1  the receiver knows only RSA key exchange (TLS 1.2 without
                       ECDHE); attempts fail with tls_error, "handshake failure"
  GODEBUG=tlsmlkem=0   a firewall on the way drops the large first message of a
                       handshake; attempts fail with timeout or connection_reset

Both count for every receiver. The first one gives up forward secrecy for that
receiver, so ask for a newer configuration there.

Whoever stores a URL asks, and so does the daemon that calls it: both need the exception,
so it belongs into the configuration file. What is allowed so is logged when the daemon
starts.
`,
	"output": `Output

Data goes to standard output, everything else to standard error.

  -o table   for people (the default)
  -o json    one JSON value; it always parses
  -o jsonl   one JSON value a line

With -o json or jsonl an error is {"error":{"code","message","hint","exit_code"}} on
standard error. Help and exact bytes become JSON too ({"help"}, {"body"}); completion
scripts alone stay what they are.

A pipe changes colours and padding, never the format; "sealpost listen" alone prints
JSON lines into one, unless -o says otherwise. Colours are off with NO_COLOR set and with
"--color never"; COLORFGBG says whether the background is light. Times are relative on a
terminal, RFC 3339 in data.
`,
	"ci": `In CI

A job sends a test delivery and branches on the answer:

  sealpost publish order.paid --data @order.json --direct \
    --expect-status 200 --expect-latency 2s --report junit=webhooks.xml

    0  delivered, and as expected
    1  the delivery failed for good
    6  the outcome is not known yet: the time was up (--timeout), or a webhook is disabled
    7  no webhook wants the event
    8  delivered, but an expectation failed

--direct needs no daemon; a target that is not registered needs no database either:

  sealpost publish order.paid --data @order.json --url "$HOOK_URL" --secret env:HOOK_SECRET

Under GitHub Actions (GITHUB_ACTIONS=true) each failure is an annotation too. The
receiver of a job usually runs on the job's own machine; allow it, and nothing else:

  SEALPOST_EGRESS_ALLOW=127.0.0.1/32:8080
  SEALPOST_EGRESS_ALLOW_HTTP=true

A whole purchase, event by event: sealpost publish --flow partial-capture --direct.
docs/ci.md has a job for GitHub Actions.
`,
	"signatures": `Signatures

Each request carries two:

  Signature            lower-case hex HMAC-SHA256 of the exact body
  webhook-id           the event's id
  webhook-timestamp    Unix seconds of this attempt
  webhook-signature    v1,<base64 HMAC-SHA256 of id.timestamp.body>, several separated by spaces

The key is the secret's text, all 64 characters, as UTF-8. A secret whsec_<base64>
means its decoded bytes instead. While a rotation overlaps, Signature keeps the old
secret and webhook-signature carries both.

verify-signature judges every scheme that a request carries, one line each: signature and
standard (the two above), github (X-Hub-Signature-256), stripe (Stripe-Signature), svix
(svix-signature) and ed25519 (v1a, in webhook-signature, with a public key whpk_…). The
request is valid if every scheme that could be judged is. A scheme without a key is
unjudged and changes nothing. Give --secret twice while a secret is rotated.

--request takes the request as you have it: raw HTTP, an event of Lambda or API Gateway,
HAR, Postman, webhook.site, ngrok, curl -v, a request copied as cURL, PowerShell or fetch,
CGI variables, or what sealpost listen and delivery get print.

A cause is proven when computing the signature under it gives exactly what was received.
With --framework express the fix shows the line to change in that web framework;
docs/frameworks.md has a whole receiver for each.

  sealpost verify-signature --body @body.json --secret @secret.txt -H 'Signature: …'
  sealpost verify-signature --request @request.har --webhook orders --tolerance none
  sealpost sign --body @body.json --secret @secret.txt --id evt_1
`,
}

// helpAsData has a command's help printed in the form that was asked for.
func (a *app) helpAsData(root *cobra.Command) {
	inner := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		if !a.json() {
			inner(cmd, args)
			return
		}
		var text bytes.Buffer
		cmd.SetOut(&text)
		inner(cmd, args)
		_ = a.printBytes("help", text.Bytes()) // nobody hears of a help that can't be written
	})
}

// newHelp is the help command: commands and topics.
func newHelp(a *app, root *cobra.Command) *cobra.Command {
	names := append(slices.Sorted(maps.Keys(topics)), "environment")
	return &cobra.Command{
		Use:   "help [COMMAND | TOPIC]",
		Short: "Show help on a command or a topic: " + strings.Join(names, ", "),
		Example: `  sealpost help publish
  sealpost help exit-codes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			if text, found := topics[args[0]]; found && len(args) == 1 {
				return a.printBytes("help", []byte(text))
			}
			if args[0] == "environment" && len(args) == 1 {
				return a.printBytes("help", []byte(environmentHelp()))
			}
			found, rest, err := root.Find(args)
			if err == nil && len(rest) > 0 && found != root && found.HasSubCommands() {
				return group(found, rest)
			}
			if err != nil || len(rest) > 0 || found == root {
				hint := "topics are " + strings.Join(names, ", ") + "; `sealpost --help` lists the commands"
				if likely := typo.Nearest(args[0], append(names, subcommands(root)...)); likely != "" {
					hint = "did you mean " + likely + "? " + hint
				}
				return &usageError{fmt.Sprintf("no help on %q", strings.Join(args, " ")), hint}
			}
			return found.Help()
		},
	}
}

// subcommands are the names of a command's own.
func subcommands(cmd *cobra.Command) (names []string) {
	for _, sub := range cmd.Commands() {
		names = append(names, sub.Name())
	}
	return names
}

// environmentHelp lists every setting with its variable and flag.
func environmentHelp() string {
	var out strings.Builder
	out.WriteString("Settings\n\nEach can be given as flag, as environment variable and in the configuration file\n(~/.config/sealpost/config.yaml, or --config FILE); flag > environment > file > default.\n")
	for _, s := range slices.Concat(config.Settings(), config.Globals()) {
		fmt.Fprintf(&out, "\n  %s\n      %s\n      --%s, %s", s.Key, s.Help, config.FlagName(s.Key), s.Env())
		if s.Default != "" {
			fmt.Fprintf(&out, " (default %s)", s.Default)
		}
		out.WriteByte('\n')
	}
	return out.String()
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

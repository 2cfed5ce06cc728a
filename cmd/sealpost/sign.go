package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/signature"
	"sealpost/internal/webhook"
)

func newSign(a *app) *cobra.Command {
	var body, secretSource, id, at string
	cmd := &cobra.Command{
		Use:   "sign --secret SRC",
		Short: "Sign a body, to compare with what your own code computes",
		Example: `  sealpost sign --body '{"test": 2432232314}' --secret whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw
  printf '{"a":1}' | sealpost sign --secret 0123456789abcdef0123456789abcdef --id evt_1 --at 2026-01-05T10:20:30Z`,
		RunE: func(*cobra.Command, []string) error {
			if secretSource == "" {
				return &usageError{"--secret is missing", "--secret @FILE, - or env:NAME says what to sign with"}
			}
			if secretSource == "-" && body == "-" {
				return &usageError{"--secret - and --body - can't both read standard input", "read one of them from a file"}
			}
			value, err := a.signingSecret("--secret", secretSource)
			if err != nil {
				return err
			}
			text, err := a.body("--body", body)
			if err != nil {
				return err
			}
			signed := [][2]string{{signature.HeaderSignature, signature.Hex(value.Key(), text)}}
			if id != "" {
				if !webhook.ValidEventID(id) {
					return &usageError{fmt.Sprintf("--id %q is not 1 to 200 printable ASCII characters without dot or space", id), ""}
				}
				when, err := a.instant(at)
				if err != nil {
					return err
				}
				signed = append(signed,
					[2]string{signature.HeaderID, id},
					[2]string{signature.HeaderTimestamp, strconv.FormatInt(when.Unix(), 10)},
					[2]string{signature.HeaderStandard, signature.Standard(value.Key(), id, when.Unix(), text)})
			} else if at != "" {
				return &usageError{"--at needs --id: only the Standard Webhooks triple carries a time", ""}
			}
			if a.json() {
				members := make([]webhook.Member, len(signed))
				for i, h := range signed {
					members[i] = webhook.Member{Key: h[0], Value: h[1]}
				}
				return a.printJSON(rawJSON(webhook.MarshalMembers(members)))
			}
			for _, h := range signed {
				if err := a.print("%s: %s", h[0], h[1]); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&body, "body", "-", "the exact body: @FILE, - or the body itself")
	cmd.Flags().StringVar(&secretSource, "secret", "", "what signs: @FILE, -, env:NAME or the secret")
	cmd.Flags().StringVar(&id, "id", "", "event id; with it the Standard Webhooks triple is printed too")
	cmd.Flags().StringVar(&at, "at", "", "time of signing, RFC 3339 or Unix seconds (now)")
	return cmd
}

// instant reads a time: RFC 3339, Unix seconds, or nothing for now.
func (a *app) instant(text string) (time.Time, error) {
	if text == "" {
		return a.now(), nil
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds >= 0 && seconds < 1<<38 {
		return time.Unix(seconds, 0), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, &usageError{fmt.Sprintf("--at %q is no time", text), "write 2026-01-05T10:20:30Z or Unix seconds"}
	}
	return t, nil
}

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"sealpost/internal/admin"
	"sealpost/internal/config"
	"sealpost/internal/webhook"
)

func newWebhookRotate(a *app) *cobra.Command {
	var overlap, secretSource string
	var now bool
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Replace a webhook's secret; the old one signs too for a day",
		Long: `rotate makes a new secret, or takes --secret, and prints it. During the overlap the header
Signature goes on with the old one, and webhook-signature carries both: whoever verifies
Signature changes over when the overlap ends, whoever verifies webhook-signature at any time
before. While an overlap lasts, another rotation is refused (exit 4) unless --now is given,
which drops every old secret at once: for one that has leaked.`,
		Example: `  sealpost webhook rotate orders
  sealpost webhook rotate orders --overlap 3d --secret @new-secret.txt
  sealpost webhook rotate orders --now`,
		Args:              exactly("NAME"),
		ValidArgsFunction: a.completeWebhooks,
		RunE: func(cmd *cobra.Command, args []string) error {
			rotation := webhook.Rotation{Overlap: webhook.DefaultOverlap, Force: now}
			if now {
				rotation.Overlap = 0
			}
			if cmd.Flags().Changed("overlap") {
				d, err := config.ParseDuration(overlap)
				if err != nil || d < 0 || d > webhook.KeepRotated {
					return &usageError{fmt.Sprintf("--overlap %q is not a time from 0 to 30d, such as 12h or 2d", overlap), ""}
				}
				rotation.Overlap = d
			}
			if cmd.Flags().Changed("secret") {
				value, err := a.signingSecret("--secret", secretSource)
				if err != nil {
					return err
				}
				rotation.Secret = value
			}
			l, err := a.backend(cmd.Context(), false)
			if err != nil {
				return err
			}
			defer l.Close() //nolint:errcheck // the change is committed by then
			rotated, err := l.Rotate(cmd.Context(), a.organization(), args[0], rotation)
			if err != nil {
				return err
			}
			if a.json() {
				return a.printJSON(rotatedJSON(args[0], rotated))
			}
			if a.quiet {
				return a.print("%s", rotated.Secret.Reveal())
			}
			a.say("%s has a new secret, shown this once:", args[0])
			return a.printFields([][2]string{{"secret", rotated.Secret.Reveal()}, {"old secret until", a.when(rotated.PreviousUntil)}})
		},
	}
	cmd.Flags().StringVar(&overlap, "overlap", "24h", "how long the old secret goes on signing")
	cmd.Flags().BoolVar(&now, "now", false, "drop the old secret at once, also one that overlaps still")
	cmd.Flags().StringVar(&secretSource, "secret", "", "use this secret instead of a new one: @FILE, -, env:NAME or the secret")
	cmd.MarkFlagsMutuallyExclusive("overlap", "now")
	return cmd
}

func rotatedJSON(name string, r admin.Rotated) any {
	return struct {
		Name          string `json:"name"`
		Secret        string `json:"secret"`
		PreviousUntil string `json:"previousUntil"`
	}{name, r.Secret.Reveal(), webhook.Timestamp(r.PreviousUntil)}
}

package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"sealpost/internal/webhook"
)

// eachFlag calls do with every part of a field that has a flag.
func eachFlag(do func(f *webhook.Field, part *webhook.Part) error) error {
	for i := range webhook.Fields {
		f := &webhook.Fields[i]
		for n := range f.Parts {
			if f.Parts[n].Flag == "" {
				continue
			}
			if err := do(f, &f.Parts[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// addFieldFlags adds the flags of the table [webhook.Fields].
func addFieldFlags(cmd *cobra.Command) {
	_ = eachFlag(func(_ *webhook.Field, part *webhook.Part) error { // this one never fails
		switch part.FlagType() {
		case "int":
			cmd.Flags().Int(part.Flag, 0, part.Help)
		case "float64":
			cmd.Flags().Float64(part.Flag, 0, part.Help)
		case "bool":
			cmd.Flags().Bool(part.Flag, false, part.Help)
		case "stringArray":
			cmd.Flags().StringArray(part.Flag, nil, part.Help)
		default:
			cmd.Flags().String(part.Flag, "", part.Help)
		}
		return nil
	})
}

// fieldFlags adds the flags of the table that were given to a change.
func fieldFlags(cmd *cobra.Command, p *webhook.Patch) error {
	p.Flags = true
	return eachFlag(func(f *webhook.Field, part *webhook.Part) error {
		if !cmd.Flags().Changed(part.Flag) {
			return nil
		}
		given := []string{cmd.Flags().Lookup(part.Flag).Value.String()}
		if part.FlagType() == "stringArray" {
			var err error
			if given, err = cmd.Flags().GetStringArray(part.Flag); err != nil {
				return err
			}
		}
		if need := p.Set(f, part, part.FromFlag(given)); need != "" {
			text := strings.Join(given, " ")
			return usagef("--%s %s is no %s", part.Flag, text[:min(len(text), 80)], need)
		}
		return nil
	})
}

// hiddenFields says what a document can't hold of a webhook, because a resource group
// has the name of the field; it is empty when there is nothing.
func hiddenFields(c *webhook.Config) (told []string) {
	for i := range webhook.Fields {
		f := &webhook.Fields[i]
		if !f.Hidden(c) {
			continue
		}
		var flags []string
		for _, part := range f.Parts {
			if raw := part.Plain(c); raw != "" {
				flags = append(flags, "--"+part.Flag+" "+raw)
			}
		}
		told = append(told, fmt.Sprintf("%s stay in force and are not in the document, because the webhook has URLs for a resource of this name; "+
			"after an import set them with `sealpost webhook update %s %s`", f.Name, c.Name, strings.Join(flags, " ")))
	}
	return told
}

package main

import (
	"context"
	"encoding/json"

	"sealpost/internal/admin"
	"sealpost/internal/webhook"
)

// previewWebhook says what creating would do.
func (a *app) previewWebhook(ctx context.Context, name string, patch *webhook.Patch) error {
	g, err := a.newGuard()
	if err != nil {
		return err
	}
	defer g.Close()
	verdicts := (&admin.Service{Guard: judge{g}}).CheckURLs(ctx, patch)
	refused := false
	for _, v := range verdicts {
		refused = refused || !v.Allowed
	}
	if err := a.printPreview(name, patch, verdicts); err != nil {
		return err
	}
	if refused {
		return verdict{exitUsage}
	}
	return nil
}

func (a *app) printPreview(name string, patch *webhook.Patch, verdicts []admin.Verdict) error {
	config, err := patch.Apply(webhook.Config{Name: name})
	if err != nil {
		return err
	}
	if a.json() {
		type row struct {
			URL     string `json:"url"`
			Verdict string `json:"verdict"`
			Reason  string `json:"reason"`
			Message string `json:"message"`
		}
		rows := make([]row, len(verdicts))
		for i, v := range verdicts {
			rows[i] = row{v.URL, verdictWord(v), v.Reason, v.Message}
		}
		return a.printJSON(json.RawMessage(webhook.MarshalMembers(append([]webhook.Member{{Key: "name", Value: name}, {Key: "urls", Value: rows}}, config.Shown()...))))
	}
	a.say("nothing was stored; this is what would be:")
	if err := a.printFields(configFields(&config)); err != nil {
		return err
	}
	rows := make([][]string, len(verdicts))
	for i, v := range verdicts {
		rows[i] = []string{v.URL, verdictWord(v), v.Reason, v.Message}
	}
	return a.printTable([]string{"URL", "VERDICT", "REASON", "MESSAGE"}, rows)
}

func verdictWord(v admin.Verdict) string {
	if v.Allowed {
		return "allow"
	}
	return "deny"
}

package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"sealpost/internal/deliver"
	"sealpost/internal/guard"
	"sealpost/internal/webhook"
	"sealpost/internal/wire"
)

// preview is what publishing would do, for one webhook or URL.
type preview struct {
	Webhook string            `json:"webhook"`
	Match   bool              `json:"match"`
	Why     string            `json:"why"`
	URL     string            `json:"url,omitempty"`
	Verdict string            `json:"verdict,omitempty"`
	Reason  string            `json:"reason,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
}

// dryRun is what publishing an event would do.
type dryRun struct {
	ID       string    `json:"id"`
	Webhooks []preview `json:"webhooks"`
	Body     string    `json:"body"`
	Attempts []string  `json:"attempts"` // when, if all of them fail at once

	timetable []time.Time
}

// previewPublish shows what would be sent where, and when.
func (a *app) previewPublish(ctx context.Context, f *publishFlags, draft *webhook.Draft) error {
	run, err := a.rehearse(ctx, f, draft)
	if err != nil {
		return err
	}
	if f.print != "" {
		return a.printRequests(f.print, run.Webhooks, []byte(run.Body))
	}
	if err := a.printDryRun(run); err != nil {
		return err
	}
	return run.verdict()
}

// rehearse does everything that publishing does, but for storing and sending.
func (a *app) rehearse(ctx context.Context, f *publishFlags, draft *webhook.Draft) (*dryRun, error) {
	g, err := a.newGuard()
	if err != nil {
		return nil, err
	}
	defer g.Close()
	if err := a.validate(draft); err != nil {
		return nil, err
	}
	now := a.now().UTC().Truncate(time.Millisecond)
	if draft.ID == "" {
		draft.ID = webhook.NewEventID(now)
	}
	body := draft.Build(now)
	if draft.Await {
		a.say("it would be held first, and go out with its receipt in it once that is known")
	}
	receivers, err := a.receivers(ctx, f)
	if err != nil {
		return nil, err
	}
	run := &dryRun{ID: draft.ID, Webhooks: make([]preview, len(receivers)), Body: string(body)}
	for i, r := range receivers {
		run.Webhooks[i] = a.previewOne(ctx, g, f, r, draft, now, body)
	}
	p := policy(a.conf)
	if f.here() {
		p.Retries = f.attempts - 1
	}
	run.timetable = p.Timetable(now)
	for _, t := range run.timetable {
		run.Attempts = append(run.Attempts, webhook.Timestamp(t))
	}
	return run, nil
}

// verdict is the exit code that publishing would have.
func (d *dryRun) verdict() error {
	switch {
	case slices.ContainsFunc(d.Webhooks, func(p preview) bool { return p.Match && p.Verdict == "deny" }):
		return verdict{exitUsage}
	case !slices.ContainsFunc(d.Webhooks, func(p preview) bool { return p.Match }):
		return verdict{exitUnwanted}
	}
	return nil
}

// receivers lists the webhooks, or the one target that --url names.
func (a *app) receivers(ctx context.Context, f *publishFlags) ([]*webhook.Receiver, error) {
	if f.url != "" {
		value, err := a.signingSecret("--secret", f.secret)
		if err != nil {
			return nil, err
		}
		return []*webhook.Receiver{target(f.url, value)}, nil
	}
	if err := a.onFile("publish --dry-run"); err != nil {
		return nil, err
	}
	l, err := a.localIn(ctx, false)
	if err != nil {
		return nil, err
	}
	defer l.Close() //nolint:errcheck // nothing was written
	found, err := l.List(ctx, a.organization())
	if err != nil {
		return nil, err
	}
	receivers := make([]*webhook.Receiver, len(found))
	for i, w := range found {
		if receivers[i], err = l.store.Receiver(ctx, w.Seq); err != nil {
			return nil, err
		}
	}
	for _, name := range f.to {
		if !slices.ContainsFunc(found, func(w webhook.Webhook) bool { return w.Name == name }) {
			return nil, webhook.Errorf(webhook.CodeNotFound, fmt.Sprintf("no webhook %q", name)).WithHint("`sealpost webhook list` shows their names")
		}
	}
	return receivers, nil
}

func (a *app) previewOne(ctx context.Context, g *guard.Guard, f *publishFlags, r *webhook.Receiver, draft *webhook.Draft, now time.Time, body []byte) preview {
	p := preview{Webhook: r.Name, Match: true, Why: "it wants everything"}
	switch {
	case f.url != "":
		p.Why = "named by --url"
	case f.to != nil && !slices.Contains(f.to, r.Name):
		p.Match, p.Why = false, "not named by --to"
	case !r.Wants(draft.Type()):
		p.Match, p.Why = false, "it wants only "+strings.Join(r.Only, ", ")
	case !r.Everything():
		p.Why = "it wants " + strings.Join(r.Only, ", ")
	}
	if p.Match && r.Disabled {
		p.Why += "; it is disabled, so the delivery is parked"
		if f.direct {
			p.Why += ", and cancelled at the end"
		}
	}
	if !p.Match {
		return p
	}
	p.URL = r.URLFor(draft.Type())
	v := judge{g}.Check(ctx, p.URL)
	p.Verdict, p.Reason = verdictWord(v), v.Reason
	p.Headers = map[string]string{}
	if u, err := webhook.ParseURL(p.URL); err == nil {
		signed := deliver.SignFor(r, now).Sign(draft.ID, now, body)
		for name, values := range deliver.NewRequest(ctx, u, userAgent(), signed, body).Header {
			p.Headers[name] = values[0]
		}
	}
	return p
}

// nothingSent is said before what a dry run shows.
const nothingSent = "nothing was stored or sent; this is what would be:"

func (a *app) printDryRun(run *dryRun) error {
	if a.json() {
		return a.printJSON(run)
	}
	a.say(nothingSent)
	if err := a.printRehearsed(run); err != nil {
		return err
	}
	return a.printTimetable(run.timetable)
}

// printRehearsed shows where an event would go, and its bytes.
func (a *app) printRehearsed(run *dryRun) error {
	if len(run.Webhooks) == 0 {
		a.say("there are no webhooks, so nobody would get it")
	} else if err := a.printPreviews(run.Webhooks); err != nil {
		return err
	}
	return a.print("\nbody, %d bytes:\n%s", len(run.Body), run.Body)
}

func (a *app) printPreviews(previews []preview) error {
	rows := make([][]string, len(previews))
	for i, p := range previews {
		match := "no"
		if p.Match {
			match = "yes"
		}
		rows[i] = []string{p.Webhook, match, p.Why, p.URL, strings.TrimSpace(p.Verdict + " " + p.Reason)}
	}
	if err := a.printTable([]string{"WEBHOOK", "MATCH", "WHY", "URL", "VERDICT"}, rows); err != nil {
		return err
	}
	for _, p := range previews {
		if p.Match {
			if err := a.print("\nPOST %s\n%s", p.URL, headerLines(p.Headers, "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *app) printTimetable(timetable []time.Time) error {
	if err := a.print("\nattempts, if all fail at once (jitter not counted):"); err != nil {
		return err
	}
	for i, t := range timetable {
		if err := a.print("  %2d  %s  %s", i+1, webhook.Timestamp(t), "+"+t.Sub(timetable[0]).String()); err != nil {
			return err
		}
	}
	return nil
}

// printRequests prints each request as curl, raw HTTP or JSON would have it.
func (a *app) printRequests(form string, previews []preview, body []byte) error {
	requests := []request{}
	for _, p := range previews {
		if !p.Match {
			continue
		}
		requests = append(requests, requestOf(p, body))
		if a.json() {
			continue
		}
		if err := a.printRequest(form, p, body); err != nil {
			return err
		}
	}
	if a.json() {
		if err := printList(a, requests); err != nil {
			return err
		}
	}
	if len(requests) == 0 {
		a.say("no webhook wants it")
		return verdict{exitUnwanted}
	}
	return nil
}

// request is a request as data.
type request struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
}

func requestOf(p preview, body []byte) request {
	return request{"POST", p.URL, p.Headers, string(body)}
}

func (a *app) printRequest(form string, p preview, body []byte) error {
	switch form {
	case "json":
		return a.printJSON(requestOf(p, body))
	case "http":
		u, err := calledURL(p.URL)
		if err != nil {
			return err
		}
		end, length := "\r\n", len(body)
		headers := headerLines(p.Headers, end)
		if isTerminal(a.streams.out) { // no program reads it
			end, headers, body = "\n", escaped(headerLines(p.Headers, "\n")), []byte(escaped(string(body)))
		}
		_, err = fmt.Fprint(a.streams.out, strings.Join([]string{"POST " + wire.Target(u) + " HTTP/1.1", "Host: " + escaped(u.Host), headers,
			fmt.Sprintf("Content-Length: %d", length), "", string(body)}, end))
		return err
	default:
		u, err := calledURL(p.URL)
		if err != nil {
			return err
		}
		lines := []string{"curl" + curlOptions(u) + " -X POST " + shellQuote(u.Scheme+"://"+u.Host+wire.Target(u))}
		for _, name := range sortedKeys(p.Headers) {
			lines = append(lines, "-H "+shellQuote(name+": "+p.Headers[name]))
		}
		lines = append(lines, "--data-binary "+shellQuote(string(body)))
		return a.printText(strings.Join(lines, " \\\n  "))
	}
}

// calledURL is a URL as it is called: the name of its host in ASCII.
func calledURL(text string) (*url.URL, error) {
	u, err := webhook.ParseURL(text)
	if err != nil {
		return nil, usagef("%s is not a URL", text)
	}
	if host, err := httpguts.PunycodeHostPort(u.Host); err == nil {
		u.Host = host
	}
	return u, nil
}

// curlOptions keep curl from reading a URL otherwise than it is written: it takes dot
// segments out of a path, and braces and brackets for patterns.
func curlOptions(u *url.URL) (options string) {
	target := wire.Target(u)
	path, _, _ := strings.Cut(target, "?")
	if strings.Contains(path, "/.") || strings.Contains(strings.ToLower(path), "/%2e") {
		options += " --path-as-is"
	}
	if strings.ContainsAny(target, "{}[]") {
		options += " --globoff"
	}
	return options
}

func headerLines(headers map[string]string, end string) string {
	lines := make([]string, 0, len(headers))
	for _, name := range sortedKeys(headers) {
		lines = append(lines, name+": "+headers[name])
	}
	return strings.Join(lines, end)
}

// shellQuote quotes a word for POSIX shells.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

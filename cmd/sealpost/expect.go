package main

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sealpost/internal/config"
	"sealpost/internal/webhook"
)

// expectFlags are what deliveries are held against.
type expectFlags struct {
	status, latency string
	statuses        []string
	most            time.Duration
	contains        []string
	count           int
	counted         bool
	refused         bool
}

func (f *expectFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.status, "expect-status", "", "the last attempt of each delivery has one of these statuses, such as 200,202 or 2xx")
	cmd.Flags().StringVar(&f.latency, "expect-latency", "", "it took no longer than this, such as 500ms")
	cmd.Flags().StringArrayVar(&f.contains, "expect-body-contains", nil, "its answer's body contains this text (may be repeated)")
	cmd.Flags().BoolVar(&f.refused, "expect-refused", false, "the receiver refuses: the status is a 4xx, or one of --expect-status; then a failed delivery is exit 0")
	cmd.Flags().IntVar(&f.count, "expect-count", 0, "so many deliveries of the event are delivered")
}

func (f *expectFlags) any() bool {
	return f.statuses != nil || f.most > 0 || f.contains != nil || f.counted || f.refused
}

func (f *expectFlags) check(cmd *cobra.Command) error {
	f.counted = cmd.Flags().Changed("expect-count")
	if f.counted && f.count < 0 {
		return usagef("--expect-count %d is less than none", f.count)
	}
	if cmd.Flags().Changed("expect-status") {
		for text := range strings.SplitSeq(f.status, ",") {
			text = strings.ToLower(strings.TrimSpace(text))
			digits := strings.ReplaceAll(text, "x", "0")
			if n, err := strconv.Atoi(digits); err != nil || n < 100 || n > 599 || len(text) != 3 || strings.HasPrefix(text, "x") {
				return &usageError{fmt.Sprintf("--expect-status %q is no list of statuses", f.status), "for instance 200,202 or 2xx"}
			}
			f.statuses = append(f.statuses, text)
		}
	}
	if cmd.Flags().Changed("expect-latency") {
		d, err := config.ParseDuration(f.latency)
		if err != nil || d <= 0 {
			return &usageError{fmt.Sprintf("--expect-latency %q is no time such as 500ms", f.latency), ""}
		}
		f.most = d
	}
	if f.refused && f.statuses == nil {
		f.statuses = []string{"4xx"}
	}
	if f.refused && slices.ContainsFunc(f.statuses, func(s string) bool { return s[0] == '2' }) {
		return &usageError{fmt.Sprintf("--expect-status %s accepts, and --expect-refused wants a refusal", f.status), "for instance --expect-refused --expect-status 401"}
	}
	for _, text := range f.contains {
		if text == "" {
			return usagef("--expect-body-contains is empty, which every body contains")
		}
	}
	return nil
}

// expectation is one thing that was expected, of a delivery or of the event
// when delivery is negative, and whether it came so.
type expectation struct {
	delivery int
	what     string // status, latency, body or count
	expected string
	got      string
	met      bool
}

type expectationJSON struct {
	Delivery string `json:"delivery,omitempty"`
	What     string `json:"what"`
	Expected string `json:"expected"`
	Got      string `json:"got"`
	Met      bool   `json:"met"`
}

func (e expectation) String() string {
	return fmt.Sprintf("%s: expected %s, got %s", e.what, e.expected, e.got)
}

// judge notes on an event what was expected of it, and what of that came.
func (f *expectFlags) judge(p *published) {
	p.refused = f.refused
	p.expected = f.weigh(p)
}

// weigh holds what came of an event against what was expected.
func (f *expectFlags) weigh(p *published) (all []expectation) {
	delivered := 0
	for i := range p.deliveries {
		d := &p.deliveries[i]
		if d.State == webhook.Delivered {
			delivered++
		}
		if len(d.Attempts) == 0 {
			if f.statuses != nil || f.most > 0 || f.contains != nil {
				all = append(all, expectation{i, "status", "an attempt", "none; the delivery is " + string(d.State), false})
			}
			continue
		}
		last := d.Attempts[len(d.Attempts)-1]
		if f.statuses != nil {
			all = append(all, expectation{i, "status", strings.Join(f.statuses, " or "), statusText(last), f.wantsStatus(last.Status)})
		}
		if f.most > 0 {
			all = append(all, expectation{i, "latency", "at most " + f.most.String(), last.Duration.Round(time.Microsecond).String(), last.Duration <= f.most})
		}
		for _, text := range f.contains {
			all = append(all, expectation{i, "body", strconv.Quote(text), fmt.Sprintf("%.200q", last.Response), bytes.Contains(last.Response, []byte(text))})
		}
	}
	if f.counted {
		all = append(all, expectation{-1, "count", strconv.Itoa(f.count) + " delivered", strconv.Itoa(delivered), delivered == f.count})
	}
	return all
}

func (f *expectFlags) wantsStatus(status int) bool {
	text := strconv.Itoa(status)
	for _, want := range f.statuses {
		if len(text) == len(want) && strings.HasPrefix(text, strings.TrimRight(want, "x")) {
			return true
		}
	}
	return false
}

func statusText(a webhook.Attempt) string {
	if a.Status == 0 {
		return "no answer (" + a.Error + ")"
	}
	return strconv.Itoa(a.Status)
}

func viewExpectations(all []expectation, deliveries []deliveryJSON) (out []expectationJSON) {
	for _, e := range all {
		v := expectationJSON{What: e.what, Expected: e.expected, Got: e.got, Met: e.met}
		if e.delivery >= 0 {
			v.Delivery = deliveries[e.delivery].ID
		}
		out = append(out, v)
	}
	return out
}

// unmet counts what was expected and did not come.
func unmet(all []expectation) (n int) {
	for _, e := range all {
		if !e.met {
			n++
		}
	}
	return n
}

// conclude says what was expected in vain, writes the report, and answers with
// the exit code that everything amounts to.
func (a *app) conclude(f *publishFlags, all []*published, err error) error {
	if err == nil {
		err = a.amount(f, all)
	}
	if f.report != "" {
		written := writeSuite(f.report, junit(all, err))
		if written != nil && err != nil {
			a.warn("%v", written) // what was published decides about the exit code
		} else if written != nil {
			err = written
		}
	}
	if f.wait || f.here() {
		a.annotate(all, err)
	}
	return err
}

func (a *app) amount(f *publishFlags, all []*published) error {
	failed, unwanted, unexpected, missed := false, len(all) > 0, 0, 0
	var parked, held []string
	for _, p := range all {
		if p.state == webhook.Held {
			held = append(held, p.id)
		}
		failed = failed || p.failed()
		unwanted = unwanted && p.unwanted()
		unexpected += unmet(p.expected)
		missed += p.missed
		parked = append(parked, p.parked()...)
		for _, e := range p.expected {
			if !e.met {
				a.say("%s %s%s", a.style(styleError, "not as expected:"), p.target(e), e)
			}
		}
	}
	for _, p := range all {
		switch {
		case !f.wait || f.expect.counted:
		case p.state == webhook.Reverted:
			a.say("%s: its transaction failed on chain, so it is never sent", p.id)
			failed = true
		case p.state == webhook.Expired:
			a.say("%s: no receipt came in time; `sealpost event receipt %s` can still complete it", p.id, p.id)
			return verdict{exitTimeout}
		}
	}
	if missed > 0 && !f.expect.counted {
		a.say("stored, but not for %d disabled webhook%s: limits.parked is reached; when enabled, `sealpost event resend --missing` sends what they missed", missed, plural(missed))
	}
	switch {
	case failed:
		return verdict{exitNegative}
	case parked != nil && (f.wait || f.here()) && !f.expect.counted:
		slices.Sort(parked)
		for _, name := range slices.Compact(parked) {
			a.say("%s is disabled, so its delivery waits; `sealpost webhook update %s --enable` lets it go out", name, name)
		}
		return verdict{exitTimeout}
	case missed > 0 && (f.wait || f.here()) && !f.expect.counted:
		return verdict{exitTimeout}
	case held != nil && (f.wait || f.here()) && !f.expect.counted:
		a.say("held until a receipt comes, its own or that of an earlier event of its transaction: %s; `sealpost event list --state held` shows what waits", strings.Join(held, ", "))
		return verdict{exitTimeout}
	case held != nil && !f.expect.counted:
		a.say("held until a receipt comes, its own or that of an earlier event of its transaction; `sealpost event get %s` shows for how long", held[0])
	case unwanted && !f.expect.counted:
		a.say("stored, but no webhook wants it; `sealpost webhook list` shows them")
		return verdict{exitUnwanted}
	case unexpected > 0:
		return verdict{exitExpectation}
	}
	return nil
}

// target names the delivery that an expectation is about.
func (p *published) target(e expectation) string {
	if e.delivery < 0 {
		return ""
	}
	return p.deliveryName(e.delivery) + ": "
}

// deliveryName names a delivery by its webhook, or by the host it went to.
func (p *published) deliveryName(i int) string {
	d := &p.deliveries[i]
	if d.Webhook != "" {
		return d.Webhook
	}
	return hostOf(d.URL)
}

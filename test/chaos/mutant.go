package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// seeded is a bug that is built into the program on purpose, to see that it is
// caught: by a scenario of this program, or by a test of the package.
type seeded struct {
	name     string
	file     string // of the tree
	from, to string // what stands there once, and what is put in its place
	scenario string
	test     string // package and pattern
}

var bugs = []seeded{
	{
		"acknowledge before commit", "internal/store/writer.go",
		"if err = s.control(`COMMIT`); err == nil {",
		"for _, op := range batch {\nif !op.patient && !op.separate {\nop.done <- nil\n}\n}\ntime.Sleep(20 * time.Millisecond)\nif err = s.control(`COMMIT`); err == nil {",
		"kill", "",
	},
	{
		"acknowledge what did not fit", "internal/store/writer.go",
		"if err = s.control(`COMMIT`); err == nil {", "if err = s.exec(`COMMIT`); err == nil || !Busy(err) && s.control(`ROLLBACK`) != errClosed {",
		"full", "",
	},
	{
		"back up without the log", "internal/store/backup.go",
		"	db, err := connect(database, true)\n", "	db, err := sql.Open(\"sqlite\", dsn(database, \"mode\", \"ro\", \"immutable\", \"1\"))\n",
		"backups", "",
	},
	{
		"prune what waits for a retry", "internal/store/prunewalk.go",
		"d.state = 0 AND (w.deleted_at IS NULL", "d.state = 9 AND (w.deleted_at IS NULL",
		"retention", "",
	},
	{
		"prune the body of what is pending", "internal/store/prunewalk.go",
		"case e.kept || busy[e.seq]:", "case e.kept || busy[e.seq] && w.stage.name != \"bodies\":",
		"", "./internal/store TestStagesOfRetention",
	},
	{
		"count an attempt anew when recording is tried again", "internal/store/finish.go",
		"claim = claim + 1, attempts", "attempts",
		"", "./internal/store TestFinishCountsOnlyUnderItsClaim",
	},
	{
		"finish without the claim", "internal/store/finish.go",
		"at = ?, duration = ?, status = ?, error = ?, url = ?\n\t\tWHERE webhook = ? AND event = ? AND run = ? AND state = 0 AND claim = ?",
		"at = ?, duration = ?, status = ?, error = ?, url = ?\n\t\tWHERE webhook = ? AND event = ? AND run = ? AND ? >= 0",
		"", "./internal/store TestFinishCountsOnlyUnderItsClaim",
	},
	{
		"forget that it was delivered", "internal/deliver/attempt.go",
		"e.recorder.record(outcome)", "if outcome.State == webhook.Delivered && work.Attempts == 0 {\noutcome.State, outcome.Due = webhook.Pending, outcome.Attempt.At\n}\ne.recorder.record(outcome)",
		"second", "",
	},
	{
		"retry at once", "internal/deliver/decide.go",
		"outcome.Due = upward(now.Add(policy.Wait(retry, rnd)))", "outcome.Due = upward(now.Add(policy.Wait(retry, rnd) / 4))",
		"receivers", "",
	},
	{
		"sign other bytes", "internal/deliver/sender.go",
		"signer.Sign(work.EventID, began, work.Bytes)", "signer.Sign(work.EventID, began, work.Bytes[1:])",
		"second", "",
	},
	{
		"guard only at store time", "internal/guard/dial.go",
		"reason := g.judgeAddress(d, addr)\n", "reason := g.judgeAddress(d, addr)\nreason = \"\"\n",
		"", "./internal/guard TestClientDialsWhatItJudged",
	},
	{
		"follow redirects", "internal/guard/client.go",
		"func noRedirect(*http.Request, []*http.Request) error { return", "func noRedirect(_ *http.Request, via []*http.Request) error {\nif len(via) < 3 {\nreturn nil\n}\nreturn",
		"", "./internal/guard TestClientFollowsNothing",
	},
	{
		"send before the commit", "internal/store/writer.go",
		"if err = s.control(`COMMIT`); err == nil {",
		"for _, op := range batch {\nif op.after != nil {\nop.after()\nop.after = nil\n}\n}\ntime.Sleep(20 * time.Millisecond)\nif err = s.control(`COMMIT`); err == nil {",
		"kill", "",
	},
	{
		"secret and URL looked up once", "internal/deliver/receiver.go",
		"known := l.receiver != nil && l.revision == revision &&", "known := l.receiver != nil &&",
		"change", "",
	},
	{
		"call a disabled webhook", "internal/deliver/receiver.go",
		"if l.receiver.Deleted || l.receiver.Disabled {", "if l.receiver.Deleted {",
		"change", "",
	},
	{
		"call a deleted webhook", "internal/deliver/receiver.go",
		"if l.receiver.Deleted || l.receiver.Disabled {", "if l.receiver.Disabled {",
		"", "./internal/deliver TestDeletedWebhookGetsNothing",
	},
	{
		"sign with what was dropped as well", "internal/deliver/receiver.go",
		"		case s.Ends.After(now):\n", "		case !s.Ends.After(now):\nkeys.Standard = append(keys.Standard, s.Value.Key())\n		case s.Ends.After(now):\n",
		"change", "",
	},
	{
		"disable whoever fails for long", "internal/webhook/health.go",
		"at.Sub(h.Since) >= after && h.Failures >= DisableFailures && h.Hours >= DisableHours", "at.Sub(h.Since) >= after",
		"", "./internal/deliver TestDisablingRule",
	},
	{
		"record the outcome of another delivery", "internal/store/finish.go",
		"stale, disabled = nil, false\n", "stale, disabled = nil, false\nif a, z := outcomes[0], outcomes[len(outcomes)-1]; a.State != z.State {\na.Work, z.Work = z.Work, a.Work\n}\n",
		"kill", "",
	},
	{
		"all retries are due at a start", "internal/deliver/engine.go",
		"e.fed = max(e.fed, last)\n	for _, b := range backlogs {\n		l := e.laneLocked(b.Webhook)\n",
		"e.fed = max(e.fed, last)\n	for _, b := range backlogs {\n		l := e.laneLocked(b.Webhook)\nl.due, _ = e.store.Due(ctx, b.Webhook, e.opts.Now().Add(time.Hour), 100)\nfor _, work := range l.due {\nl.taken[work.Key] = work\n}\n",
		"recovery", "",
	},
	{
		"forget a retry", "internal/deliver/recorder.go",
		"l.planLocked(o.Due)", "_ = o.Due",
		"", "./internal/deliver TestScheduleRunsToItsEnd",
	},
	{
		"forget what is pending at a start", "internal/deliver/engine.go",
		"e.fed = max(e.fed, last)\n	for _, b := range backlogs {", "e.fed = max(e.fed, last)\n	for _, b := range backlogs[:0] {",
		"", "./internal/deliver TestScheduleSurvivesRestart",
	},
	{
		"forget at a start what is parked", "internal/deliver/engine.go",
		"e.fed = max(e.fed, last)\n	for _, b := range backlogs {\n", "e.fed = max(e.fed, last)\n	for _, b := range backlogs {\nif r, _ := e.store.Receiver(ctx, b.Webhook); r != nil && r.Disabled {\ncontinue\n}\n",
		"", "./internal/deliver TestGoneDisablesAndEnablingReleases",
	},
	{
		"forget what comes while the file is read", "internal/deliver/refill.go",
		" && l.skipped == r.skipped {", " {",
		"", "./internal/deliver TestLeftWhileReadingIsRead",
	},
	{
		"overlook a gap in the numbers", "internal/deliver/engine.go",
		"c.First == e.fed+1:", "c.First > e.fed:",
		"", "./internal/deliver TestUntoldIsRead",
	},
	{
		"another process's event goes to one webhook alone", "internal/store/work.go",
		"for _, target := range decodeFanout(fanout) {\n			places", "for i, target := range decodeFanout(fanout) {\nif i > 0 {\nbreak\n}\nplaces",
		"", "./internal/deliver TestOtherProcessesAreNoticed",
	},
	{
		"forget what is parked", "internal/deliver/refill.go",
		"if l.naps != r.naps {", "if l.naps != r.naps && l.naps < 0 {",
		"", "./internal/deliver TestParkedWhileReadingLosesNothing",
	},
	{
		"what was released goes first", "internal/deliver/transaction.go",
		"!work.First() || work.Due.IsZero() {", "!work.First() || !work.Due.IsZero() {",
		"", "./internal/deliver TestReleasedGoesInTurn",
	},
	{
		"take up twice what somebody retried", "internal/deliver/lane.go",
		"other != nil && other != work {", "other != nil && other.Key != work.Key {",
		"", "./internal/deliver TestRetriedInTheQueue",
	},
	{
		"first attempts in any order", "internal/deliver/transaction.go",
		"if work.Subject == \"\" || !work.First() {\n		return false", "if work.Subject != \"-\" {\n		return false",
		"", "./internal/deliver TestFirstAttemptsOfATransactionGoInOrder",
	},
	{
		"who came last is served first", "internal/deliver/room.go",
		"l.ticket < longest.ticket", "l.ticket > longest.ticket",
		"", "./internal/deliver TestLineIsServedInOrder",
	},
	{
		"keep the room that others wait for", "internal/deliver/lane.go",
		"e.recorder.full() || first != nil && first != l {", "e.recorder.full() || first == nil && first == l {",
		"", "./internal/deliver TestBacklogStandsInLine",
	},
	{
		"Retry-After is no floor", "internal/deliver/floor.go",
		"if l.floor.until.In(now) && l.floor.until.After(at) {", "if l.floor.until.In(now) && l.floor.until.Before(at) {",
		"", "./internal/deliver TestRetryAfterHoldsForTheWebhook",
	},
	{
		"an id that is known stands for anything", "internal/store/publish.go",
		"if !bytes.Equal(stored, hash) {", "if !bytes.Equal(stored, hash) && len(hash) == 0 {",
		"", "./internal/store TestPublishAnswersEachByItself",
	},
	{
		"go wherever a name leads", "internal/guard/dial.go",
		"reason := g.judgeAddress(d, addr)\n\tswitch", "reason := Reason(\"\")\n\tswitch",
		"names", "",
	},
	{
		"believe any certificate", "internal/guard/client.go",
		"RootCAs: roots}", "RootCAs: roots, InsecureSkipVerify: true}",
		"certificates", "",
	},
	{
		"read answers to their end", "internal/deliver/answer.go",
		"	var n int\n	var err error\n	for n < len(buffer)", "	_, _ = io.Copy(io.Discard, body)\n	var n int\n	var err error\n	for n < len(buffer)",
		"answers", "",
	},
	{
		"as many webhooks as a tenant likes", "internal/store/room.go",
		"	if values.Past(kind, use) {\n		return webhook.LimitReached(kind", "	if values.Past(kind, use-9999) {\n		return webhook.LimitReached(kind",
		"hostile", "",
	},
	{
		"a fan-out counts as nothing", "internal/store/room.go",
		"values.Past(bounds.Pending, one.pending+want.pending)", "values.Past(bounds.Pending, one.pending)",
		"hostile", "",
	},
	{
		"as many held events as a tenant likes", "internal/store/room.go",
		"if held+want.held > most {", "if held+want.held > 9*most {",
		"hostile", "",
	},
	{
		"as many bytes as a tenant likes", "internal/store/room.go",
		"if stored+want.bytes > most {", "if stored+want.bytes > 9*most {",
		"hostile", "",
	},
	{
		"retry by hand as often as a tenant likes", "internal/store/deliveries.go",
		"since >= 0 && since < ByHand.Milliseconds()", "since >= 0 && since < 0",
		"hostile", "",
	},
	{
		"idle connections keep others out", "internal/server/connections.go",
		"c.makeRoom(func(*connection) bool { return true })", "c.makeRoom(func(*connection) bool { return false })",
		"", "./internal/server TestSlowClientsMakeRoom",
	},
	{
		"parked work counts as pending", "internal/store/tally.go",
		"		t.parked += n", "		t.pending += n",
		"hostile", "",
	},
	{
		"come again sooner than asked", "internal/deliver/decide.go",
		"min(answer.RetryAfter, webhook.MaxRetryAfter)", "min(answer.RetryAfter/2, webhook.MaxRetryAfter)",
		"later", "",
	},
}

// build makes the program with the bug in it.
func (b seeded) build(ctx context.Context, folder string) (string, error) {
	overlay, err := b.overlay(folder)
	if err != nil {
		return "", err
	}
	return build(ctx, folder, overlay)
}

func (b seeded) overlay(folder string) (map[string]string, error) {
	path, err := inTree(b.file)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if n := strings.Count(string(text), b.from); n != 1 {
		return nil, fmt.Errorf("the bug %q has no place any more: %q stands %d times in %s", b.name, b.from, n, b.file)
	}
	out, err := os.CreateTemp(folder, "mutant-*.go")
	if err != nil {
		return nil, err
	}
	_, err = out.WriteString(strings.Replace(string(text), b.from, b.to, 1))
	return map[string]string{path: out.Name()}, errors.Join(err, out.Close())
}

// mutants builds each bug in and wants it to be caught.
func mutants(ctx context.Context, w *world) error {
	folder := filepath.Dir(w.folder)
	var missed []string
	for _, b := range bugs {
		if !strings.Contains(b.name, *bugName) {
			continue
		}
		caught, err := b.caughtInTime(ctx, w, folder)
		if err != nil {
			caught = err.Error()
		}
		if caught == "" {
			caught = "NOT CAUGHT"
		}
		fmt.Printf("             %-52s %s\n", b.name, caught)
		if err != nil || caught == "NOT CAUGHT" {
			missed = append(missed, b.name)
		}
	}
	if missed != nil {
		return fmt.Errorf("not caught: %s", strings.Join(missed, ", "))
	}
	return nil
}

// caughtInTime is caught with an end: a bug may make a program wait for ever.
func (b seeded) caughtInTime(ctx context.Context, w *world, folder string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return b.caught(ctx, w, folder)
}

// caught says what caught the bug, nothing when nothing did.
func (b seeded) caught(ctx context.Context, w *world, folder string) (string, error) {
	if b.test != "" {
		return b.tested(ctx, folder)
	}
	binary, err := b.build(ctx, folder)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == b.scenario })
	var verdict broken
	switch err := scenarios[i].try(ctx, w.random.Uint64(), folder, binary); {
	case errors.As(err, &verdict):
		return "caught by " + b.scenario + ": " + verdict.Error(), nil
	case err != nil: // it is in the way of the scenario, which tells nothing
		return "", fmt.Errorf("the bug %q: %w", b.name, err)
	}
	return "", nil
}

func (b seeded) tested(ctx context.Context, folder string) (string, error) {
	overlay, err := b.overlay(folder)
	if err != nil {
		return "", err
	}
	var list []string
	for from, to := range overlay {
		list = append(list, fmt.Sprintf("%q:%q", from, to))
	}
	path := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(path, []byte(`{"Replace":{`+strings.Join(list, ",")+`}}`), 0o600); err != nil {
		return "", err
	}
	root, err := inTree(".")
	if err != nil {
		return "", err
	}
	pkg, pattern, _ := strings.Cut(b.test, " ")
	cmd := exec.CommandContext(ctx, "go", "test", "-timeout", "60s", "-overlay", path, "-run", "^"+pattern+"$", pkg)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return "", nil
	case !strings.Contains(string(out), "--- FAIL: "+pattern):
		return "", fmt.Errorf("the bug %q is not what made %s fail: %s", b.name, pattern, out)
	}
	return "caught by " + pattern + " of " + pkg, nil
}

package main

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"

	"sealpost/internal/listen"
	"sealpost/internal/signature"
)

// What listen says and shows.

// tally counts what came, and closes done when that is enough, or when it can't
// be shown any more.
type tally struct {
	want int
	done chan struct{}

	mu        sync.Mutex
	seen, bad int
	err       error
}

func (t *tally) add(r *listen.Received, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seen++
	if r.Verified() && !r.Valid() {
		t.bad++
	}
	first := t.err == nil
	if first && err != nil {
		t.err = err
	}
	if t.seen == t.want || first && err != nil && (t.want == 0 || t.seen < t.want) {
		close(t.done)
	}
}

func (t *tally) sum() (seen, bad int, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.seen, t.bad, t.err
}

// tellListening says where, and what a sender has to be told so that it calls
// this machine: a command that can be pasted.
func (a *app) tellListening(f *listenFlags, at string) {
	a.say("listening on %s", at)
	if len(f.secrets) == 0 && f.webhook == "" {
		a.say("no --secret and no --webhook: signatures are not verified")
	}
	u, err := url.Parse(at)
	if err != nil {
		return
	}
	var settings []string
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
		settings = append(settings, "SEALPOST_EGRESS_ALLOW="+shellWord(fmt.Sprintf("%s/%d:%s", addr, addr.BitLen(), u.Port())))
	} else {
		settings = append(settings, "SEALPOST_EGRESS_ALLOW="+shellWord(u.Hostname()))
	}
	switch {
	case u.Scheme == "http":
		settings = append(settings, "SEALPOST_EGRESS_ALLOW_HTTP=true")
	case f.tls:
		settings = append(settings, "SEALPOST_EGRESS_CA_FILE="+shellWord(f.caFile))
	}
	target := "--url " + at + " --secret " + shellWord(pastable(f.secrets))
	if f.webhook != "" {
		target = "--to " + f.webhook + " --direct"
		a.say("a delivery to %s comes here when its URL leads to %s", f.webhook, at)
	}
	a.say("a sender refuses such an address unless it is told; to try it:\n\n  %s \\\n    sealpost publish order.paid --data '{\"total\":2500}' %s\n", strings.Join(settings, " "), target)
}

// pastable is where the secret comes from, when another command can read it
// there too. A secret itself is never shown.
func pastable(sources []string) string {
	for _, source := range sources {
		if strings.HasPrefix(source, "@") || strings.HasPrefix(source, "env:") {
			return source
		}
	}
	return "@secret.txt"
}

// shellWord quotes for a POSIX shell where that is needed.
func shellWord(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// receivedJSON is the shape of one request, for scripts.
type receivedJSON struct {
	N       int                 `json:"n"`
	At      string              `json:"at"`
	Method  string              `json:"method"`
	Path    string              `json:"path"`
	Headers map[string][]string `json:"headers"`
	Body    *string             `json:"body,omitempty"`        // when it is UTF-8
	Base64  []byte              `json:"body_base64,omitempty"` // when it is not
	Valid   *bool               `json:"valid"`                 // null when nothing was verified
	Checks  []signature.Result  `json:"checks"`
	Answer  answerJSON          `json:"answer"`
}

type answerJSON struct {
	Status     int     `json:"status"` // 0 with a fault
	Fault      string  `json:"fault,omitempty"`
	Delay      float64 `json:"delay_ms,omitempty"`
	RetryAfter *int    `json:"retry_after,omitempty"`
	Error      string  `json:"error,omitempty"` // why the forward target gave no answer
}

// confidential are headers whose values are nobody's business.
var confidential = []string{"Authorization", "Cookie", "Proxy-Authorization"}

func shown(headers map[string][]string) map[string][]string {
	kept := maps.Clone(headers)
	for _, name := range confidential {
		if _, found := kept[name]; found {
			kept[name] = []string{"redacted"}
		}
	}
	return kept
}

// showReceived shows one request: for people on a terminal or when a table was
// asked for, and as a line of JSON otherwise.
func (a *app) showReceived(r *listen.Received) error {
	if !a.json() && (isTerminal(a.streams.out) || a.flags.Changed("output")) {
		return a.printDrawn(a.receivedText(r) + "\n")
	}
	row := receivedJSON{N: r.N, At: r.At.UTC().Format("2006-01-02T15:04:05.000Z"), Method: r.Method, Path: r.Path, Headers: shown(r.Headers),
		Checks: r.Checks, Answer: answerJSON{Status: r.Answer.Status, Fault: r.Answer.Fault, Delay: milliseconds(r.Answer.Delay), Error: r.ForwardError}}
	if body := string(r.Body); utf8.ValidString(body) {
		row.Body = &body
	} else {
		row.Base64 = r.Body
	}
	if row.Checks == nil {
		row.Checks = []signature.Result{}
	}
	row.Checks = slices.Clone(row.Checks)
	for i := range row.Checks {
		row.Checks[i].Schemes = nil // each check is about one scheme
	}
	if r.Verified() {
		valid := r.Valid()
		row.Valid = &valid
	}
	if r.Answer.RetryAfter >= 0 {
		row.Answer.RetryAfter = &r.Answer.RetryAfter
	}
	return a.printJSON(row)
}

// maxShown bounds what a terminal shows of a body, in bytes.
const maxShown = 4 << 10

func (a *app) receivedText(r *listen.Received) string {
	verdict, color := "not verified", styleWarn
	switch {
	case r.Valid():
		verdict, color = "VALID", styleGood
	case r.Verified():
		verdict, color = "INVALID", styleError
	}
	bold := a.renderer(a.streams.out).NewStyle().Bold(true)
	lines := []string{fmt.Sprintf("%s  %s  %s  → %s", bold.Render(fmt.Sprintf("#%d %s %s", r.N, printable(r.Method), printable(r.Path))),
		a.styleOut(styleName, r.At.Format(time.TimeOnly)), a.styleOut(color, verdict), r.Answer)}
	headers := shown(r.Headers)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		for _, value := range headers[name] {
			lines = append(lines, a.styleOut(styleName, printable(name)+":")+" "+printable(value))
		}
	}
	body := r.Body[:min(len(r.Body), maxShown)]
	lines = append(lines, "", printable(string(body)))
	if more := len(r.Body) - len(body); more > 0 {
		lines = append(lines, a.styleOut(styleName, fmt.Sprintf("… and %d bytes more", more)))
	}
	for _, c := range r.Checks {
		by := ""
		if c.Secret != "" {
			by = ", by " + c.Secret
		}
		lines = append(lines, fmt.Sprintf("scheme %s: signature %s, freshness %s%s", c.Scheme, c.Signature, c.Freshness, by))
		for _, cause := range c.Causes {
			lines = append(lines, a.styleOut(styleError, cause.Code)+fmt.Sprintf(" (%s): %s", cause.Certainty, printable(cause.Evidence)), "  fix: "+printable(cause.Fix))
		}
	}
	if r.ForwardError != "" {
		lines = append(lines, a.styleOut(styleError, "the forward target gave no answer: ")+printable(r.ForwardError))
	}
	box := a.renderer(a.streams.out).NewStyle().Border(lipgloss.NormalBorder(), false, false, false, true).PaddingLeft(1)
	if width := terminalWidth(a.streams.out); width > 4 {
		box = box.Width(width - 2)
	}
	return box.Render(strings.Join(lines, "\n"))
}

// printable keeps text from outside from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, text)
}

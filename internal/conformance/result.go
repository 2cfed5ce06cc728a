package conformance

import (
	"fmt"
	"strings"
	"time"
)

// Verdict is what an answer amounts to.
type Verdict string

// The verdicts.
const (
	Pass    Verdict = "pass"
	Warning Verdict = "warning"
	Fail    Verdict = "fail"
	Skipped Verdict = "skipped" // not sent
)

// Result is what came of a case.
type Result struct {
	Case
	Verdict  Verdict
	Status   int           // 0: no answer
	Error    string        // why there was no answer: a code, and a text
	Answer   []byte        // the first [MaxAnswer] bytes of its body
	Duration time.Duration // from dial to the answer's end
	Why      string        // what is wrong, and what to change; empty when it passed
}

// Got is the answer in few words.
func (r Result) Got() string {
	switch {
	case r.Verdict == Skipped:
		return "not sent"
	case r.Status == 0:
		return "no answer (" + r.Error + ")"
	}
	return fmt.Sprint(r.Status)
}

func accepted(status int) bool { return status >= 200 && status <= 299 }

// judge sets the verdict. refusesAll tells that the good delivery was refused, so that
// another refusal shows nothing.
func (r *Result) judge(refusesAll bool) {
	r.Verdict, r.Why = r.verdict()
	if r.Verdict == Pass && !r.accepts && refusesAll {
		r.Verdict, r.Why = Warning, "This shows nothing, because the receiver refuses the good delivery too."
	}
}

func (r *Result) verdict() (Verdict, string) {
	bad := Warning
	if r.Required {
		bad = Fail
	}
	switch class := r.Status / 100; {
	case r.accepts && class == 2:
		return Pass, ""
	case r.accepts:
		return Fail, r.refusal()
	case class == 2:
		return bad, r.advice
	case r.Status == 429:
		return Warning, "The receiver limits requests, so this shows nothing. Check again later, or from an address without a limit."
	case class == 4:
		return Pass, ""
	case class == 5:
		return Warning, fmt.Sprintf("A refusal is a 4xx. After a %d the sender tries again, for days.", r.Status)
	case class == 0 && r.huge && !strings.HasPrefix(r.Error, "timeout"):
		return Pass, ""
	case class == 0:
		return bad, "The receiver gave no answer. Answer 401 at once; without an answer the sender tries again, for days."
	}
	return bad, fmt.Sprintf("A refusal is a 4xx. The sender takes a %d for a failed attempt and tries again, for days.", r.Status)
}

// refusal says why a good delivery may have been refused.
func (r *Result) refusal() string {
	if r.repeats {
		return "The sender repeats a delivery when it is not sure that it arrived. Remember the webhook-id, do nothing for a known one, and answer 2xx."
	}
	switch {
	case r.Status == 0:
		return "The receiver gave no answer: " + r.Error + "."
	case r.Status == 400 || r.Status == 401 || r.Status == 403:
		return fmt.Sprintf("The receiver answered %d to a good delivery. It has another secret, or it does not sign the raw body: save the request and give it to `sealpost verify-signature`, which says why.", r.Status)
	case r.Status == 404 || r.Status == 405:
		return fmt.Sprintf("The receiver answered %d: there is no route for POST at this path.", r.Status)
	case r.Status == 413:
		return "The receiver answered 413: it must take at least 1 MiB."
	case r.Status == 415:
		return "The receiver answered 415: it must take the content type application/json."
	case r.Status/100 == 3:
		return fmt.Sprintf("The receiver answered %d: the sender follows no redirect. Use the URL that it leads to.", r.Status)
	case r.Status == 429 || r.Status == 503:
		return fmt.Sprintf("The receiver answered %d: it is busy, or limits requests. Check again later.", r.Status)
	case r.Status/100 == 5:
		return fmt.Sprintf("The receiver answered %d: its code failed. Look into its log.", r.Status)
	}
	return fmt.Sprintf("The receiver answered %d. Answer 2xx once the event is stored; do the work afterwards.", r.Status)
}

package listen_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/listen"
)

func TestAnswersAreRead(t *testing.T) {
	status := func(n int) listen.Answer { return listen.Answer{Status: n, RetryAfter: -1} }
	for text, want := range map[string][]listen.Answer{
		"200":                        {listen.OK()},
		"503,503,200":                {status(503), status(503), status(200)},
		"503*2, 200":                 {status(503), status(503), status(200)},
		"429:retry-after=0":          {{Status: 429}},
		"200:delay=1.5s":             {{Status: 200, Delay: 1500 * time.Millisecond, RetryAfter: -1}},
		"reset,hang:delay=2s":        {{Fault: "reset", RetryAfter: -1}, {Fault: "hang", Delay: 2 * time.Second, RetryAfter: -1}},
		"503:delay=1s:retry-after=7": {{Status: 503, Delay: time.Second, RetryAfter: 7}},
	} {
		got, err := listen.ParseAnswers(text)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q gives %v and %v, want %v", text, got, err, want)
		}
	}
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	for text, want := range map[string]string{
		"":                     "neither a status",
		"200,":                 "neither a status",
		"100":                  "neither a status",
		"600":                  "neither a status",
		"0200":                 "neither a status",
		"+20":                  "neither a status",
		"explode":              "reset, close, hang",
		"200*0":                "number of times",
		"200*1001":             "number of times",
		"200*999,200,200":      "more than 1000",
		"200:delay=-1s":        "no time from",
		"200:delay=11m":        "no time from",
		"200:retry-after=soon": "no number of seconds",
		"reset:retry-after=1":  "not with reset",
		"200:color=blue":       "neither delay=TIME",
	} {
		if got, err := listen.ParseAnswers(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives %v and %v, want an error with %q", text, got, err, want)
		}
	}
}

// What was read says the same when it is written and read again.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{"503,503,200", "503*2:retry-after=1,200:delay=150ms", "reset", "drip:delay=1s", "200*", ":", "*"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := listen.ParseAnswers(text)
		if err != nil {
			return
		}
		if len(list) == 0 || len(list) > listen.MaxAnswers {
			t.Fatalf("%d answers", len(list))
		}
		words := make([]string, len(list))
		for i, a := range list {
			words[i] = a.String()
			if (a.Fault == "") == (a.Status == 0) || a.Delay < 0 || a.Delay > listen.MaxDelay {
				t.Fatalf("%q holds %+v", text, a)
			}
		}
		again, err := listen.ParseAnswers(strings.Join(words, ","))
		if err != nil || !slices.Equal(list, again) {
			t.Fatalf("%q is %v, then %v (%v)", text, list, again, err)
		}
	})
}

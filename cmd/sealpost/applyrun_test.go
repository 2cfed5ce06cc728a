package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sealpost/internal/admin"
	"sealpost/internal/bounds"
	"sealpost/internal/webhook"
)

// configOf is a webhook with so many URLs.
func configOf(name string, urls int) webhook.Config {
	c := webhook.Config{Name: name, URL: "u"}
	for n := range urls - 1 {
		c.SetRoute("order", fmt.Sprint("a", n), "u")
	}
	return c
}

// TestFits: a document is judged as a whole, before the first change.
func TestFits(t *testing.T) {
	does := func(action, name string, had, wanted int) step {
		s := step{Action: action, Name: name}
		if had > 0 {
			s.have = configOf(name, had)
		}
		if wanted > 0 {
			s.want = admin.Documented{Config: configOf(name, wanted)}
		}
		return s
	}
	values := bounds.Values{bounds.Webhooks: 2, bounds.URLs: 3}
	for name, test := range map[string]struct {
		values bounds.Values
		have   int
		steps  []step
		says   []string // none when it fits
	}{
		"nothing":                             {values, 2, nil, nil},
		"up to the limit":                     {values, 1, []step{does(actionCreate, "a", 0, 3)}, nil},
		"past the limit":                      {values, 1, []step{does(actionCreate, "a", 0, 1), does(actionCreate, "b", 0, 1)}, []string{"limits.webhooks allows 2 webhooks; the organization has 1; the document creates 2 and deletes 0"}},
		"a deletion makes room":               {values, 2, []step{does(actionCreate, "a", 0, 1), does(actionDelete, "b", 1, 0)}, nil},
		"a deletion makes too little room":    {values, 2, []step{does(actionCreate, "a", 0, 1), does(actionCreate, "c", 0, 1), does(actionDelete, "b", 1, 0)}, []string{"creates 2 and deletes 1"}},
		"still past a limit that went down":   {values, 5, []step{does(actionCreate, "a", 0, 1), does(actionDelete, "b", 1, 0)}, []string{"the organization has 5"}},
		"changes past a limit that went down": {values, 5, []step{does(actionUpdate, "a", 5, 5), does(actionUpdate, "b", 5, 4), does(actionDelete, "c", 9, 0), does(actionUnchanged, "d", 9, 9)}, nil},
		"too many URLs":                       {values, 1, []step{does(actionCreate, "a", 0, 4)}, []string{"a: limits.urls allows 3 URLs of one webhook; this one would have 4"}},
		"one URL more":                        {values, 1, []step{does(actionUpdate, "a", 3, 4)}, []string{"a: limits.urls allows 3"}},
		"both":                                {values, 2, []step{does(actionUpdate, "a", 4, 5), does(actionCreate, "b", 0, 4)}, []string{"limits.webhooks allows 2", "a: limits.urls allows 3", "b: limits.urls allows 3"}},
		"no limits":                           {bounds.Values{}, 900, []step{does(actionCreate, "a", 0, 400)}, nil},
	} {
		err := fits(test.values, test.have, test.steps)
		if (err == nil) != (test.says == nil) || err != nil && webhook.CodeOf(err) != webhook.CodeLimitReached {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, text := range test.says {
			if said := describe(err).Message; !strings.Contains(said, text) {
				t.Errorf("%s: no %q in %q", name, text, said)
			}
		}
	}
}

// TestCarryOut: deletions come last, what a limit refuses is tried again after them,
// and another fault ends it before anything is deleted.
func TestCarryOut(t *testing.T) {
	full := webhook.LimitReached(bounds.Webhooks, 2, 2)
	for name, test := range map[string]struct {
		refuse func(name string, tries int) error
		ran    string
		undone string
		fails  bool
	}{
		"all is done": {func(string, int) error { return nil }, "a b c d", "", false},
		"room after a deletion": {func(name string, tries int) error {
			if name == "b" && tries == 1 {
				return full
			}
			return nil
		}, "a b c d b", "", false},
		"no room": {func(name string, _ int) error {
			if name == "b" {
				return full
			}
			return nil
		}, "a b c d b", "b", true},
		"another fault": {func(name string, _ int) error {
			if name == "b" {
				return errors.New("no")
			}
			return nil
		}, "a b", "b c d", true},
	} {
		steps := []step{{Name: "a", Action: actionCreate}, {Name: "d", Action: actionDelete}, {Name: "b", Action: actionCreate}, {Name: "c", Action: actionUpdate}, {Name: "e", Action: actionUnchanged}}
		var ran, undone []string
		tries := map[string]int{}
		err := carryOut(steps, func(s *step) error {
			ran = append(ran, s.Name)
			tries[s.Name]++
			return test.refuse(s.Name, tries[s.Name])
		})
		for _, s := range steps {
			if s.Undone != "" {
				undone = append(undone, s.Name)
			}
		}
		slices.Sort(undone)
		if strings.Join(ran, " ") != test.ran || strings.Join(undone, " ") != test.undone || (err != nil) != test.fails {
			t.Errorf("%s: ran %v, not done %v (%v)", name, ran, undone, err)
		}
	}
}

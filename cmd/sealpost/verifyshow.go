package main

import (
	"fmt"
	"slices"
	"strings"

	"sealpost/internal/signature"
)

// printVerdict says what was found: both verdicts, and why.
func (a *app) printVerdict(r signature.Result, computed bool) error {
	if a.json() {
		return a.printJSON(r)
	}
	word := a.styleOut(styleError, "INVALID")
	switch alone := computed && r.Signature == signature.Missing; {
	case r.Valid:
		word = a.styleOut(styleGood, "VALID")
	case alone:
		word = a.styleOut(styleWarn, "NOTHING TO VERIFY")
	}
	fields := [][2]string{{"verdict", word}}
	for i := range r.Schemes {
		fields = append(fields, [2]string{"scheme", schemeLine(&r.Schemes[i])})
	}
	if r.Expected != "" {
		fields = append(fields, [2]string{"expected", r.Expected})
	}
	if err := a.printFields(fields); err != nil {
		return err
	}
	for _, group := range causeGroups(r.Causes) {
		if err := a.printCauses(group); err != nil {
			return err
		}
	}
	return nil
}

// schemeLine is the verdict on one scheme, for people.
func schemeLine(v *signature.SchemeVerdict) string {
	line := fmt.Sprintf("%s: signature %s, freshness %s", v.Scheme, v.Signature, v.Freshness)
	switch {
	case v.Signature == signature.Unjudged && v.Scheme == signature.SchemeEd25519:
		line += ", for no public key was given"
	case v.Signature == signature.Unjudged:
		line += ", for no secret was given"
	case v.Secret != "":
		line += ", signed by " + v.Secret
	}
	return line
}

// causeGroups puts causes with the same evidence together: they are one finding.
func causeGroups(causes []signature.Cause) (groups [][]signature.Cause) {
	for _, c := range causes {
		at := slices.IndexFunc(groups, func(g []signature.Cause) bool {
			return g[0].Evidence == c.Evidence && g[0].Certainty == c.Certainty
		})
		if at < 0 {
			groups = append(groups, []signature.Cause{c})
		} else {
			groups[at] = append(groups[at], c)
		}
	}
	return groups
}

// printCauses says one finding, and each line that mends it once.
func (a *app) printCauses(group []signature.Cause) error {
	codes := make([]string, 0, len(group))
	var fixes []string
	for _, c := range group {
		if !slices.Contains(codes, c.Code) {
			codes = append(codes, c.Code)
		}
		if !slices.Contains(fixes, c.Fix) {
			fixes = append(fixes, c.Fix)
		}
	}
	head := fmt.Sprintf("%s (%s): %s", strings.Join(codes, ", "), group[0].Certainty, printable(group[0].Evidence))
	if err := a.print("\n%s", a.wrapped(head)); err != nil {
		return err
	}
	for _, fix := range fixes {
		if err := a.print("%s", a.wrapped("  fix: "+fix)); err != nil {
			return err
		}
	}
	return nil
}

package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// row is one line of the table: a figure, what was reached, and the aim.
type row struct {
	figure, reached, aim string
	verdict              verdict
}

type verdict int

const (
	plain  verdict = iota // a figure without an aim
	met                   //
	missed                //
)

func (v verdict) String() string { return [...]string{"", "yes", "MISSED"}[v] }

// judge says whether an aim is met.
func judge(ok bool) verdict {
	if ok {
		return met
	}
	return missed
}

func render(rows []row) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 1, ' ', tabwriter.Debug)
	fmt.Fprintln(w, " figure\t reached\t aim\t met")
	fmt.Fprintln(w, " ---\t ---\t ---\t ---")
	for _, r := range rows {
		fmt.Fprintf(w, " %s\t %s\t %s\t %s\n", r.figure, r.reached, r.aim, r.verdict)
	}
	_ = w.Flush() // into memory
	var table strings.Builder
	for line := range strings.Lines(out.String()) {
		table.WriteString("|" + strings.TrimSuffix(line, "\n") + " |\n")
	}
	return table.String()
}

package main

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFieldsAlign: values stand in one column, however wide the letters of the names are.
func TestFieldsAlign(t *testing.T) {
	var out strings.Builder
	a := &app{streams: streams{out: &out}}
	if err := a.printFields([][2]string{{"名前", "a"}, {"größe", "b"}, {"url", "c"}}); err != nil {
		t.Fatal(err)
	}
	if want := "名前   a\ngröße  b\nurl    c\n"; out.String() != want {
		t.Errorf("%q, not %q", out.String(), want)
	}
}

// TestNothingIsADash: an empty cell looks as if its text had been cut.
func TestNothingIsADash(t *testing.T) {
	var out strings.Builder
	a := &app{streams: streams{out: &out}}
	if err := a.printTable([]string{"EVENT", "TRANSACTION"}, [][]string{{"e1", ""}, {"e2", "t2"}}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "│ e1    │ –           │\n│ e2    │ t2          │") {
		t.Errorf("\n%s", out.String())
	}
}

func TestTook(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "1µs", 400 * time.Microsecond: "400µs", 1500 * time.Microsecond: "2ms", 2 * time.Second: "2s"} {
		if got := took(d); got != want {
			t.Errorf("%d: %s, not %s", d, got, want)
		}
	}
}

func TestColumnWidths(t *testing.T) {
	id := "evt_" + strings.Repeat("x", 26)
	for _, test := range []struct {
		name    string
		headers []string
		rows    [][]string
		room    int
		want    []int
	}{
		{"a pipe has room for all", []string{"ID", "NOTE"}, [][]string{{id, strings.Repeat("word ", 40) + "end"}}, 0, []int{30, 203}},
		{"what fits is whole", []string{"ID", "NOTE"}, [][]string{{"a", "b"}}, 80, []int{2, 4}},
		{"exactly enough", []string{"ID", "NOTE"}, [][]string{{id, "fine"}}, 41, []int{30, 4}},
		{"prose gives way before ids", []string{"ID", "NOTE"}, [][]string{{id, strings.Repeat("word ", 40)}}, 60, []int{30, 23}},
		{"ids break when nothing else helps", []string{"ID", "NOTE"}, [][]string{{id, strings.Repeat("word ", 40)}}, 45, []int{18, 20}},
		{"too little", []string{"ID", "NOTE"}, [][]string{{id, strings.Repeat("word ", 40)}}, 40, nil},
		{"headers count without rows", []string{"DELIVERY", "ATTEMPTS"}, nil, 22, nil},
		{"wide characters count twice", []string{"N"}, [][]string{{"漢字"}}, 80, []int{4}},
	} {
		if got := columnWidths(test.headers, test.rows, test.room); !slices.Equal(got, test.want) || (got == nil) != (test.want == nil) {
			t.Errorf("%s: %v, not %v", test.name, got, test.want)
		}
	}
}

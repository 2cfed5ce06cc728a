package ecmajson

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestMeansTheSame compares, for any JSON, what encoding/json reads before and
// after.
func TestMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := text(t, 4)
		out, err := Append(nil, []byte(src))
		if err != nil {
			t.Fatalf("%s: %v", src, err)
		}
		var before, after any
		if err := errors.Join(json.Unmarshal([]byte(src), &before), json.Unmarshal(out, &after)); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(before, after) {
			t.Fatalf("%s became %s", src, out)
		}
		if again, err := Append(nil, out); err != nil || string(again) != string(out) {
			t.Fatalf("%s is not a fixed point: %s (%v)", out, again, err)
		}
	})
}

// TestNumbersComeBack: the shortest form still stands for the same double.
func TestNumbersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := math.Float64frombits(rapid.Uint64().Draw(t, "bits"))
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return
		}
		out := AppendNumber(nil, f)
		if back, err := strconv.ParseFloat(string(out), 64); err != nil || back != f {
			t.Fatalf("%v is written %s and read as %v (%v)", f, out, back, err)
		}
		if !Exact(out) {
			t.Fatalf("%s is no fixed point", out)
		}
	})
}

// text draws JSON as somebody might write it.
func text(t *rapid.T, depth int) string {
	space := rapid.SampledFrom([]string{"", " ", "\n\t"}).Draw(t, "space")
	kinds := 4
	if depth > 0 {
		kinds = 6
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return space + rapid.SampledFrom([]string{"true", "false", "null"}).Draw(t, "word")
	case 1:
		raw, _ := json.Marshal(rapid.Float64Range(-1e300, 1e300).Draw(t, "float"))
		return string(raw) + space
	case 2:
		return rapid.StringMatching(`-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?`).Draw(t, "number")
	case 3:
		raw, _ := json.Marshal(rapid.String().Draw(t, "string"))
		return string(raw)
	case 4:
		items := make([]string, rapid.IntRange(0, 4).Draw(t, "items"))
		for i := range items {
			items[i] = text(t, depth-1)
		}
		return "[" + space + strings.Join(items, ","+space) + "]"
	default:
		members := make([]string, rapid.IntRange(0, 5).Draw(t, "members"))
		for i := range members {
			key, _ := json.Marshal(rapid.SampledFrom([]string{"a", "b", "1", "0", "10", "é", ""}).Draw(t, "key"))
			members[i] = string(key) + space + ":" + text(t, depth-1)
		}
		return "{" + space + strings.Join(members, ",") + space + "}"
	}
}

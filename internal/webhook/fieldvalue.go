package webhook

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// value is what the table needs to know of one value of a [Config].
type value interface {
	// check says what is needed where JSON is none of this value, as a noun with its
	// bounds; it is empty when all is well.
	check(raw json.RawMessage) (need string)
	// set takes checked JSON over. An error tells that it does not go with what
	// the webhook has.
	set(c *Config, raw json.RawMessage) error
	// json is the value; nil at its default. What is secret of it is shown only with
	// secrets.
	json(c *Config, secrets bool) json.RawMessage
	// zero is the JSON that restores the default.
	zero() json.RawMessage
	// text is the value for people, on one line.
	text(c *Config) string
	// copy gives one configuration the value of another; they share nothing.
	copy(from, to *Config)
	// Schema is the value's JSON Schema.
	Schema() []Member
	// Need says in words which values it takes.
	Need() string
	// FlagType is the type of its flag: int, float64, string, bool or stringArray.
	FlagType() string
	// FromFlag turns what stood on the command line into JSON.
	FromFlag(given []string) json.RawMessage
}

// typed is a value that is a T in Go and stands in JSON as encoding/json writes it.
type typed[T any] struct {
	at      func(*Config) *T
	need    string
	fits    func(T) bool // called with what JSON of the right type holds
	usual   func(T) bool // is it the default
	clone   func(T) T
	show    func(T) string
	restore string // JSON of the default
	schema  []Member
	flag    string
	written func([]string) any // the JSON of a flag
}

func (v typed[T]) read(raw json.RawMessage) (out T, ok bool) {
	if string(raw) == "null" || json.Unmarshal(raw, &out) != nil {
		return out, false
	}
	return out, v.fits(out)
}

func (v typed[T]) check(raw json.RawMessage) string {
	if _, ok := v.read(raw); !ok {
		return v.need
	}
	return ""
}

func (v typed[T]) set(c *Config, raw json.RawMessage) error {
	given, ok := v.read(raw)
	if !ok {
		return Errorf(CodeBadRequest, "this is no "+v.need)
	}
	if *v.at(c) = given; v.usual(given) {
		var none T
		*v.at(c) = none
	}
	return nil
}

func (v typed[T]) json(c *Config, _ bool) json.RawMessage {
	if now := *v.at(c); !v.usual(now) {
		return marshal(now)
	}
	return nil
}

func (v typed[T]) zero() json.RawMessage { return json.RawMessage(v.restore) }

func (v typed[T]) text(c *Config) string { return v.show(*v.at(c)) }

func (v typed[T]) copy(from, to *Config) {
	*v.at(to) = *v.at(from)
	if v.clone != nil {
		*v.at(to) = v.clone(*v.at(from))
	}
}

func (v typed[T]) Schema() []Member { return v.schema }
func (v typed[T]) Need() string     { return v.need }
func (v typed[T]) FlagType() string { return v.flag }

func (v typed[T]) FromFlag(given []string) json.RawMessage { return marshal(v.written(given)) }

// last is the flag that counts: of several, the last one.
func last(given []string) string { return given[len(given)-1] }

// literal is a flag that is JSON already. A text that is not, such as NaN, becomes a
// string, for check to refuse.
func literal(given []string) any {
	if text := last(given); json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return last(given)
}

// whole is a whole number from 0 to most; 0 is the default.
func whole(at func(*Config) *int, most int, unit string) value {
	return typed[int]{
		at: at, need: "whole number from 0 to " + strconv.Itoa(most),
		fits: func(n int) bool { return n >= 0 && n <= most }, usual: func(n int) bool { return n == 0 },
		show: func(n int) string { return strconv.Itoa(n) + unit }, restore: "0",
		schema: []Member{{"type", "integer"}, {"minimum", 0}, {"maximum", most}}, flag: "int", written: literal,
	}
}

// number is 0, which is the default, or a number from least to most.
func number(at func(*Config) *float64, least, most float64, unit string) value {
	plain := func(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
	return typed[float64]{
		at: at, need: "number from 0 to " + plain(most) + "; the least above 0 is " + plain(least),
		fits:  func(n float64) bool { return n == 0 || n >= least && n <= most && !math.IsNaN(n) },
		usual: func(n float64) bool { return n == 0 },
		show:  func(n float64) string { return plain(n) + unit }, restore: "0",
		schema: []Member{{"type", "number"}, {"minimum", 0}, {"maximum", most}}, flag: "float64", written: literal,
	}
}

// text is a printable text of at most so many characters; an empty one is the default.
func text(at func(*Config) *string, most int) value {
	return typed[string]{
		at: at, need: "text of at most " + strconv.Itoa(most) + " characters that can be seen",
		fits: func(s string) bool {
			return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && Unseen("", s) == ""
		},
		usual: func(s string) bool { return s == "" },
		show:  func(s string) string { return s }, restore: `""`,
		schema: []Member{{"type", "string"}, {"maxLength", most}}, flag: "string", written: func(given []string) any { return last(given) },
	}
}

// choice is true or false; false is the default.
func choice(at func(*Config) *bool) value {
	return typed[bool]{
		at: at, need: "boolean", fits: func(bool) bool { return true }, usual: func(b bool) bool { return !b },
		show: strconv.FormatBool, restore: "false",
		schema: []Member{{"type", "boolean"}}, flag: "bool", written: literal,
	}
}

// words is a list of at most so many of the given words; an empty list is the
// default.
func words(at func(*Config) *[]string, most int, known ...string) value {
	return typed[[]string]{
		at: at, need: "list of at most " + strconv.Itoa(most) + " of " + strings.Join(known, ", "),
		fits: func(list []string) bool {
			return len(list) <= most && !slices.ContainsFunc(list, func(word string) bool { return !slices.Contains(known, word) })
		},
		usual: func(list []string) bool { return len(list) == 0 }, clone: slices.Clone[[]string],
		show: func(list []string) string { return strings.Join(list, ", ") }, restore: "[]",
		schema: []Member{{"type", "array"}, {"maxItems", most}, {"items", map[string]any{"type": "string", "enum": known}}}, flag: "stringArray",
		written: func(given []string) any { return given },
	}
}

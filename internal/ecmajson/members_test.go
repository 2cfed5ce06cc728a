package ecmajson

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
)

func TestMembers(t *testing.T) {
	src := []byte(` { "id" : "\u0041" , "b\u006fdy" : { "x" : 1.0 } } `)
	var keys, raw, canonical []string
	if err := Members(src, func(key, value []byte) error {
		keys, raw = append(keys, string(key)), append(raw, string(value))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	out, err := AppendMembers(nil, src, func(_, value []byte) error {
		canonical = append(canonical, string(value))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"id", "body"}; !reflect.DeepEqual(keys, want) {
		t.Errorf("keys %q", keys)
	}
	if want := []string{`"\u0041"`, `{ "x" : 1.0 }`}; !reflect.DeepEqual(raw, want) {
		t.Errorf("raw values %q", raw)
	}
	if want := []string{`"A"`, `{"x":1}`}; !reflect.DeepEqual(canonical, want) {
		t.Errorf("canonical values %q", canonical)
	}
	if string(out) != `{"id":"A","body":{"x":1}}` {
		t.Errorf("the whole is %s", out)
	}
	if err := Members([]byte(`{} {}`), nil); err == nil {
		t.Error("two objects are taken as one")
	}
	for _, other := range []string{`[]`, `1`, `"x"`, `null`} {
		if err := Members([]byte(other), func(_, _ []byte) error { return nil }); !errors.Is(err, ErrNotObject) {
			t.Errorf("%s: %v", other, err)
		}
		if err := Members([]byte(other+"]"), func(_, _ []byte) error { return nil }); err == nil || errors.Is(err, ErrNotObject) {
			t.Errorf("%s]: %v", other, err)
		}
	}
	stop := errors.New("enough")
	if err := Members(src, func(_, _ []byte) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("the caller's error became %v", err)
	}
}

// TestMembersOfTheResult holds the values that AppendMembers hands out to the
// order of the result: a repeated or an index key moves what was written before.
func TestMembersOfTheResult(t *testing.T) {
	src := []byte(`{"id":"a","body":{"x":1,"y":2},"2":[ ],"id":"longer","\u0031":{}}`)
	var walked []string
	values := map[string][]byte{}
	out, err := AppendMembers([]byte("kept"), src, func(key, value []byte) error {
		walked = append(walked, string(key))
		values[string(key)] = value
		return nil
	})
	if want := `kept{"1":{},"2":[],"id":"longer","body":{"x":1,"y":2}}`; err != nil || string(out) != want {
		t.Fatalf("the result is %s (%v), not %s", out, err, want)
	}
	if want := []string{"1", "2", "id", "body"}; !reflect.DeepEqual(walked, want) {
		t.Errorf("members come as %q, not %q", walked, want)
	}
	for key, want := range map[string]string{"1": "{}", "2": "[]", "id": `"longer"`, "body": `{"x":1,"y":2}`} {
		if string(values[key]) != want {
			t.Errorf("%s is %s afterwards, not %s", key, values[key], want)
		}
	}
}

// TestMembersOfSoundTextOnly: nobody acts on the first half of a broken text.
func TestMembersOfSoundTextOnly(t *testing.T) {
	for _, src := range []string{`{"a":1,"b":}`, `{"a":1} 2`, `[{"a":1}]`, `[{"a":1}] 2`} {
		visit := func(key, _ []byte) error {
			t.Errorf("%s: %s is handed out", src, key)
			return nil
		}
		_, err := AppendMembers(nil, []byte(src), visit)
		if raw := Members([]byte(src), visit); err == nil || raw == nil || raw.Error() != err.Error() {
			t.Errorf("%s is refused with %v and %v", src, err, raw)
		}
	}
}

// TestMembersTwice: a reader of the text sees a key as often as it stands there.
func TestMembersTwice(t *testing.T) {
	var seen []string
	err := Members([]byte(`{"a":1,"2":[1, 2],"a":2.0,"\ud800\n":"x"}`), func(key, value []byte) error {
		seen = append(seen, string(key)+"="+string(value))
		return nil
	})
	if want := []string{"a=1", "2=[1, 2]", "a=2.0", "\ufffd\n=\"x\""}; err != nil || !reflect.DeepEqual(seen, want) {
		t.Errorf("members are %q (%v), not %q", seen, err, want)
	}
}

func TestDoubled(t *testing.T) {
	long := `{"a":1`
	for i := range 40 {
		long += fmt.Sprintf(`,"key%d":%d`, i, i)
	}
	for src, want := range map[string]string{
		`{"a":1,"b":[{"a":1},{"a":2}],"A":{"a":1}}`: "", `[{"a":1,"a":1}]`: "a", `{"x":{"y":{"b":1,"\u0062":2}}}`: "b",
		`{"":1,"":2}`: "an empty one", `7`: "", long + `}`: "", long + `,"key7":1}`: "key7",
	} {
		key, found, err := Doubled([]byte(src))
		if want == "an empty one" {
			want, found = "", !found
		}
		if err != nil || found != (want != "") || key != want {
			t.Errorf("%s: %q %v %v", src, key, found, err)
		}
	}
	if _, _, err := Doubled([]byte(`{"a":1,"a":}`)); err == nil {
		t.Error("what is no JSON has no fault")
	}
}

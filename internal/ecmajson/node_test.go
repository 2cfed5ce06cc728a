package ecmajson

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"
)

// TestNode has the reference answer: JSON.stringify(JSON.parse(x)) in Node.js
// must give back the very bytes that Append makes of x, and must leave those
// bytes as they are. It fails where Node.js is missing: nothing else shows that
// receivers which re-serialise get the signature that was sent.
func TestNode(t *testing.T) {
	bodies := awkward()
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		bodies = append(bodies, random(rnd, 4))
	}
	var in bytes.Buffer
	for _, body := range bodies {
		fmt.Fprintln(&in, base64.StdEncoding.EncodeToString([]byte(body)))
	}
	const script = `
		require("readline").createInterface({ input: process.stdin }).on("line", line => {
			const text = Buffer.from(line, "base64").toString("utf8");
			process.stdout.write(Buffer.from(JSON.stringify(JSON.parse(text)), "utf8").toString("base64") + "\n");
		});`
	node := exec.Command("node", "-e", script)
	node.Stdin = &in
	out, err := node.Output()
	if err != nil {
		t.Fatalf("Node.js is needed for this test: %v", err)
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for _, body := range bodies {
		if !lines.Scan() {
			t.Fatal("Node.js stopped early")
		}
		want, err := base64.StdEncoding.DecodeString(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		got, err := Append(nil, []byte(body))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q: Node.js writes %q, we %q (%v)", body, want, got, err)
		}
	}
}

// awkward lists bodies that serialisers disagree about.
func awkward() []string {
	bodies := []string{
		`{}`, `{"a":null}`, `{ "a" : [ ] }`, `{"a":1,"a":2}`, `{"b":1,"2":1,"1":1,"a":1}`, `{"__proto__":{"x":1},"constructor":1,"toString":2}`,
		`{"4294967294":1,"4294967295":2,"0":3,"00":4,"-0":5,"1.0":6,"1e3":7}`, `{"a":{"9":1,"8":{"b":1,"7":1}}}`, `{"\u0061":1,"a":2}`, `{"":1," ":2}`,
		`{"\ud83d\ude00":1,"\u00e9":2,"é":3}`, `[[[[[[]]]]]]`, `[true,false,null]`,
	}
	for _, s := range []string{
		`\/`, `/`, `\u002f`, `\u2028\u2029`, "\u2028\u2029", `\u0000`, `\u001f`, `\u007f`, "\x7f", `\b\f\n\r\t\"\\`, `\u0008\u000C\u000A`, `<script>&amp;`, `\ud800`, `\udc00`,
		`\ud800\ud800`, `\udc00\ud800`, `\ud83d\ude00`, `\uD83D\uDE00`, "😀", `\ufeff`, "\ufeff", `\ufffd`, `\uffff`, "é", "e\u0301", `\u00ad`, `\u0130`, "中文", "\U0010ffff",
	} {
		bodies = append(bodies, `{"s":"`+s+`"}`, `{"`+s+`":1}`, `"`+s+`"`)
	}
	for _, n := range []string{
		"0", "-0", "0.0", "-0.0", "1.0", "1.10", "100", "1e2", "1E2", "1e+2", "1e-2", "1e20", "1e21", "1.5e21", "123456789012345680000", "1e-6", "1e-7", "0.000001", "0.0000001",
		"5e-324", "4.9406564584124654e-324", "1.7976931348623157e308", "2.2250738585072014e-308", "1e-400", "9007199254740991", "9007199254740992", "-9007199254740991", "0.1", "0.30000000000000004",
		"1.7976931348623157e+308", "3.14159265358979323846", "100000000000000000000.0", "4.35", "0.5", "123456.789e3", "1e23", "9.5367431640625e-7", "299792458", "6.02214076e23", "1.0000000000000002",
	} {
		bodies = append(bodies, `{"n":`+n+`}`, `[`+n+`,-`+strings.TrimPrefix(n, "-")+`]`)
	}
	return bodies
}

// random makes JSON from a seeded source.
func random(rnd *rand.Rand, depth int) string {
	kind := rnd.IntN(6)
	if depth == 0 {
		kind = rnd.IntN(4)
	}
	switch kind {
	case 0:
		return []string{"true", "false", "null"}[rnd.IntN(3)]
	case 1:
		return fmt.Sprintf("%g", (rnd.Float64()-0.5)*[]float64{1, 1e-9, 1e9, 1e25}[rnd.IntN(4)])
	case 2:
		return fmt.Sprint(rnd.IntN(1<<40) - 1<<39)
	case 3:
		return quoted(rnd)
	case 4:
		items := make([]string, rnd.IntN(5))
		for i := range items {
			items[i] = random(rnd, depth-1)
		}
		return "[ " + strings.Join(items, ", ") + " ]"
	default:
		members := make([]string, rnd.IntN(6))
		for i := range members {
			key := quoted(rnd)
			if rnd.IntN(3) == 0 {
				key = fmt.Sprintf(`"%d"`, rnd.IntN(20))
			}
			members[i] = key + " : " + random(rnd, depth-1)
		}
		return "{" + strings.Join(members, " ,\n") + "}"
	}
}

func quoted(rnd *rand.Rand) string {
	out := []byte{'"'}
	for range rnd.IntN(8) {
		switch rnd.IntN(5) {
		case 0:
			out = fmt.Appendf(out, `\u%04x`, rnd.IntN(0x10000))
		case 1:
			out = append(out, '\\', `bfnrt"\/`[rnd.IntN(8)])
		case 2:
			r := rune(rnd.IntN(0x20000) + 0x80)
			if r >= 0xd800 && r <= 0xdfff {
				r = 'x'
			}
			out = append(out, string(r)...)
		default:
			out = append(out, "abc 019_-"[rnd.IntN(9)])
		}
	}
	return string(append(out, '"'))
}

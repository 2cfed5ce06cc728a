package ecmajson

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"math"
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
	if len(bodies) < 200 {
		t.Fatalf("only %d awkward bodies", len(bodies))
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		bodies = append(bodies, random(rnd, 4))
	}
	for range 2000 {
		if f := math.Float64frombits(rnd.Uint64()); !math.IsNaN(f) && !math.IsInf(f, 0) {
			bodies = append(bodies, fmt.Sprintf("[%.17e, %g]", f, f))
		}
	}
	for i, want := range stringify(t, bodies) {
		got, err := Append(nil, []byte(bodies[i]))
		if err != nil || string(got) != want {
			t.Errorf("%q: Node.js writes %q, we %q (%v)", bodies[i], want, got, err)
		}
		if !Exact([]byte(want)) {
			t.Errorf("%q, by Node.js, is no fixed point here", want)
		}
	}
}

// TestNodeRefuses: what JSON.parse throws at is refused here too.
func TestNodeRefuses(t *testing.T) {
	bodies := []string{
		``, ` `, `{`, `}`, `[`, `]`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`, `[,]`, `[1,]`, `[1 2]`, `{"a" 1}`, `{"a":1 "b":2}`, `{a:1}`, `{'a':1}`, `'a'`, `{1:2}`, `{null:1}`,
		`tru`, `True`, `nulll`, `NaN`, `Infinity`, `-Infinity`, `undefined`, `01`, `-01`, `00`, `1.`, `.5`, `+1`, `-`, `--1`, `1e`, `1e+`, `1.e1`, `1e1.5`, `0x10`, `1_000`, `1n`, `1 2`, `{} {}`, `1,`,
		`"`, `"a`, `"\`, `"\"`, `"\x"`, `"\u12"`, `"\u12g4"`, `"\'"`, `"\U0041"`, "\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"", `/**/1`, `1//`, "\ufeff{}", "\u00a0{}", "\u2028{}", "\v1", "\f1", "{}\x00", `"a" "b"`, `"\ud800\u"`,
	}
	for i, want := range stringify(t, bodies) {
		if want != refused {
			t.Errorf("%q: Node.js takes it as %q", bodies[i], want)
		}
		if got, err := Append(nil, []byte(bodies[i])); err == nil {
			t.Errorf("%q: Node.js refuses it, we write %q", bodies[i], got)
		}
	}
}

// refused stands for a text that JSON.parse threw at.
const refused = "refused"

// stringify has Node.js parse and write JSON texts, all in one process, and
// checks that it writes the same again.
func stringify(t *testing.T, bodies []string) []string {
	t.Helper()
	var in bytes.Buffer
	for _, body := range bodies {
		fmt.Fprintln(&in, base64.StdEncoding.EncodeToString([]byte(body)))
	}
	const script = `
		const { TextDecoder } = require("util"), utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
		const again = text => JSON.stringify(JSON.parse(text));
		require("readline").createInterface({ input: process.stdin }).on("line", line => {
			const text = utf8.decode(Buffer.from(line, "base64"));
			let out = "` + refused + `";
			try { out = again(text); } catch (e) { if (!(e instanceof SyntaxError)) throw e; }
			if (out !== "` + refused + `" && again(out) !== out) throw new Error("no fixed point: " + out);
			process.stdout.write(Buffer.from(out, "utf8").toString("base64") + "\n");
		});`
	node := exec.Command("node", "-e", script)
	node.Stdin = &in
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		t.Fatalf("this test needs Node.js, as node on the PATH: %v\n%s", err, &stderr)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(bodies) {
		t.Fatalf("Node.js answered %d of %d texts", len(lines), len(bodies))
	}
	for i, line := range lines {
		text, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = string(text)
	}
	return lines
}

// awkward lists bodies that serialisers disagree about.
func awkward() []string {
	bodies := []string{
		`{}`, `{"a":null}`, `{ "a" : [ ] }`, `{"a":1,"a":2}`, `{"b":1,"2":1,"1":1,"a":1}`, `{"__proto__":{"x":1},"constructor":1,"toString":2}`,
		`{"4294967294":1,"4294967295":2,"0":3,"00":4,"-0":5,"1.0":6,"1e3":7}`, `{"a":{"9":1,"8":{"b":1,"7":1}}}`, `{"\u0061":1,"a":2}`, `{"":1," ":2}`,
		`{"\ud83d\ude00":1,"\u00e9":2,"é":3}`, `[[[[[[]]]]]]`, `[true,false,null]`, ` "x" `, "\r\n\t [ ]\n", `{"a":{"a":1,"a":{"a":2}}}`, `{"9":1,"a":2,"9":3,"a":4}`,
		`{"4294967296":1,"4294967293":2,"42949672940":3,"2147483648":4,"2147483647":5}`, `{"\ud800":1,"\udc00":2,"\uD800":3}`, `{"\u0000":1,"\u0000\u0000":2,"":3}`,
		`{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6,"g":7,"h":8,"i":9,"j":10,"k":11,"l":12,"m":13,"n":14,"o":15,"p":16,"q":17,"r":18,"s":19,"t":20,"u":21,"v":22,"w":23,"x":24,"y":25,"a":26}`,
		`{"toJSON":1,"length":2,"prototype":{"toJSON":null},"hasOwnProperty":3,"__proto__":null,"__proto__":[1]}`, `{"1":[{"b":1,"1":2}],"0":{"1":1,"0":0}}`,
		`{"\u0030":1,"x":2,"0":3}`, `{"é":1,"e\u0301":2}`, `[1e0,10e-1,0.1e1,1.0E-0,0e99,-0e-99,0E+0]`, strings.Repeat("[", 500) + strings.Repeat("]", 500),
	}
	for _, s := range []string{
		`\/`, `/`, `\u002f`, `\u2028\u2029`, "\u2028\u2029", `\u0000`, `\u001f`, `\u007f`, "\x7f", `\b\f\n\r\t\"\\`, `\u0008\u000C\u000A`, `<script>&amp;`, `\ud800`, `\udc00`,
		`\ud800\ud800`, `\udc00\ud800`, `\ud83d\ude00`, `\uD83D\uDE00`, "😀", `\ufeff`, "\ufeff", `\ufffd`, `\uffff`, "é", "e\u0301", `\u00ad`, `\u0130`, "中文", "\U0010ffff", `\uFFFE\u200d`, `\ud83d\ud83d\ude00`, `a\\ud800`, `\\\\\"\\`,
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

package config

import "testing"

// TestLinesBehindTexts holds texts of several lines, comments, quotes and flow
// to leave the lines of what follows right; what is unclear has no line (0).
func TestLinesBehindTexts(t *testing.T) {
	for _, test := range []struct {
		ending, text string
		want         map[string]int
	}{
		{"yaml", "database: |\n  egress:\n    allow: x\nlisten: x\r\n'egress':\n# allow: x\n  \"allow\" : [x]\n\n  resolver:\nlog: {level: x}\n",
			map[string]int{"listen": 4, "egress.allow": 7, "egress.resolver": 9, "log": 10, "log.level": 0}},
		{"yaml", "a:\n  b:\n    listen: x\n  c: 1\nlisten: x\n  # end\nhttp://listen: x\n",
			map[string]int{"listen": 5, "a.b.listen": 3, "a.c": 4}},
		{"toml", "database = '''\n[retry]\nlisten = x\n'''\nlisten = 'x'\nx = \"\"\"one line\"\"\"\n[ log ] # of ours\n\"level\" = 'x'\n",
			map[string]int{"listen": 5, "log.level": 8, "retry.listen": 0}},
		{"json", "{\"egress.allow\": [{\"listen\": 1}, [\"listen\"]],\n\"listen\": \"listen\",\n\"log\": {\"level\":\n{}}, \"retry\":\n{\"base\": null}}",
			map[string]int{"egress.allow": 1, "listen": 2, "log.level": 3, "retry.base": 5}},
	} {
		got := locate([]byte(test.text), test.ending)
		for key, line := range test.want {
			if got[key] != line {
				t.Errorf("%s %q: %s is on line %d, not %d", test.ending, test.text, key, got[key], line)
			}
		}
	}
}

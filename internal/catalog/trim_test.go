package catalog

import (
	"testing"

	"sealpost/internal/ecmajson"
)

func TestTrim(t *testing.T) {
	tests := []struct{ in, want string }{
		{`""`, `""`},
		{`"  "`, `""`},
		{`"a"`, `"a"`},
		{`" a b "`, `"a b"`},
		{`"\t\n\u000b\f\r a\t\n"`, `"a"`},
		{`"a\\t"`, `"a\\t"`},
		{`"a\\\t"`, `"a\\"`},
		{`"\"a\" "`, `"\"a\""`},
		{`" \ud800 "`, `"\ud800"`},
		{`"\u0000 "`, `"\u0000"`},
		{"\"\u00a0\u3000\ufeff\u2028é\u2029\"", `"é"`},
		{`null`, `null`},
		{`5`, `5`},
	}
	for _, test := range tests {
		got := trim([]byte(test.in))
		if string(got) != test.want {
			t.Errorf("trim(%s) is %s, want %s", test.in, got, test.want)
		}
		if !ecmajson.Exact(got) {
			t.Errorf("trim(%s) is not canonical: %s", test.in, got)
		}
	}
}

package main

import (
	"strings"
	"testing"
)

func TestReadMembers(t *testing.T) {
	const one, two = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359"
	for name, c := range map[string]struct {
		text string
		want string // wallet:role of each, or the faults
	}{
		"CSV":                 {"address,role\n" + one + ",admin\n" + two + ",owner\n", one + ":admin " + two + ":owner"},
		"other columns":       {"\ufeffName, Role ,ADDRESS\r\nA, admin ," + one + "\r\n", one + ":admin"},
		"no role":             {"address\n" + strings.ToLower(one) + "\n", one + ":member"},
		"JSON":                {` [{"address":"` + one + `","role":"admin","name":"A"},{"address":"` + two + `"}]`, one + ":admin " + two + ":member"},
		"every fault":         {"address,role\nx,admin\n" + one + ",king\n", `row 1: address "x" is not 0x and 40 hex digits` + "\n" + `row 2: role "king" is none of owner, admin and member`},
		"publishers":          {"address,role\n" + one + ",publisher\n", `row 1: role "publisher" is none of owner, admin and member`},
		"a mistyped checksum": {"address\n" + one[:41] + "D\n", `row 1: "` + one[:41] + `D" has a wrong checksum (EIP-55); a digit or a letter's case is mistyped`},
		"no column":           {"wallet\n" + one + "\n", `the header "wallet" names no column address`},
		"a short row":         {"address,role\n" + one + "\n", "record on line 2: wrong number of fields"},
		"nothing":             {"", "neither a JSON list nor CSV with a header: EOF"},
		"a header alone":      {"address\n", "no members in it"},
		"an empty list":       {"[]", "no members in it"},
	} {
		wanted, err := readMembers([]byte(c.text))
		var got []string
		for _, w := range wanted {
			got = append(got, w.Address.String()+":"+string(w.Role))
		}
		text := strings.Join(got, " ")
		if err != nil {
			text = err.Error()
		}
		if text != c.want {
			t.Errorf("%s:\n got %s\nwant %s", name, text, c.want)
		}
	}
}

// FuzzReadMembers holds that whatever is read is a wallet with a role that
// people can have.
func FuzzReadMembers(f *testing.F) {
	f.Add("address,role\n0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed,admin\n")
	f.Add(`[{"address":"0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed","role":"owner"}]`)
	f.Add("role,address\n\"a\nb\",0x\n")
	f.Add("[null,{}]")
	f.Fuzz(func(t *testing.T, text string) {
		wanted, err := readMembers([]byte(text))
		if err == nil && len(wanted) == 0 {
			t.Error("nobody, and no fault")
		}
		for _, w := range wanted {
			if !w.Role.ForMembers() {
				t.Errorf("role %q", w.Role)
			}
		}
	})
}

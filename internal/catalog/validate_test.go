package catalog

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestValidate changes one thing in a sample and expects the one fault.
func TestValidate(t *testing.T) {
	tests := map[string]struct {
		typ     string
		changes map[string]any
		want    string // "path rule"; empty for none
	}{
		"as it is":                 {typ: "transaction.created"},
		"optional absent":          {typ: "transaction.created", changes: map[string]any{"spend.merchantCity": gone, "spend.authorizedAt": gone, "spend.exchangeRate": gone}},
		"optional null":            {typ: "transaction.created", changes: map[string]any{"spend.merchantCity": nil, "spend.authorizedAmount": nil, "spend.exchangeRate": nil}},
		"negative amounts":         {typ: "transaction.completed", changes: map[string]any{"spend.amount": -1, "spend.authorizedAmount": -1}},
		"force capture":            {typ: "transaction.completed", changes: map[string]any{"spend.authorizedAmount": gone}},
		"integer with a fraction":  {typ: "transaction.created", changes: map[string]any{"spend.amount": 1.5}, want: "spend.amount type"},
		"text for a number":        {typ: "transaction.created", changes: map[string]any{"spend.amount": "1"}, want: "spend.amount type"},
		"required null":            {typ: "transaction.created", changes: map[string]any{"spend.amount": nil}, want: "spend.amount type"},
		"required absent":          {typ: "transaction.created", changes: map[string]any{"spend.cardId": gone}, want: "spend.cardId required"},
		"authorizedAt of updated":  {typ: "transaction.updated", changes: map[string]any{"spend.authorizedAt": gone}, want: "spend.authorizedAt required"},
		"update amount":            {typ: "transaction.updated", changes: map[string]any{"spend.authorizationUpdateAmount": gone}, want: "spend.authorizationUpdateAmount required"},
		"not a time":               {typ: "transaction.updated", changes: map[string]any{"spend.authorizedAt": "yesterday"}, want: "spend.authorizedAt format"},
		"other currency":           {typ: "transaction.created", changes: map[string]any{"spend.currency": "eur"}, want: "spend.currency const"},
		"long local currency":      {typ: "transaction.created", changes: map[string]any{"spend.localCurrency": "euro"}, want: "spend.localCurrency pattern"},
		"status of another action": {typ: "transaction.created", changes: map[string]any{"spend.status": "completed"}, want: "spend.status enum"},
		"unknown field":            {typ: "transaction.created", changes: map[string]any{"spend.userId": "u"}, want: "spend.userId additionalProperties"},
		"unknown field on top":     {typ: "transaction.created", changes: map[string]any{"note": "u"}, want: "note additionalProperties"},
		"declinedReason when done": {typ: "transaction.completed", changes: map[string]any{"spend.declinedReason": "x"}, want: "spend.declinedReason additionalProperties"},
		"exchangeRate of updated":  {typ: "transaction.updated", changes: map[string]any{"spend.exchangeRate": 1}, want: "spend.exchangeRate additionalProperties"},
		"rate of one currency":     {typ: "transaction.created", changes: map[string]any{"spend.localCurrency": "USD"}, want: "spend.exchangeRate type"},
		"no rate of one currency":  {typ: "transaction.completed", changes: map[string]any{"spend.localCurrency": "usd", "spend.exchangeRate": gone}},
		"largest safe integer":     {typ: "transaction.created", changes: map[string]any{"spend.amount": number("9007199254740992")}},
		"beyond it":                {typ: "transaction.created", changes: map[string]any{"spend.amount": number("9007199254740993")}, want: "spend.amount safe-integer"},
		"beyond it, negative":      {typ: "transaction.created", changes: map[string]any{"spend.amount": number("-9007199254740993")}, want: "spend.amount safe-integer"},
		"beyond it, with exponent": {typ: "transaction.created", changes: map[string]any{"spend.amount": number("1e300")}, want: "spend.amount safe-integer"},
		"a number without end":     {typ: "transaction.created", changes: map[string]any{"spend.amount": number(strings.Repeat("9", 100_000))}, want: "spend.amount safe-integer"},
		"last4 of 5":               {typ: "card.updated", changes: map[string]any{"last4": "12345"}, want: "last4 maxLength"},
		"frequency":                {typ: "card.updated", changes: map[string]any{"limit.frequency": "daily"}, want: "limit.frequency enum"},
		"wallet":                   {typ: "card.updated", changes: map[string]any{"tokenWallets": []string{"Apple", "Samsung"}}, want: "tokenWallets.1 enum"},
		"wallets null":             {typ: "card.updated", changes: map[string]any{"tokenWallets": nil}},
		"wallets none":             {typ: "card.updated", changes: map[string]any{"tokenWallets": []string{}}},
		"extra in limit":           {typ: "card.updated", changes: map[string]any{"limit.x": 1}, want: "limit.x additionalProperties"},
		"provider's status":        {typ: "card.updated", changes: map[string]any{"status": "active"}, want: "status enum"},
		"application":              {typ: "user.updated", changes: map[string]any{"applicationStatus": "ok"}, want: "applicationStatus enum"},
		"provider's id":            {typ: "user.updated", changes: map[string]any{"id": "u"}, want: "id additionalProperties"},
		"name":                     {typ: "user.updated", changes: map[string]any{"firstName": "Jane"}, want: "firstName additionalProperties"},
	}
	c := must(New(Options{}))
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			typ, _ := c.Type(test.typ)
			var got []string
			for _, f := range c.Validate(test.typ, []byte(with(t, string(typ.Sample), test.changes))) {
				if f.Message == "" || len(f.Value) > 2*maxShown {
					t.Errorf("fault %+v lacks a message or shows too much", f)
				}
				got = append(got, f.Path+" "+f.Rule)
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("faults are %q, want %q", got, test.want)
			}
		})
	}
}

// TestValidateAllAtOnce: one answer names everything that is wrong, in order
// of paths, with the rule, the value and what to do.
func TestValidateAllAtOnce(t *testing.T) {
	c := must(New(Options{}))
	got := c.Check("card.updated", []byte(`{"id":7,"lastfour":"1234","limit":{"amount":"x","frequency":"never"},"tokenWallets":["Apple",1],"status":"ACTIVE"}`))
	want := []string{
		`id: must be a string, is 7`,
		`last4: is missing`,
		`lastfour: is not a field of this type, is "1234"`,
		`limit.amount: must be an integer, is "x"`,
		`limit.frequency: must be one of "per24HourPeriod", "per7DayPeriod", "per30DayPeriod", "perYearPeriod", "allTime", "perAuthorization", is "never"`,
		`tokenWallets.1: must be a string, is 1`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("faults are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestValidateSlip(t *testing.T) {
	c := must(New(Options{}))
	got := c.Check("transaction.created", []byte(with(t, sampleOf(t, c, "transaction.created"), map[string]any{"spend.ammount": 1})))
	if len(got) != 1 || !strings.Contains(got[0], "did you mean spend.amount?") {
		t.Errorf("faults are %q", got)
	}
	got = c.Check("transaction.created", []byte(with(t, sampleOf(t, c, "transaction.created"), map[string]any{"spend.localCurrency": "usd"})))
	if len(got) != 1 || !strings.Contains(got[0], "only when currency and localCurrency differ") {
		t.Errorf("faults are %q", got)
	}
}

// TestValidateBounded: a hostile body makes neither a long answer nor a long
// line.
func TestValidateBounded(t *testing.T) {
	c := must(New(Options{}))
	var body strings.Builder
	body.WriteString(`{"id":"` + strings.Repeat("é", 10_000) + `","` + strings.Repeat("á", 10_000) + `":1`)
	for i := range 5000 {
		fmt.Fprintf(&body, `,"x%d":"%s"`, i, strings.Repeat("y", 100))
	}
	body.WriteString("}")
	lines := c.Check("user.updated", []byte(body.String()))
	if len(lines) != maxFaults+1 || !strings.Contains(lines[maxFaults], "more") {
		t.Fatalf("there are %d faults, the last %q", len(lines), lines[len(lines)-1])
	}
	for _, line := range lines {
		if len(line) > 400 || !utf8.ValidString(line) {
			t.Errorf("a fault of %d bytes", len(line))
		}
	}
}

// TestPaths: two fields never have one path.
func TestPaths(t *testing.T) {
	tests := []struct {
		steps []string
		want  string
	}{
		{nil, ""},
		{[]string{"spend", "amount"}, "spend.amount"},
		{[]string{"tokenWallets", "0"}, "tokenWallets.0"},
		{[]string{"spend.amount"}, `["spend.amount"]`},
		{[]string{"a", "b.c", "d"}, `a["b.c"].d`},
		{[]string{"", "x"}, `[""].x`},
		{[]string{"a", "\u2028"}, `a["\u2028"]`},
		{[]string{"a[\"b\"]"}, `["a[\"b\"]"]`},
	}
	for _, test := range tests {
		if got := join(test.steps); got != test.want {
			t.Errorf("the path of %q is %s, want %s", test.steps, got, test.want)
		}
	}
}

func TestValidateNotJSON(t *testing.T) {
	c := must(New(Options{}))
	for _, body := range []string{"", "{", `{"id":1}x`, "\xff", `[]`, `null`, strings.Repeat("[", 600), `{"id":1e999}`} {
		if faults := c.Validate("user.updated", []byte(body)); len(faults) == 0 {
			t.Errorf("%.20q fits", body)
		}
	}
}

func TestStrict(t *testing.T) {
	open, strict := must(New(Options{})), must(New(Options{Strict: true}))
	if faults := open.Validate("order.paid", []byte("not even JSON")); faults != nil {
		t.Errorf("an unknown type was judged: %v", faults)
	}
	if lines := open.Check("order.paid", nil); lines != nil {
		t.Errorf("an unknown type was judged: %v", lines)
	}
	faults := strict.Validate("transaction.create", []byte("{}"))
	if len(faults) != 1 || faults[0].Rule != "strict" || !strings.Contains(faults[0].Message, "did you mean transaction.created?") {
		t.Errorf("faults are %v", faults)
	}
	if faults := strict.Validate("user.updated", []byte(sampleOf(t, strict, "user.updated"))); faults != nil {
		t.Errorf("a known type was refused: %v", faults)
	}
}

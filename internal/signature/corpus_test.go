package signature

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sealpost/internal/secret"
)

var reportCorpus = flag.Bool("corpus", false, "print what the corpus of wrong requests gets, by family")

// wrongCase is a request that went wrong, as a real program made it. How the cases
// are made stands in testdata/corpus/generate.py.
type wrongCase struct {
	Family   string            `json:"family"`
	Name     string            `json:"name"`
	Secret   string            `json:"secret"`
	Headers  map[string]string `json:"headers"`
	Body     string            `json:"body"`
	Base64   []byte            `json:"body_base64"`
	Computed string            `json:"computed"`
	Stored   string            `json:"stored"`
	Must     []string          `json:"must"`  // one of these is proven
	May      []string          `json:"may"`   // what may be proven beside it
	Lossy    bool              `json:"lossy"` // nothing can tell what was signed: nothing is proven
}

func (c *wrongCase) inquiry() Inquiry {
	q := Inquiry{Request: Request{Headers: map[string][]string{}, Body: []byte(c.Body), Tolerance: -1, At: time.Unix(1767608430, 0),
		Secrets: []Candidate{{Name: "the given secret", Secret: secret.New(c.Secret), Accept: true}}}, Computed: c.Computed}
	if c.Base64 != nil {
		q.Body = c.Base64
	}
	if c.Stored != "" {
		q.Stored = []byte(c.Stored)
	}
	for name, value := range c.Headers {
		q.Headers[name] = []string{value}
	}
	return q
}

func wrongCases(t *testing.T) (cases []wrongCase) {
	file, err := os.Open(filepath.Join("testdata", "corpus", "cases.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c wrongCase
		if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	return cases
}

// family counts the answers to the cases of one kind.
type family struct{ named, suspected, unknown, undetermined, wrong int }

// facts are causes that say what stands in a request, not why its value differs.
var facts = []string{CodeSchemeOther, CodeTimestampMilliseconds, CodeTimestampUnreadable, CodeTimestampStale, CodeBodyDiffers}

// TestCorpus holds the explanation to what real programs do: what can be inverted
// or recomputed is proven, by the right code, and nothing else is.
func TestCorpus(t *testing.T) {
	cases := wrongCases(t)
	if len(cases) < 400 {
		t.Errorf("%d cases are too few", len(cases))
	}
	families := map[string]*family{}
	var order []string
	determined, named := 0, 0
	for i := range cases {
		c := &cases[i]
		f := families[c.Family]
		if f == nil {
			f = &family{}
			families[c.Family] = f
			order = append(order, c.Family)
		}
		r := Explain(c.inquiry())
		var proven []string
		suspected := false
		for _, cause := range r.Causes {
			switch {
			case cause.Certainty == Proven && (!slices.Contains(facts, cause.Code) || slices.Contains(c.Must, cause.Code)):
				proven = append(proven, cause.Code)
			case cause.Certainty == Suspected && cause.Code != CodeUnknown && cause.Code != CodeComputedUnknown && cause.Code != CodeSecretOverlap:
				suspected = true
			}
			if cause.Fix == "" || len(cause.Evidence) > 2000 || strings.Contains(cause.Evidence, secretIn(c)) {
				t.Errorf("%s: %s: %+v", c.Family, c.Name, cause)
			}
		}
		hit := slices.ContainsFunc(proven, func(code string) bool { return slices.Contains(c.Must, code) })
		stray := slices.ContainsFunc(proven, func(code string) bool { return !slices.Contains(c.Must, code) && !slices.Contains(c.May, code) })
		if !c.Lossy {
			determined++
		}
		switch {
		case stray || len(proven) > 0 && !hit && len(c.Must) > 0:
			f.wrong++
			t.Errorf("%s: %s proves %v, not one of %v: %+v", c.Family, c.Name, proven, c.Must[:min(len(c.Must), 3)], r.Causes)
		case hit:
			f.named++
			if !c.Lossy {
				named++
			}
		case suspected:
			f.suspected++
		default:
			f.unknown++
		}
		if !c.Lossy && !hit && *reportCorpus {
			fmt.Fprintf(os.Stdout, "not named: %s: %s\n", c.Family, c.Name)
		}
		if c.Lossy {
			f.undetermined++
		}
	}
	if 10*named < 9*determined {
		t.Errorf("%d of %d are named, less than 90 %%", named, determined)
	}
	if *reportCorpus {
		fmt.Fprintf(os.Stdout, "%-16s %7s %10s %8s %6s   of them can't be known\n", "family", "named", "suspected", "unknown", "wrong")
		for _, name := range order {
			f := families[name]
			fmt.Fprintf(os.Stdout, "%-16s %7d %10d %8d %6d   %d\n", name, f.named, f.suspected, f.unknown, f.wrong, f.undetermined)
		}
		fmt.Fprintf(os.Stdout, "%d cases; of %d that can be inverted or recomputed %d are named (%.1f %%)\n", len(cases), determined, named, 100*float64(named)/float64(determined))
	}
}

func secretIn(c *wrongCase) string { return c.Secret }

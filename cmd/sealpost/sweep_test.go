package main

import (
	"encoding/json"
	"io"
	"maps"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sealpost/test/story"

	"github.com/charmbracelet/lipgloss"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The sweep goes over the whole command tree with the real program: in a pipe
// and on a terminal, rightly and wrongly used. What it holds every command to
// stands in `sealpost help output` and `sealpost help exit-codes`. A new command
// is in it by itself, and fails it until [visits] says what to call it with.

// tree is the command tree, completion and help included.
func tree() *cobra.Command {
	root := newRoot(&app{streams: streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, now: time.Now})
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	return root
}

// commands lists what is below a command, itself included.
func commands(cmd *cobra.Command) []*cobra.Command {
	found := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		found = append(found, commands(sub)...)
	}
	return found
}

// name is a command's path without the program's name.
func name(cmd *cobra.Command) string {
	return strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), "sealpost"), " ")
}

// aboard runs f for every item, as many at a time as the machine likes.
func aboard[T any](items []T, f func(T)) {
	var wg sync.WaitGroup
	places := make(chan struct{}, 2*runtime.NumCPU())
	for _, item := range items {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			f(item)
		})
	}
	wg.Wait()
}

// calls are all ways in which the sweep calls commands that do something.
func (w *world) calls(t *testing.T) (all []call) {
	t.Helper()
	seen := map[string]bool{}
	for _, cmd := range commands(tree()) {
		n := name(cmd)
		if seen[n] = true; cmd.HasSubCommands() {
			all = append(all, call{visit{text: false}, w.words(n)})
			continue
		}
		v, found := visits[n]
		if !found {
			t.Errorf("the sweep does not know what to call %q with; say it in visits", cmd.CommandPath())
			continue
		}
		all = append(all, call{v, append(strings.Fields(n), w.words(v.args)...)})
	}
	for n := range visits {
		if !seen[n] {
			t.Errorf("visits names %q, and there is no such command", n)
		}
	}
	for _, v := range beside {
		all = append(all, call{v, w.words(v.args)})
	}
	return all
}

// call is a visit with its words.
type call struct {
	visit
	words []string
}

func (c call) with(words ...string) []string { return append(slices.Clone(c.words), words...) }

var (
	escape  = regexp.MustCompile("\x1b")
	colour  = regexp.MustCompile("\x1b\\[[0-9;]*m")
	rfc3339 = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`)
	border  = "╭│├╰"
)

// TestSweep goes over the tree in four ways.
func TestSweep(t *testing.T) {
	w := newWorld(t)
	t.Run("Rightly", w.rightly)
	t.Run("Mistakes", w.mistakes)
	t.Run("NothingThere", w.nothingThere)
	t.Run("Completion", w.completion)
}

// rightly calls every command as it is meant to be.
func (w *world) rightly(t *testing.T) {
	aboard(w.calls(t), func(c call) {
		yes := c.words
		if c.asks {
			yes = c.with("-y")
			w.unconfirmed(t, c)
		}
		for _, form := range []string{"json", "jsonl"} {
			r := outing{world: w, args: append(slices.Clone(yes), "-v", "-o", form), stdin: c.stdin}.run(t)
			if r.code != c.code {
				t.Errorf("%q -o %s ends with %d, not %d: %s", c.words, form, r.code, c.code, r.errs)
			}
			if !c.text {
				parses(t, c, form, r)
			}
		}
		r := outing{world: w, args: yes, stdin: c.stdin}.run(t)
		if escape.MatchString(r.out + r.errs) {
			t.Errorf("%q has colours in a pipe:\n%s", c.words, r.out+r.errs)
		}
		if q := (outing{world: w, args: append(slices.Clone(yes), "-q"), stdin: c.stdin}).run(t); q.errs != "" && !slices.Contains([]int{exitUsage, exitNotFound, exitEnvironment, exitTimeout}, c.code) {
			t.Errorf("%q -q is not quiet: %s", c.words, q.errs)
		}
		if r := (outing{world: w, args: yes, stdin: c.stdin, deaf: true}).run(t); r.killed != syscall.SIGPIPE && r.code != c.code || strings.Contains(r.errs, "pipe") || strings.Contains(r.errs, "panic") {
			t.Errorf("%q with nobody reading ends with %d %s: %s", c.words, r.code, r.killed, r.errs)
		}
		w.onTerminals(t, c, yes, r)
	})
}

// parses holds standard output to the form that was asked for, and standard
// error to JSON as soon as it tells of an error.
func parses(t *testing.T, c call, form string, r outcome) {
	t.Helper()
	failed := r.code != exitDone && r.out == ""
	if !failed {
		for i, line := range strings.Split(strings.TrimSuffix(r.out, "\n"), "\n") {
			if form == "json" && i > 0 {
				break
			}
			if form == "json" {
				line = r.out
			}
			if !json.Valid([]byte(line)) {
				t.Errorf("%q -o %s does not print JSON:\n%q\n%s", c.words, form, line, r.errs)
				break
			}
		}
		return
	}
	lines := strings.Split(strings.TrimSpace(r.errs), "\n")
	told(t, c.words, r.code, lines[len(lines)-1])
}

// told holds an error to the form that scripts rely on.
func told(t *testing.T, words []string, code int, text string) {
	t.Helper()
	var got struct{ Error *fault }
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&got); err != nil || got.Error == nil || got.Error.Code == "" || got.Error.Message == "" || got.Error.Exit != code || decoder.More() {
		t.Errorf("%q ends with %d and tells of it so: %s", words, code, text)
	}
}

// unconfirmed leaves the confirmation out: without a terminal nothing is asked
// and nothing happens; on one a question is asked, and no means no.
func (w *world) unconfirmed(t *testing.T, c call) {
	t.Helper()
	r := outing{world: w, args: c.with("-o", "json"), stdin: c.stdin}.run(t)
	if r.code != exitConflict || r.out != "" || !strings.Contains(r.errs, "-y") {
		t.Errorf("%q asks nobody and ends with %d: %s%s", c.words, r.code, r.out, r.errs)
	}
	told(t, c.words, r.code, r.errs)
	asked := outing{world: w, args: c.words, tty: 80, reply: "n\n"}.run(t)
	if asked.code != exitConflict || !strings.Contains(asked.out, "[y/N]") {
		t.Errorf("%q asked on a terminal and answered with no ends with %d:\n%s", c.words, asked.code, asked.out)
	}
	never := outing{world: w, args: c.with("--no-input"), tty: 80}.run(t)
	if never.code != exitConflict || strings.Contains(never.out, "[y/N]") {
		t.Errorf("%q --no-input ends with %d:\n%s", c.words, never.code, never.out)
	}
	if len(r.changed)+len(asked.changed)+len(never.changed) > 0 {
		t.Errorf("%q without a yes changes %q %q %q", c.words, r.changed, asked.changed, never.changed)
	}
}

// onTerminals shows a command on a narrow, a usual and a wide terminal.
func (w *world) onTerminals(t *testing.T, c call, yes []string, piped outcome) {
	t.Helper()
	table := strings.ContainsAny(piped.out, border)
	for _, screen := range []struct {
		columns int
		env     []string
		args    []string
		plain   bool
	}{
		{columns: 40},
		{columns: 80, env: []string{"NO_COLOR=1"}, plain: true},
		{columns: 200, args: []string{"--color", "never"}, plain: true},
	} {
		if c.stdin != "" || c.text || !table && screen.columns != 80 {
			continue
		}
		r := outing{world: w, args: append(slices.Clone(yes), screen.args...), env: screen.env, tty: screen.columns}.run(t)
		if r.code != c.code {
			t.Errorf("%q on a terminal ends with %d, not %d:\n%s", c.words, r.code, c.code, r.out)
		}
		if coloured := colour.MatchString(r.out); coloured && screen.plain || !coloured && !screen.plain {
			t.Errorf("%q with %q %q has colours: %v\n%s", c.words, screen.env, screen.args, coloured, r.out)
		}
		if strings.Contains(r.out, "\x1b]") || strings.Contains(r.out, "\x1b[6n") {
			t.Errorf("%q asks the terminal something, and would wait for an answer:\n%q", c.words, r.out)
		}
		if table && rfc3339.MatchString(r.out) && !strings.Contains(strings.Join(c.words, " "), "--dry-run") {
			t.Errorf("%q shows a time on a terminal as in data:\n%s", c.words, r.out)
		}
		for _, header := range tableHeaders(piped.out) {
			if strings.ContainsAny(r.out, border) && !strings.Contains(r.out, header) {
				t.Errorf("%q cuts the header %s on a terminal of %d:\n%s", c.words, header, screen.columns, r.out)
			}
		}
		for line := range strings.Lines(r.out) {
			if width := lipgloss.Width(strings.TrimRight(line, "\r\n")); strings.ContainsAny(line, border) && width > screen.columns {
				t.Errorf("%q has a table of %d columns on a terminal of %d:\n%s", c.words, width, screen.columns, r.out)
				break
			}
		}
	}
	if table {
		if r := (outing{world: w, args: append(slices.Clone(yes), "--color", "always")}).run(t); !escape.MatchString(r.out) {
			t.Errorf("%q --color always has none:\n%s", c.words, r.out)
		}
	}
}

// tableHeaders are the headers of the first table in a text.
func tableHeaders(text string) (headers []string) {
	_, text, _ = strings.Cut(text, "╭")
	lines := strings.SplitN(text, "\n", 3)
	if len(lines) < 2 {
		return nil
	}
	for cell := range strings.SplitSeq(lines[1], "│") {
		if cell = strings.TrimSpace(cell); cell != "" {
			headers = append(headers, cell)
		}
	}
	return headers
}

// mistakes mistypes every command: exit code 2, told in the form that
// was asked for, also when the asking comes after the mistake.
func (w *world) mistakes(t *testing.T) {
	var mistakes [][]string
	for _, cmd := range commands(tree()) {
		words := strings.Fields(name(cmd))
		if cmd.HasSubCommands() {
			for _, sub := range cmd.Commands() {
				mistakes = append(mistakes, append(slices.Clone(words), sub.Name()+"x"))
			}
		} else {
			v := visits[name(cmd)]
			mistakes = append(mistakes, append(append(slices.Clone(words), w.words(v.args)...), "one-more", "and-more"))
		}
		mistakes = append(mistakes, append(slices.Clone(words), "--no-such-flag"), append(slices.Clone(words), "--no-such-flag=1", "x"), append(slices.Clone(words), "-Z"))
	}
	mistakes = append(mistakes, []string{"webhook", "list", "--color", "blue"}, []string{"webhook", "list", "--listen"})
	aboard(mistakes, func(words []string) {
		args := append(slices.Clone(words), "--output=json")
		if words[len(words)-1] == "--listen" { // it would take the next word for its value
			args = append([]string{"-ojson"}, words...)
		}
		r := outing{world: w, args: args}.run(t)
		if r.code != exitUsage || r.out != "" {
			t.Errorf("%q ends with %d and prints %q", words, r.code, r.out)
		}
		told(t, words, r.code, r.errs)
		if len(r.changed) > 0 {
			t.Errorf("%q changes %q", words, r.changed)
		}
	})
}

// TestAskedFor reads --output where the rest can't be read.
func TestAskedFor(t *testing.T) {
	for line, want := range map[string]string{
		"": "table", "-o json --x": "json", "--x -ojson": "json", "--x -o=jsonl": "jsonl", "--x --output=json": "json", "--x --output json": "json",
		"-o json -o table": "table", "--x -- -o json": "table", "--x -o": "table", "--org json": "table",
	} {
		if got := askedFor(strings.Fields(line), "table"); got != want {
			t.Errorf("%q asks for %s, not %s", line, got, want)
		}
	}
}

// nothingThere calls every command without a database and without an
// answer on standard input: it ends, and reading never makes one.
func (w *world) nothingThere(t *testing.T) {
	makes := []string{"credential import", "credential link", "db restore", "member add", "member import", "org create", "publish", "token create", "webhook apply", "webhook create", "webhook import"}
	for _, cmd := range commands(tree()) {
		if n := name(cmd); slices.Contains(makes, n) && cmd.HasSubCommands() {
			t.Errorf("%q is a group", n)
		}
	}
	aboard(slices.Sorted(maps.Keys(visits)), func(n string) {
		v := visits[n]
		r := outing{world: w, args: append(append(strings.Fields(n), w.words(v.args)...), "-o", "json"), stdin: v.stdin, empty: true}.run(t)
		if made := slices.Contains(r.changed, "sealpost.db"); made && !slices.Contains(makes, n) {
			t.Errorf("%q makes a database: %d %s", n, r.code, r.errs)
		}
		if r.code != exitDone && r.out == "" {
			told(t, []string{n}, r.code, lastLine(r.errs))
		}
	})
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// completion completes every argument and every flag, with a database
// and without one. It prints how long that took; what it asserts is the reason
// why it is quick: nothing is made, nothing is written, nobody is called.
func (w *world) completion(t *testing.T) {
	var lines [][]string
	for _, cmd := range commands(tree()) {
		words := strings.Fields(name(cmd))
		lines = append(lines, append(words, ""), append(slices.Clone(words), "--"))
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if _, found := cmd.GetFlagCompletionFunc(f.Name); found {
				lines = append(lines, append(slices.Clone(words), "--"+f.Name, ""))
			}
		})
	}
	var mu sync.Mutex
	var took []time.Duration
	aboard(lines, func(words []string) {
		for _, empty := range []bool{true, false} {
			r := outing{world: w, args: append([]string{"__complete"}, words...), empty: empty, watch: true}.run(t)
			if r.code != exitDone || len(r.changed)+len(r.touched) > 0 || strings.Contains(r.errs, "error") {
				t.Errorf("completing %q ends with %d, changes %q, touches %q, and says %s", words, r.code, r.changed, r.touched, r.errs)
			}
			mu.Lock()
			took = append(took, r.took)
			mu.Unlock()
		}
	})
	for words, want := range map[string]string{"webhook get": "orders\t" + w.hook, "publish --to": "failing"} {
		w.offers(t, strings.Fields(words), want)
	}
	slices.Sort(took)
	t.Logf("%d completions, each with the start of a process, many at a time: half within %s, all within %s", len(took), took[len(took)/2], took[len(took)-1])
}

// offers waits until a line is completed with a word. A completion that takes too
// long offers nothing, so a busy machine may need several.
func (w *world) offers(t *testing.T, words []string, want string) {
	t.Helper()
	for began := time.Now(); time.Since(began) < story.Patience; {
		r := outing{world: w, args: append(append([]string{"__complete"}, words...), "")}.run(t)
		for line := range strings.Lines(r.out) {
			if strings.HasPrefix(line, want) {
				return
			}
		}
	}
	t.Errorf("nobody offers %q after %q", want, words)
}

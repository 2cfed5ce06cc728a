package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/muesli/termenv"
	"golang.org/x/term"
)

// stdout is data, stderr is talk.

func (a *app) json() bool { return a.output == "json" || a.output == "jsonl" }

// say writes a line of talk.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.streams.err, "%s\n", talk(format, args))
	}
}

func (a *app) warn(format string, args ...any) {
	fmt.Fprintf(a.streams.err, "%s %s\n", unmarked(a.style(styleWarn, "warning:")), talk(format, args))
}

// printJSON writes one value: indented for -o json, on one line for jsonl.
func (a *app) printJSON(v any) error {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	if isTerminal(a.streams.out) {
		_, err := fmt.Fprint(a.streams.out, escaped(out.String())) // the same JSON
		return err
	}
	_, err := a.streams.out.Write(out.Bytes())
	return err
}

// printBytes writes exact bytes for another program; as JSON, the same in a text,
// or in base64 when they are none.
func (a *app) printBytes(name string, raw []byte) error {
	switch {
	case !a.json() && isTerminal(a.streams.out): // no program reads it
		_, err := fmt.Fprint(a.streams.out, escaped(string(raw)))
		return err
	case !a.json():
		_, err := a.streams.out.Write(raw)
		return err
	case utf8.Valid(raw):
		return a.printJSON(map[string]string{name: string(raw)})
	default:
		return a.printJSON(map[string][]byte{name + "_base64": raw})
	}
}

// print writes a line for people.
func (a *app) print(format string, args ...any) error {
	_, err := fmt.Fprintf(a.streams.out, "%s\n", talk(format, args))
	return err
}

// printText writes a text that a program may read: as it is in a pipe, and escaped on a
// terminal.
func (a *app) printText(text string) error {
	if isTerminal(a.streams.out) {
		text = escaped(text)
	}
	_, err := fmt.Fprintf(a.streams.out, "%s\n", text)
	return err
}

// printDrawn writes what a style has drawn. Parts from outside must be escaped in it.
func (a *app) printDrawn(text string) error {
	_, err := fmt.Fprintf(a.streams.out, "%s\n", unmarked(text))
	return err
}

// printFields writes names and values, one a line.
func (a *app) printFields(fields [][2]string) error {
	width := 0
	for _, f := range fields {
		width = max(width, lipgloss.Width(f[0]))
	}
	for _, f := range fields {
		if err := a.print("%s  %s", a.styleOut(styleName, f[0]+strings.Repeat(" ", width-lipgloss.Width(f[0]))), f[1]); err != nil {
			return err
		}
	}
	return nil
}

func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

func terminalWidth(stream any) int {
	file, ok := stream.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// wrapped breaks a text between words where a terminal would break it within
// them. In a pipe it stays whole.
func (a *app) wrapped(text string) string {
	width := terminalWidth(a.streams.out)
	if width == 0 {
		return text
	}
	return ansi.Wrap(text, width, "")
}

// colored decides about colours for a stream: --color, NO_COLOR, the terminal.
func (a *app) colored(stream any) bool {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	}
	for _, pair := range a.env {
		if strings.HasPrefix(pair, "NO_COLOR=") && pair != "NO_COLOR=" || pair == "TERM=dumb" {
			return false
		}
	}
	return isTerminal(stream)
}

func (a *app) renderer(stream io.Writer) *lipgloss.Renderer {
	r := lipgloss.NewRenderer(stream)
	r.SetColorProfile(termenv.Ascii)
	if a.colored(stream) {
		r.SetColorProfile(termenv.ANSI256)
	}
	r.SetHasDarkBackground(a.dark())
	return r
}

// dark goes by COLORFGBG, "foreground;background" in the 16 colours, which many
// terminals set. The terminal itself is not asked: one that doesn't answer costs
// five seconds, and one that answers late types into the user's next command.
func (a *app) dark() bool {
	for _, pair := range a.env {
		if value, found := strings.CutPrefix(pair, "COLORFGBG="); found {
			background := value[strings.LastIndexByte(value, ';')+1:]
			return background != "7" && background != "15"
		}
	}
	return true
}

// Styles by meaning; each has a light and a dark form.
type adaptive = lipgloss.AdaptiveColor

var (
	styleError = adaptive{Light: "160", Dark: "203"}
	styleWarn  = adaptive{Light: "130", Dark: "214"}
	styleHint  = adaptive{Light: "25", Dark: "75"}
	styleGood  = adaptive{Light: "28", Dark: "78"}
	styleName  = adaptive{Light: "240", Dark: "245"}
)

func (a *app) style(color lipgloss.AdaptiveColor, text string) string {
	return paint(a.renderer(a.streams.err), a.colored(a.streams.err), color, text)
}

func (a *app) styleOut(color lipgloss.AdaptiveColor, text string) string {
	return paint(a.renderer(a.streams.out), a.colored(a.streams.out), color, text)
}

// paint colours a text. Its sequences are marked, see [talk].
func paint(r *lipgloss.Renderer, colored bool, color lipgloss.AdaptiveColor, text string) string {
	text = escaped(text)
	if !colored {
		return text
	}
	return marked(r.NewStyle().Foreground(color).Render(text))
}

// when shows a time: RFC 3339 in data, relative on a terminal.
func (a *app) when(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	if a.json() || !isTerminal(a.streams.out) {
		return t.UTC().Format(time.RFC3339)
	}
	d := t.Sub(a.now())
	if d < 0 {
		return rough(-d) + " ago"
	}
	return "in " + rough(d)
}

// milliseconds shows a duration as data.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// took shows how long something took: never 0, which would say that nothing was done.
func took(d time.Duration) string {
	if d < time.Millisecond {
		return max(d.Round(time.Microsecond), time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// rough shows a time's two largest units.
func rough(d time.Duration) string {
	d = d.Round(time.Second)
	days, rest := d/(24*time.Hour), d%(24*time.Hour)
	switch {
	case days > 0 && days < 10 && rest >= time.Hour:
		return fmt.Sprintf("%dd%dh", days, rest/time.Hour)
	case days > 0:
		return fmt.Sprintf("%dd", days)
	case rest >= time.Hour:
		return strings.TrimSuffix(rest.Truncate(time.Minute).String(), "0s")
	default:
		return rest.String()
	}
}

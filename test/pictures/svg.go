package main

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"unicode/utf8"
)

// palette has the colours that the program uses, for a light and a dark page.
var palette = []struct{ code, light, dark string }{
	{"75", "#0969da", "#58a6ff"},  // hints
	{"78", "#1a7f37", "#3fb950"},  // good
	{"203", "#cf222e", "#ff7b72"}, // bad
	{"214", "#9a6700", "#d29922"}, // to look at
	{"240", "#afb8c1", "#484f58"}, // borders of tables
	{"245", "#656d76", "#8b949e"}, // labels
}

const (
	cell, row  = 8.4, 17 // a character of the font's size, and a line
	margin     = 18
	top        = 36 // the bar of the window
	windowTint = ".window{fill:%s;stroke:%s}.bar{fill:%s}text{fill:%s}.dim,.title{fill:%s}"
)

// draw makes the picture: one SVG that follows the reader's light or dark page.
// Each run has its place and length, so columns stand whatever the font.
func draw(title string, lines []line, columns int) []byte {
	width := float64(columns)*cell + 2*margin
	height := top + 2*margin + row*len(lines)
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" role="img" width="%.0f" height="%d" viewBox="0 0 %.0f %d">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>\n", html.EscapeString(title))
	b.WriteString("text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace;white-space:pre}\n")
	b.WriteString(".bold{font-weight:bold}.title{font-family:system-ui,sans-serif;font-size:13px;text-anchor:middle}\n")
	light, dark := colours(func(light, _ string) string { return light }), colours(func(_, dark string) string { return dark })
	fmt.Fprintf(&b, windowTint+"%s\n", "#ffffff", "#d0d7de", "#f6f8fa", "#1f2328", "#656d76", light)
	fmt.Fprintf(&b, "@media (prefers-color-scheme:dark){"+windowTint+"%s}\n", "#0d1117", "#30363d", "#161b22", "#e6edf3", "#8b949e", dark)
	b.WriteString("</style>\n")
	fmt.Fprintf(&b, `<rect class="window" x=".5" y=".5" width="%.0f" height="%d" rx="8"/>`+"\n", width-1, height-1)
	fmt.Fprintf(&b, `<path class="bar" d="M1 %d V8.5 a7.5 7.5 0 0 1 7.5 -7.5 H%.1f a7.5 7.5 0 0 1 7.5 7.5 V%d Z"/>`+"\n", top, width-8.5, top)
	for i, colour := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="%d" r="6" fill="%s"/>`+"\n", margin+6+i*20, top/2, colour)
	}
	fmt.Fprintf(&b, `<text class="title" x="%.0f" y="%d">%s</text>`+"\n", width/2, top/2+5, html.EscapeString(title))
	for i, l := range lines {
		at := 0
		for _, r := range l {
			n := utf8.RuneCountInString(r.text)
			if text := strings.TrimSpace(r.text); text != "" {
				blanks := utf8.RuneCountInString(r.text) - utf8.RuneCountInString(strings.TrimLeft(r.text, " "))
				look := ""
				if r.look != "" {
					look = ` class="` + r.look + `"`
				}
				fmt.Fprintf(&b, `<text%s x="%.1f" y="%d" textLength="%.1f" xml:space="preserve">%s</text>`+"\n", look,
					margin+float64(at+blanks)*cell, top+margin+row*i+13, float64(utf8.RuneCountInString(text))*cell, html.EscapeString(text))
			}
			at += n
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func colours(of func(light, dark string) string) string {
	var b strings.Builder
	for _, c := range palette {
		fmt.Fprintf(&b, ".c%s{fill:%s}", c.code, of(c.light, c.dark))
	}
	return b.String()
}

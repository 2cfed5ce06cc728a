package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A line of the screen is runs of text that look alike.
type line []run

type run struct {
	text, look string // the look is one or more classes of the picture's style sheet
}

// escape is what may stand between the characters: how to look, and questions
// to the terminal, which nobody sees.
var escape = regexp.MustCompile(`^\x1b(?:\[([0-9;]*)m|\][^\x07\x1b]*(?:\x07|\x1b\\)|\[6n)`)

// screen works out what a terminal so many columns wide shows, each character
// in one column. What it doesn't know is an error, or the picture would be wrong.
func screen(written string, columns int) ([]line, error) {
	var lines []line
	for text := range strings.SplitSeq(strings.TrimRight(strings.ReplaceAll(written, "\r\n", "\n"), "\n"), "\n") {
		var now line
		look, column := "", 0
		for text != "" {
			if text[0] == '\x1b' {
				found := escape.FindStringSubmatch(text)
				if found == nil {
					return nil, fmt.Errorf("no idea what the terminal does at %.20q", text)
				}
				if strings.HasSuffix(found[0], "m") {
					next, err := looks(found[1])
					if err != nil {
						return nil, err
					}
					look = next
				}
				text = text[len(found[0]):]
				continue
			}
			r, size := utf8.DecodeRuneInString(text)
			if r < ' ' || r == utf8.RuneError {
				return nil, fmt.Errorf("no idea how the terminal shows %.20q", text)
			}
			if column == columns {
				lines, now, column = append(lines, now), nil, 0
			}
			if last := len(now) - 1; last >= 0 && now[last].look == look {
				now[last].text += text[:size]
			} else {
				now = append(now, run{text[:size], look})
			}
			text, column = text[size:], column+1
		}
		lines = append(lines, now)
	}
	if len(lines) == 1 && len(lines[0]) == 0 {
		return nil, nil
	}
	return lines, nil
}

// looks turns what stands in ESC [ … m into classes. The program sets one look
// at a time and takes it back by a reset.
func looks(codes string) (string, error) {
	switch codes {
	case "", "0":
		return "", nil
	case "1":
		return "bold", nil
	case "2":
		return "dim", nil
	}
	if n, found := strings.CutPrefix(codes, "38;5;"); found {
		for _, c := range palette {
			if c.code == n {
				return "c" + n, nil
			}
		}
	}
	return "", fmt.Errorf("no colour for ESC[%sm: give it one in the palette (svg.go)", codes)
}

// prompt shows a typed line, which may go over several.
func prompt(typed string) []line {
	var lines []line
	for i, text := range strings.Split(typed, "\n") {
		if i == 0 {
			lines = append(lines, line{{"$ ", "dim"}, {text, "bold"}})
		} else {
			lines = append(lines, line{{"  " + text, "bold"}})
		}
	}
	return lines
}

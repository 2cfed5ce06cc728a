package main

import (
	"cmp"
	"strings"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/lipgloss/table"
)

// What a column keeps when room is scarce, in characters of the terminal.
const (
	shortWord = 14 // of a word; ids and URLs are longer, and break when nothing else helps
	prose     = 20 // of a cell of many words
)

// printTable writes a table that fits the terminal: cells are wrapped, headers
// never. Where that can't be, each row is written as a list of its fields, as
// psql does with \x auto. In a pipe the same rows, as wide as they are. Where there
// is nothing to tell stands a dash, so that nobody wonders whether it was cut.
func (a *app) printTable(headers []string, rows [][]string) error {
	for _, row := range rows {
		for j := range row {
			row[j] = escaped(row[j])
		}
	}
	widths := columnWidths(headers, rows, terminalWidth(a.streams.out))
	if widths == nil {
		return a.printRecords(headers, rows)
	}
	for _, row := range rows {
		for j := range row {
			row[j] = cmp.Or(row[j], "–")
		}
	}
	renderer := a.renderer(a.streams.out)
	cell := renderer.NewStyle().Padding(0, 1)
	t := table.New().Headers(headers...).Rows(rows...).Border(lipgloss.RoundedBorder()).
		BorderStyle(renderer.NewStyle().Foreground(lipgloss.AdaptiveColor{Light: "245", Dark: "240"})).
		StyleFunc(func(row, column int) lipgloss.Style {
			return cell.Bold(row == table.HeaderRow).Width(widths[column] + 2)
		})
	return a.printDrawn(t.Render())
}

// printRecords writes each row as a list of its fields.
func (a *app) printRecords(headers []string, rows [][]string) error {
	for i, row := range rows {
		if i > 0 {
			if err := a.print(""); err != nil {
				return err
			}
		}
		fields := make([][2]string, 0, len(headers))
		for j, value := range row {
			if value != "" {
				fields = append(fields, [2]string{headers[j], value})
			}
		}
		if err := a.printFields(fields); err != nil {
			return err
		}
	}
	return nil
}

// columnWidths shares the room out: each column gets what its header, its
// short words and its prose need, and what is left goes to those who lack least, so that as
// many as can be are whole. It is nil when there is too little for that; without
// a terminal (room 0) every column is whole.
func columnWidths(headers []string, rows [][]string, room int) []int {
	widths, whole := make([]int, len(headers)), make([]int, len(headers))
	for j, header := range headers {
		widths[j], whole[j] = lipgloss.Width(header), lipgloss.Width(header)
		for _, row := range rows {
			whole[j] = max(whole[j], lipgloss.Width(row[j]))
			if strings.Contains(row[j], " ") {
				widths[j] = max(widths[j], min(lipgloss.Width(row[j]), prose))
			}
			for word := range strings.FieldsSeq(row[j]) {
				widths[j] = max(widths[j], min(lipgloss.Width(word), shortWord))
			}
		}
	}
	if room == 0 {
		return whole
	}
	left := room - 1 - 3*len(headers) // borders and padding
	for _, width := range widths {
		left -= width
	}
	if left < 0 {
		return nil
	}
	for left > 0 {
		least := -1
		for j := range widths {
			if lacks := whole[j] - widths[j]; lacks > 0 && (least < 0 || lacks < whole[least]-widths[least]) {
				least = j
			}
		}
		if least < 0 {
			break
		}
		more := min(left, whole[least]-widths[least])
		widths[least] += more
		left -= more
	}
	return widths
}

package runbook

import (
	"fmt"
	"os"
	"regexp"
	"strings"
)

// command is a line of the runbook that starts with "$ ", and the output that the runbook shows below the line.
type command struct {
	line string
	want []string // patterns of lines: "…" matches any text, "N" a number above 0
}

type entry struct{ diagnosis, remedy []command }

type control struct{ locally, undo []string }

// row is a row of the table in the section "Start here".
type row struct {
	command int // 1 for the first command of the section
	output  string
	entry   string
}

type document struct {
	text     string
	ids      []command // each sets ID to the ID of a picture that waits
	start    []command
	rows     []row
	entries  map[string]entry
	controls map[string]control
}

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	link     = regexp.MustCompile(`\[([\w-]+)\]\(#([\w-]+)\)`)
)

func readDocument(path string) (document, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return document{}, fmt.Errorf("reading the runbook: %w", err)
	}
	d := document{text: string(text), entries: map[string]entry{}, controls: map[string]control{}}
	sections := strings.Split(d.text, "\n## ")
	d.ids = commands(sections[0])
	for _, section := range sections[1:] {
		title, body, _ := strings.Cut(section, "\n")
		switch title {
		case "Start here":
			d.start = commands(body)
			for _, cells := range table(body) {
				var r row
				fmt.Sscan(cells[0], &r.command)
				r.output, r.entry = codeSpan.FindStringSubmatch(cells[1])[1], link.FindStringSubmatch(cells[2])[2]
				d.rows = append(d.rows, r)
			}
		case "Emergency controls":
			for _, cells := range table(body) {
				d.controls[cells[0]] = control{spans(cells[1]), spans(cells[4])}
			}
		default:
			for _, e := range strings.Split(body, "\n### ")[1:] {
				name, body, _ := strings.Cut(e, "\n")
				diagnosis, remedy, _ := strings.Cut(body, "**Remedy.**")
				d.entries[name] = entry{commands(diagnosis), commands(remedy)}
			}
		}
	}
	return d, nil
}

func commands(body string) (found []command) {
	for line := range strings.Lines(body) {
		text, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "    ")
		if !ok {
			continue
		}
		if c, ok := strings.CutPrefix(text, "$ "); ok {
			found = append(found, command{line: c})
		} else if len(found) > 0 {
			last := &found[len(found)-1]
			last.want = append(last.want, text)
		}
	}
	return found
}

func table(body string) (rows [][]string) {
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---") {
			cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
			for i := range cells {
				cells[i] = strings.TrimSpace(cells[i])
			}
			rows = append(rows, cells)
		}
	}
	return rows[1:]
}

func spans(cell string) (found []string) {
	for _, m := range codeSpan.FindAllStringSubmatch(cell, -1) {
		found = append(found, m[1])
	}
	return found
}

// shows reports whether the output contains the pattern, with any white space between its words.
func shows(output, pattern string) bool {
	words := strings.Fields(pattern)
	for i, word := range words {
		if word == "…" {
			words[i] = `[\s\S]*?`
			continue
		}
		words[i] = number.ReplaceAllString(regexp.QuoteMeta(word), `[1-9][0-9]*`)
		if strings.HasSuffix(word, "N") {
			words[i] += `(\s|$)`
		}
	}
	return regexp.MustCompile(strings.Join(words, `\s*`)).MatchString(output)
}

var number = regexp.MustCompile(`\bN\b`)

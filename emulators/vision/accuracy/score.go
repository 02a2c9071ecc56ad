package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	minOverlap = 0.3 // from which a found box is the face
	farAway    = 125 // thousandths of the photograph's height
	faceLabel  = "Face"
)

// count is the basis of precision and recall.
type count struct {
	photographs           int // that were annotated
	present, right, wrong int
}

func (c count) precision() string { return ratio(c.right, c.right+c.wrong) }

func (c count) recall() string { return ratio(c.right, c.present) }

func ratio(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", float64(part)/float64(whole))
}

func (c *count) add(d count) {
	c.photographs += d.photographs
	c.present, c.right, c.wrong = c.present+d.present, c.right+d.right, c.wrong+d.wrong
}

// overlap is intersection over union.
func (b box) overlap(c box) float64 {
	width, height := min(b.right, c.right)-max(b.left, c.left), min(b.bottom, c.bottom)-max(b.top, c.top)
	intersection := max(width, 0) * max(height, 0)
	return intersection / (b.area() + c.area() - intersection)
}

func (b box) area() float64 { return (b.right - b.left) * (b.bottom - b.top) }

// matched assigns each found box, highest score first, to the face that it overlaps most. It returns the faces that
// were found and the number of false boxes. A second box on the same face is false. A box on an unclear face is not,
// unless it is the second one.
func matched(faces []face, found []box) (seen []bool, wrong int) {
	seen = make([]bool, len(faces))
	for _, b := range found {
		best := -1
		for i, f := range faces {
			if overlap := f.overlap(b); overlap >= minOverlap && (best < 0 || overlap > faces[best].overlap(b)) {
				best = i
			}
		}
		if best < 0 || seen[best] {
			wrong++
		} else {
			seen[best] = true
		}
	}
	return seen, wrong
}

// inCategory counts the faces that the category contains. False boxes count if one of the photograph's faces is in it.
func inCategory(r result, contains func(photograph, face) bool) count {
	c := count{}
	seen, wrong := matched(r.faces, r.found.faces)
	for i, f := range r.faces {
		if slices.Contains(f.tags, unclear) || !contains(r.photograph, f) {
			continue
		}
		c.present++
		if seen[i] {
			c.right++
		}
	}
	if c.present > 0 {
		c.photographs, c.wrong = 1, wrong
	}
	return c
}

// named compares names. Each name counts once per photograph.
func named(present, unclear, found []string) count {
	c := count{photographs: 1, present: len(present)}
	for _, name := range distinct(found) {
		switch {
		case slices.Contains(present, name):
			c.right++
		case !slices.Contains(unclear, name):
			c.wrong++
		}
	}
	return c
}

func distinct(names []string) []string { return slices.Compact(slices.Sorted(slices.Values(names))) }

func (p photograph) clearFaces() int {
	return len(slices.DeleteFunc(slices.Clone(p.faces), func(f face) bool { return slices.Contains(f.tags, unclear) }))
}

func tagged(tag string) func(photograph, face) bool {
	return func(_ photograph, f face) bool { return slices.Contains(f.tags, tag) }
}

var categories = []struct {
	name     string
	contains func(photograph, face) bool
}{
	{"frontal", tagged(frontal)},
	{"turned", tagged(turned)},
	{"profile", tagged(profile)},
	{"glasses", tagged(glasses)},
	{"dark", func(p photograph, _ face) bool { return p.change == "dark" }},
	{"two people", func(p photograph, _ face) bool { return p.clearFaces() == 2 }},
	{"three or more people", func(p photograph, _ face) bool { return p.clearFaces() > 2 }},
	{"far away", func(_ photograph, f face) bool { return f.bottom-f.top < farAway }},
}

type line struct {
	name string
	count
}

type summary struct {
	lines            []line
	missing, refused int // photographs
}

func summarise(results []result) summary {
	s := summary{lines: []line{{name: "Faces"}}}
	for _, c := range categories {
		s.lines = append(s.lines, line{name: "– " + c.name})
	}
	s.lines = append(s.lines, line{name: "Objects"}, line{name: "Labels"})
	for _, r := range results {
		if r.missing != "" {
			s.missing++
			continue
		}
		if r.refused != "" {
			s.refused++
		}
		for i, c := range r.counts() {
			s.lines[i].add(c)
		}
	}
	return s
}

// counts has the order of summary.lines.
func (r result) counts() []count {
	everything := inCategory(r, func(photograph, face) bool { return true })
	_, wrong := matched(r.faces, r.found.faces)
	everything.photographs, everything.wrong = 1, wrong
	all := []count{everything}
	for _, c := range categories {
		all = append(all, inCategory(r, c.contains))
	}
	present, unclear := r.labels()
	return append(all, named(r.present, r.unclear, r.found.objects), named(present, unclear, r.found.labels))
}

// labels are the objects and the label Face.
func (p photograph) labels() (present, unclear []string) {
	present, unclear = slices.Clone(p.present), slices.Clone(p.unclear)
	switch {
	case p.clearFaces() > 0:
		present = append(present, faceLabel)
	case len(p.faces) > 0:
		unclear = append(unclear, faceLabel)
	}
	return present, unclear
}

// table is Markdown.
func (s summary) table() string {
	var out strings.Builder
	out.WriteString("| | photographs | present | found | false | precision | recall |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, l := range s.lines {
		fmt.Fprintf(&out, "| %s | %d | %d | %d | %d | %s | %s |\n", l.name, l.photographs, l.present, l.right, l.wrong, l.precision(), l.recall())
	}
	fmt.Fprintf(&out, "\nMissing photographs: %d\nPhotographs that the emulator refused: %d\n", s.missing, s.refused)
	return out.String()
}

// details lists the mistakes except those of labels.
func details(results []result) string {
	var out strings.Builder
	for _, r := range results {
		if r.missing != "" {
			fmt.Fprintf(&out, "%s: missing: %s\n", r, r.missing)
			continue
		}
		var mistakes []string
		if r.refused != "" {
			mistakes = append(mistakes, "refused: "+r.refused)
		}
		seen, wrong := matched(r.faces, r.found.faces)
		for i, f := range r.faces {
			if !seen[i] && !slices.Contains(f.tags, unclear) {
				mistakes = append(mistakes, fmt.Sprintf("missed face (%s) at %.0f", strings.Join(f.tags, ", "), f.box))
			}
		}
		if wrong > 0 {
			mistakes = append(mistakes, fmt.Sprintf("%d false faces among %.0f", wrong, r.found.faces))
		}
		for _, name := range r.present {
			if !slices.Contains(r.found.objects, name) {
				mistakes = append(mistakes, "missed "+name)
			}
		}
		for _, name := range distinct(r.found.objects) {
			if !slices.Contains(r.present, name) && !slices.Contains(r.unclear, name) {
				mistakes = append(mistakes, "false "+name)
			}
		}
		if len(mistakes) > 0 {
			fmt.Fprintf(&out, "%s: %s\n", r, strings.Join(mistakes, "; "))
		}
	}
	return out.String()
}

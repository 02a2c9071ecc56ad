// Package labels sums up in words what was found in a picture: its things and kinds of things, faces and what
// they express, and its colours. Every label comes from a finding; it looks at no pixel itself.
package labels

import (
	"cmp"
	"maps"
	"slices"

	"triptych/emulators/vision/colours"
	"triptych/emulators/vision/faces"
	"triptych/emulators/vision/objects"
)

// Label is a word for a picture.
type Label struct {
	Name  string
	Score float64 // how sure it is, 0 to 1; of a colour, how much of the picture it fills
}

const (
	// surest is the score below which nothing is a label.
	surest = 0.5
	// group is how many people are one.
	group = 3
)

// Of returns the labels, the highest score first.
func Of(things []objects.Object, people []faces.Face, dominant []colours.Colour) []Label {
	found := tally{}
	for _, o := range things {
		found.add(o.Name, o.Score)
		found.add(kinds[o.Name], o.Score)
	}
	for _, f := range people {
		found.add(face, f.Score)
		found.add(person, f.Score)
		found.add(smile, f.Score*f.Expressions.Happy)
		found.add(sadness, f.Score*f.Expressions.Sad)
		found.add(anger, f.Score*f.Expressions.Angry)
		found.add(surprise, f.Score*f.Expressions.Surprised)
	}
	found.add(crowd, crowded(things, people))
	for name, share := range shares(dominant) {
		found.add(name, share)
	}
	return found.sorted()
}

// Words that do not come from the object detector. A joyful face smiles.
const (
	face     = "Face"
	person   = "Person"
	smile    = "Smile"
	sadness  = "Sadness"
	anger    = "Anger"
	surprise = "Surprise"
	crowd    = "Group of people"
)

// Vocabulary lists every label there can be, by where it comes from, each list in alphabetical order.
func Vocabulary() (things, kindsOfThings, people, ofColours []string) {
	kindsOfThings = slices.Compact(slices.Sorted(maps.Values(kinds)))
	people = []string{anger, face, crowd, person, sadness, smile, surprise}
	return objects.Names(), kindsOfThings, people, slices.Sorted(slices.Values(colourNames))
}

// tally holds the highest score of each label.
type tally map[string]float64

func (t tally) add(name string, score float64) {
	if name != "" {
		t[name] = max(t[name], score)
	}
}

func (t tally) sorted() []Label {
	var all []Label
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if t[name] >= surest {
			all = append(all, Label{name, min(t[name], 1)})
		}
	}
	slices.SortStableFunc(all, func(a, b Label) int { return cmp.Compare(b.Score, a.Score) })
	return all
}

// crowded is how sure it is that there is a group: as sure as of its last member, counting bodies or faces.
func crowded(things []objects.Object, people []faces.Face) float64 {
	var bodies, heads []float64
	for _, o := range things {
		if o.Name == person {
			bodies = append(bodies, o.Score)
		}
	}
	for _, f := range people {
		heads = append(heads, f.Score)
	}
	return max(last(bodies), last(heads))
}

func last(scores []float64) float64 {
	if len(scores) < group {
		return 0
	}
	slices.Sort(scores)
	return scores[len(scores)-group]
}

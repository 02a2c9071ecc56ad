// Package labels derives labels and their scores from detected objects, faces and colours.
package labels

import (
	"cmp"
	"maps"
	"slices"

	"triptych/emulators/vision/colours"
	"triptych/emulators/vision/faces"
	"triptych/emulators/vision/objects"
)

type Label struct {
	Name  string
	Score float64 // 0 to 1
}

const (
	minScore  = 0.5
	groupSize = 3 // minimum number of people
)

// Of returns the labels, highest score first.
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
	found.add(group, groupScore(things, people))
	for name, fraction := range fractionsByLabel(dominant) {
		found.add(name, fraction)
	}
	return found.sorted()
}

const (
	face     = "Face"
	person   = "Person" // also a class of the object detector
	smile    = "Smile"
	sadness  = "Sadness"
	anger    = "Anger"
	surprise = "Surprise"
	group    = "Group of people"
)

type tally map[string]float64

func (t tally) add(name string, score float64) {
	if name != "" {
		t[name] = max(t[name], score)
	}
}

func (t tally) sorted() []Label {
	var all []Label
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if t[name] >= minScore {
			all = append(all, Label{name, min(t[name], 1)})
		}
	}
	slices.SortStableFunc(all, func(a, b Label) int { return cmp.Compare(b.Score, a.Score) })
	return all
}

func groupScore(things []objects.Object, people []faces.Face) float64 {
	var bodies, heads []float64
	for _, o := range things {
		if o.Name == person {
			bodies = append(bodies, o.Score)
		}
	}
	for _, f := range people {
		heads = append(heads, f.Score)
	}
	return max(third(bodies), third(heads))
}

func third(scores []float64) float64 {
	if len(scores) < groupSize {
		return 0
	}
	slices.Sort(scores)
	return scores[len(scores)-groupSize]
}

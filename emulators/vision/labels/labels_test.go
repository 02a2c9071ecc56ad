package labels

import (
	"maps"
	"math"
	"slices"
	"testing"

	"triptych/emulators/vision/colours"
	"triptych/emulators/vision/faces"
	"triptych/emulators/vision/objects"
)

func TestOf(t *testing.T) {
	thing := func(name string, score float64) objects.Object { return objects.Object{Name: name, Score: score} }
	head := func(score float64, e faces.Expressions) faces.Face { return faces.Face{Score: score, Expressions: e} }
	fill := func(red, green, blue, share float64) colours.Colour {
		return colours.Colour{Red: red, Green: green, Blue: blue, Fraction: share}
	}
	for name, tt := range map[string]struct {
		things []objects.Object
		people []faces.Face
		fills  []colours.Colour
		want   []Label
	}{
		"no_findings_no_labels": {nil, nil, nil, nil},
		"object_also_labels_its_kind": {[]objects.Object{thing("Cat", 0.9)}, nil, nil,
			[]Label{{"Animal", 0.9}, {"Cat", 0.9}}},
		"highest_score_of_a_label_counts": {[]objects.Object{thing("Cat", 0.6), thing("Dog", 0.9), thing("Cat", 0.7)}, nil, nil,
			[]Label{{"Animal", 0.9}, {"Dog", 0.9}, {"Cat", 0.7}}},
		"object_without_a_kind": {[]objects.Object{thing("Book", 0.9)}, nil, nil, []Label{{"Book", 0.9}}},
		"face_is_a_person": {nil, []faces.Face{head(0.8, faces.Expressions{})}, nil,
			[]Label{{"Face", 0.8}, {"Person", 0.8}}},
		"smile_is_joy_times_the_face_score": {nil, []faces.Face{head(0.8, faces.Expressions{Happy: 0.75})}, nil,
			[]Label{{"Face", 0.8}, {"Person", 0.8}, {"Smile", 0.6000000000000001}}},
		"unlikely_expressions_are_no_labels": {nil, []faces.Face{head(0.9, faces.Expressions{Sad: 0.3, Angry: 0.3, Surprised: 0.4})}, nil,
			[]Label{{"Face", 0.9}, {"Person", 0.9}}},
		"sadness_anger_and_surprise": {nil, []faces.Face{
			head(1, faces.Expressions{Sad: 0.9}), head(1, faces.Expressions{Angry: 0.8}), head(1, faces.Expressions{Surprised: 0.7})}, nil,
			[]Label{{"Face", 1}, {"Group of people", 1}, {"Person", 1}, {"Sadness", 0.9}, {"Anger", 0.8}, {"Surprise", 0.7}}},
		"two_bodies_with_faces_are_no_group": {[]objects.Object{thing("Person", 0.9), thing("Person", 0.8)},
			[]faces.Face{head(0.9, faces.Expressions{}), head(0.8, faces.Expressions{})}, nil,
			[]Label{{"Face", 0.9}, {"Person", 0.9}}},
		"group_has_the_score_of_its_third_member": {[]objects.Object{thing("Person", 0.6), thing("Person", 0.9), thing("Person", 0.8)}, nil, nil,
			[]Label{{"Person", 0.9}, {"Group of people", 0.6}}},
		"colour_of_more_than_half_is_a_label": {nil, nil, []colours.Colour{fill(200, 20, 20, 0.3), fill(250, 90, 90, 0.3), fill(20, 20, 200, 0.4)},
			[]Label{{"Red", 0.6}}},
		"dark_picture": {nil, nil, []colours.Colour{fill(5, 20, 40, 0.9), fill(250, 90, 90, 0.1)}, []Label{{"Darkness", 0.9}}},
		"greys_are_black_and_white": {nil, nil, []colours.Colour{fill(100, 101, 102, 0.6), fill(200, 202, 199, 0.4)},
			[]Label{{"Black and white", 1}}},
		"white_wall_with_red_is_not_black_and_white": {nil, nil, []colours.Colour{fill(200, 202, 199, 0.9), fill(200, 0, 0, 0.1)}, nil},
		"plain_grey_has_no_label":                    {nil, nil, []colours.Colour{fill(100, 101, 102, 1)}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Of(tt.things, tt.people, tt.fills); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestHue(t *testing.T) {
	for name, c := range map[string]colours.Colour{
		"Red": {Red: 220, Green: 20, Blue: 30}, "Amber": {Red: 250, Green: 150, Blue: 20}, "Brown": {Red: 120, Green: 70, Blue: 20},
		"Yellow": {Red: 240, Green: 230, Blue: 20}, "Green": {Red: 30, Green: 150, Blue: 40}, "Turquoise": {Red: 20, Green: 200, Blue: 190},
		"Blue": {Red: 30, Green: 60, Blue: 220}, "Purple": {Red: 120, Green: 20, Blue: 200}, "Pink": {Red: 240, Green: 80, Blue: 180},
	} {
		t.Run(name, func(t *testing.T) {
			if got := hue(c); got != name {
				t.Errorf("got %s", got)
			}
		})
	}
	t.Run("every_hue_is_in_the_vocabulary", func(t *testing.T) {
		_, _, _, known := vocabulary()
		for degree := range 360 {
			sin, cos := math.Sincos(float64(degree) * math.Pi / 180)
			c := colours.Colour{Red: 150 + 100*cos, Green: 150 - 50*cos + 86.6*sin, Blue: 150 - 50*cos - 86.6*sin}
			if got := hue(c); !slices.Contains(known, got) {
				t.Errorf("%d° is %q", degree, got)
			}
		}
	})
}

func TestVocabulary(t *testing.T) {
	things, kindsOfThings, people, ofColours := vocabulary()
	t.Run("no_label_has_two_meanings", func(t *testing.T) {
		all := slices.Concat(things, kindsOfThings, people, ofColours)
		all = slices.DeleteFunc(all, func(name string) bool { return name == person }) // from a body or from a face
		slices.Sort(all)
		if once := slices.Compact(slices.Clone(all)); len(once) != len(all) {
			t.Errorf("of %q", all)
		}
	})
	t.Run("only_object_classes_have_a_kind", func(t *testing.T) {
		for name := range kinds {
			if !slices.Contains(things, name) {
				t.Errorf("%q", name)
			}
		}
	})
}

func vocabulary() (things, kindsOfThings, people, ofColours []string) {
	kindsOfThings = slices.Compact(slices.Sorted(maps.Values(kinds)))
	people = []string{anger, face, group, person, sadness, smile, surprise}
	return objects.Names(), kindsOfThings, people, slices.Sorted(slices.Values(colourNames))
}

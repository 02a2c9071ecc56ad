package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func at(left, top, right, bottom float64, tags ...string) face {
	return face{box{left, top, right, bottom}, tags}
}

func TestMatched(t *testing.T) {
	small, large := at(100, 100, 200, 200, frontal), at(500, 100, 900, 700, profile)
	tests := []struct {
		name  string
		faces []face
		found []box
		seen  []bool
		wrong int
	}{
		{"equal_boxes_match", []face{small}, []box{small.box}, []bool{true}, 0},
		{"shifted_box_matches", []face{small}, []box{{130, 120, 230, 220}}, []bool{true}, 0},
		{"distant_box_is_false", []face{small}, []box{{180, 180, 280, 280}}, []bool{false}, 1},
		{"box_around_the_whole_person_is_false", []face{small}, []box{{50, 90, 300, 900}}, []bool{false}, 1},
		{"second_box_on_a_face_is_false", []face{small}, []box{small.box, {105, 100, 205, 200}}, []bool{true}, 1},
		{"order_of_the_boxes_does_not_matter", []face{small, large}, []box{large.box, small.box}, []bool{true, true}, 0},
		{"box_matches_the_face_that_it_overlaps_most", []face{at(100, 100, 200, 200, frontal), at(140, 100, 240, 200, frontal)},
			[]box{{138, 100, 238, 200}}, []bool{false, true}, 0},
		{"second_box_on_a_face_does_not_find_its_neighbour", []face{at(100, 100, 200, 200, frontal), at(150, 100, 250, 200, frontal)},
			[]box{{100, 100, 200, 200}, {110, 100, 210, 200}}, []bool{true, false}, 1},
		{"nothing_found_misses_every_face", []face{small, large}, nil, []bool{false, false}, 0},
		{"box_in_a_photograph_without_faces_is_false", nil, []box{small.box}, []bool{}, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if seen, wrong := matched(tt.faces, tt.found); !slices.Equal(seen, tt.seen) || wrong != tt.wrong {
				t.Errorf("got %v and %d false, want %v and %d", seen, wrong, tt.seen, tt.wrong)
			}
		})
	}
}

func TestSummarise(t *testing.T) {
	front, side, hidden := at(0, 0, 100, 200, frontal, glasses), at(500, 0, 600, 60, profile), at(800, 800, 900, 900, unclear)
	results := []result{
		{photograph: photograph{faces: []face{front, side, hidden}, present: []string{"Chair", "Person"}, unclear: []string{"Cup"}},
			found: findings{[]box{front.box, hidden.box}, []string{"Cup", "Dog", "Person", "Person"}, []string{"Face", "Person"}}},
		{photograph: photograph{faces: []face{front}, change: "dark", present: []string{"Person"}},
			found: findings{[]box{front.box, {700, 700, 900, 900}}, []string{"Person"}, []string{"Cat", "Face", "Person"}}},
		{photograph: photograph{faces: []face{hidden}}, found: findings{[]box{hidden.box}, nil, []string{"Face"}}},
		{photograph: photograph{faces: []face{front}, present: []string{"Person"}}, missing: "not fetched"},
		{photograph: photograph{faces: []face{front}}, refused: "bad image data"},
	}
	want := map[string]count{ // photographs, present, right, wrong
		"Faces": {4, 4, 2, 1}, "– frontal": {3, 3, 2, 1}, "– turned": {}, "– profile": {1, 1, 0, 0}, "– glasses": {3, 3, 2, 1},
		"– dark": {1, 1, 1, 1}, "– two people": {1, 2, 1, 0}, "– three or more people": {}, "– far away": {1, 1, 0, 0},
		"Objects": {4, 3, 2, 1}, "Labels": {4, 6, 4, 1},
	}
	s := summarise(results)
	for _, l := range s.lines {
		t.Run(l.name, func(t *testing.T) {
			if w, ok := want[l.name]; !ok || l.count != w {
				t.Errorf("got %+v, want %+v", l.count, w)
			}
		})
	}
	t.Run("missing_photograph_is_counted_as_missing_only", func(t *testing.T) {
		if s.missing != 1 || !strings.Contains(s.table(), "\nMissing photographs: 1\n") {
			t.Errorf("got %d\n%s", s.missing, s.table())
		}
	})
	t.Run("refused_photograph_lowers_the_recall", func(t *testing.T) {
		if s.refused != 1 || !strings.Contains(s.table(), "\nPhotographs that the emulator refused: 1\n") {
			t.Errorf("got %d\n%s", s.refused, s.table())
		}
	})
	t.Run("ratio_without_faces_is_empty", func(t *testing.T) {
		if row := "| – turned | 0 | 0 | 0 | 0 | – | – |\n"; !strings.Contains(s.table(), row) {
			t.Errorf("got\n%s\nwant the row %s", s.table(), row)
		}
	})
	t.Run("table_has_precision_and_recall", func(t *testing.T) {
		if row := "| Faces | 4 | 4 | 2 | 1 | 0.67 | 0.50 |\n"; !strings.Contains(s.table(), row) {
			t.Errorf("got\n%s\nwant the row %s", s.table(), row)
		}
	})
	t.Run("details_name_mistakes_of_faces_and_objects", func(t *testing.T) {
		for _, mistake := range []string{"missed face (profile) at {500 0 600 60}", "missed Chair", "false Dog", "1 false faces", "not fetched", "bad image data"} {
			if !strings.Contains(details(results), mistake) {
				t.Errorf("%q is missing in\n%s", mistake, details(results))
			}
		}
	})
}

func TestManifest(t *testing.T) {
	manifest, err := readManifest(bytes.NewReader(photographs))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("at_least_150_photographs", func(t *testing.T) {
		files := map[string]bool{}
		for _, p := range manifest {
			files[p.sha256] = true
		}
		if len(files) < 150 {
			t.Errorf("got %d", len(files))
		}
	})
	t.Run("every_category_of_faces_has_at_least_ten", func(t *testing.T) {
		for _, c := range categories {
			faces := 0
			for _, p := range manifest {
				faces += inCategory(result{photograph: p}, c.contains).present
			}
			if faces < 10 {
				t.Errorf("%s has %d", c.name, faces)
			}
		}
	})
}

func TestReadManifest(t *testing.T) {
	const head = "registry,package,version,file,sha256,licence,change,faces,objects\n"
	sum := strings.Repeat("0", 64)
	row := func(change, faces, objects string) string {
		return head + "npm,p,1.0.0,a.jpg," + sum + ",MIT," + change + "," + faces + "," + objects + "\n"
	}
	tests := []struct{ name, text, problem string }{
		{"complete_row_is_accepted", row("dark", "1 2 3 4 frontal;5 6 7 8 profile glasses", "Person;Cup?"), ""},
		{"unknown_column_is_refused", "a,b\n", "columns"},
		{"unknown_registry_is_refused", strings.Replace(row("", "", ""), "npm", "ftp", 1), "registry"},
		{"row_without_licence_is_refused", strings.Replace(row("", "", ""), "MIT", "", 1), "licence"},
		{"unknown_change_is_refused", row("blurred", "", ""), "change"},
		{"face_without_tag_is_refused", row("", "1 2 3 4", ""), "tag"},
		{"face_outside_of_the_photograph_is_refused", row("", "1 2 1003 4 frontal", ""), "1000"},
		{"face_without_area_is_refused", row("", "3 2 1 4 frontal", ""), "area"},
		{"unknown_tag_is_refused", row("", "1 2 3 4 front", ""), "tag"},
		{"unknown_object_is_refused", row("", "", "Unicorn"), "object class"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readManifest(strings.NewReader(tt.text))
			if (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("got %v, want %q", err, tt.problem)
			}
		})
	}
}

func TestFetch(t *testing.T) {
	t.Run("other_contents_than_the_manifest_says_are_not_used", func(t *testing.T) {
		if err := verify([]byte("changed"), photograph{sha256: strings.Repeat("0", 64)}); err == nil {
			t.Error("accepted")
		}
	})
}

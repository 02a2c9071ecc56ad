package annotator_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"

	"triptych/emulators/vision/labels"
)

var update = flag.Bool("update", false, "write the README's tables anew")

// TestReadme holds emulators/vision/README.md to what the server does; with -update it writes it.
func TestReadme(t *testing.T) {
	_, client := serve(t)
	var seen strings.Builder
	seen.WriteString("| photograph | shows | faces | objects | labels |\n| --- | --- | --- | --- | --- |\n")
	for _, g := range golden {
		got := answer(t, client, g.photograph)
		fmt.Fprintf(&seen, "| %s | %s | %s | %s | %s |\n", g.photograph, g.shows,
			list(got.FaceAnnotations, func(f *visionpb.FaceAnnotation) string {
				return strings.TrimSpace(fmt.Sprintf("%.2f %s", f.DetectionConfidence, expression(f)))
			}),
			list(got.LocalizedObjectAnnotations, func(o *visionpb.LocalizedObjectAnnotation) string {
				return fmt.Sprintf("%s %.2f", o.Name, o.Score)
			}),
			list(got.LabelAnnotations, func(l *visionpb.EntityAnnotation) string { return l.Description }))
	}
	things, kinds, people, colours := labels.Vocabulary()
	var words strings.Builder
	for _, of := range []struct {
		from  string
		words []string
	}{{"things", things}, {"their kinds", kinds}, {"people", people}, {"colours", colours}} {
		fmt.Fprintf(&words, "- %s: %s\n", of.from, strings.Join(of.words, ", "))
	}
	for name, want := range map[string]string{"seen": seen.String(), "vocabulary": words.String()} {
		t.Run(name+"_is_as_the_README_says", func(t *testing.T) { checkReadme(t, name, want) })
	}
}

func list[T any](all []T, line func(T) string) string {
	var lines []string
	for _, v := range all {
		lines = append(lines, line(v))
	}
	if len(lines) == 0 {
		return "–"
	}
	return strings.Join(lines, ", ")
}

var decimals = regexp.MustCompile(`\d\.\d\d`)

// checkReadme compares one part of the README: the words exactly, the scores as golden results are.
func checkReadme(t *testing.T, part, want string) {
	const file = "../README.md"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+part+" -->\n", "<!-- /"+part+" -->"
	before, rest, found := strings.Cut(string(text), begin)
	got, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no part %s", file, part)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if decimals.ReplaceAllString(got, "") != decimals.ReplaceAllString(want, "") {
		t.Fatalf("it is\n%s\nand should be\n%s\n(go test ./emulators/vision/annotator -run Readme -update)", got, want)
	}
	written, measured := decimals.FindAllString(got, -1), decimals.FindAllString(want, -1)
	for i := range written {
		w, errW := strconv.ParseFloat(written[i], 64)
		m, errM := strconv.ParseFloat(measured[i], 64)
		if errW != nil || errM != nil || math.Abs(w-m) > score {
			t.Errorf("it says %s, and %s was measured", written[i], measured[i])
		}
	}
}

package annotator_test

import (
	"flag"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
)

var update = flag.Bool("update", false, "rewrite the table in the README")

var inReadme = []string{"astronaut", "dark", "desk", "people", "coffee", "bicycle", "cliff"}

func TestReadme(t *testing.T) {
	_, client := serve(t)
	var table strings.Builder
	table.WriteString("| photograph | content | faces | objects | labels |\n| --- | --- | --- | --- | --- |\n")
	for _, g := range golden {
		if !slices.Contains(inReadme, g.photograph) {
			continue
		}
		got := cachedResponse(t, client, g.photograph)
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", g.photograph, g.content,
			joined(got.FaceAnnotations, func(f *visionpb.FaceAnnotation) string {
				return strings.TrimSpace(fmt.Sprintf("%.2f %s", f.DetectionConfidence, expression(f)))
			}),
			joined(got.LocalizedObjectAnnotations, func(o *visionpb.LocalizedObjectAnnotation) string {
				return fmt.Sprintf("%s %.2f", o.Name, o.Score)
			}),
			joined(got.LabelAnnotations, func(l *visionpb.EntityAnnotation) string { return l.Description }))
	}
	t.Run("table_matches_the_server", func(t *testing.T) { checkTable(t, table.String()) })
}

func joined[T any](all []T, text func(T) string) string {
	var texts []string
	for _, v := range all {
		texts = append(texts, text(v))
	}
	if len(texts) == 0 {
		return "–"
	}
	return strings.Join(texts, ", ")
}

var decimals = regexp.MustCompile(`\d\.\d\d`)

func checkTable(t *testing.T, want string) {
	const file, begin, end = "../README.md", "<!-- results -->\n", "<!-- /results -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	got, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table between %q and %q", file, begin, end)
	}
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if decimals.ReplaceAllString(got, "") != decimals.ReplaceAllString(want, "") {
		t.Fatalf("the README has\n%s\nwant\n%s\n(go test ./emulators/vision/annotator -run Readme -update)", got, want)
	}
	written, measured := decimals.FindAllString(got, -1), decimals.FindAllString(want, -1)
	for i := range written {
		w, errW := strconv.ParseFloat(written[i], 64)
		m, errM := strconv.ParseFloat(measured[i], 64)
		if errW != nil || errM != nil || math.Abs(w-m) > score {
			t.Errorf("the README has %s, measured %s", written[i], measured[i])
		}
	}
}

package result

import (
	"image"
	"image/color"
	"image/draw"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/chromedp/chromedp"
	colorpb "google.golang.org/genproto/googleapis/type/color"
	"google.golang.org/protobuf/proto"

	"triptych/e2e/pagetest"
	"triptych/emulators/vision/annotator"
)

func testResult(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "face_has_box_points_description_and_colours", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		p.WaitVisible("#overlay polygon", ".swatches li")
		if n := pagetest.Evaluate[int](p, `document.querySelectorAll("#overlay circle").length`); n < 20 {
			t.Errorf("%d points, want at least 20", n)
		}
		p.Do(chromedp.WaitVisible(`#panels.settled`))
		p.WaitUntil(`document.getAnimations().length === 0`)
		p.Screenshot("result")
		p.Click(`#toggles [name="points"]`)
		p.WaitUntil(`!document.querySelector("#overlay circle")`)
		p.Click(`#toggles [name="faces"]`)
		p.WaitUntil(`!document.querySelector("#overlay polygon")`)
		p.Click("#raw summary")
		p.WaitText("#raw pre", `"joyLikelihood"`)
	})
	pagetest.Parallel(t, "face_box_covers_the_face", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		p.WaitVisible("#overlay polygon")
		// In the test photo, the face is in the middle of the upper half.
		inside := pagetest.Evaluate[bool](p, `(() => {
			const frame = document.querySelector("#frame").getBoundingClientRect();
			const box = document.querySelector("#overlay polygon").getBoundingClientRect();
			const x = (box.left + box.right) / 2 - frame.left, y = (box.top + box.bottom) / 2 - frame.top;
			return Math.abs(x / frame.width - .47) < .06 && y / frame.height > .1 && y / frame.height < .35;
		})()`)
		if !inside {
			t.Error("the box does not cover the face")
		}
	})
}

func testAnnotations(t *testing.T, h pagetest.Env) {
	t.Run("every_kind_of_annotation_is_listed", func(t *testing.T) {
		p := visitAnnotated(t, h, allAnnotations)
		words := pagetest.Evaluate[string](p, `document.querySelector("#result").innerText`)
		expectContains(t, "the result", words, "Cat", "97 %", "Chair", "Eiffel Tower", "Acme", "EXIT", "Violence: likely", "2 faces", "1: Looks joyful", "98 % sure that it is a face",
			"2: Perhaps sad", "Probably with something on the head")
		if widths := pagetest.Evaluate[[]int](p, `[...document.querySelectorAll(".bars i")].slice(0, 2).map((bar) => Math.round(100 * bar.offsetWidth / (bar.parentElement.clientWidth - 2 * parseFloat(getComputedStyle(bar.parentElement).paddingLeft))))`); !slices.Equal(widths, []int{97, 80}) {
			t.Errorf("the bars are %v %% long", widths)
		}
		p.Click(`#toggles [name="objects"]`)
		p.WaitVisible("#overlay .objects")
		p.Screenshot("allAnnotations")
	})
	t.Run("every_scroller_has_a_name_and_can_be_reached_with_the_keyboard", func(t *testing.T) {
		p := visitAnnotated(t, h, allAnnotations)
		p.Click("#raw summary")
		p.WaitText("#raw pre", "{")
		const scrollers = `[...document.querySelectorAll("main *")].filter((node) => getComputedStyle(node).overflowY === "auto").map(({nodeName, tabIndex}) => nodeName + " " + tabIndex)`
		if got := pagetest.Evaluate[[]string](p, scrollers); !slices.Equal(got, []string{"BLOCKQUOTE 0", "PRE 0"}) {
			t.Errorf("the scrollers and their tab indexes are %q", got)
		}
		p.ExpectNames("blockquote", "Text")
		p.ExpectNames("group", "Google’s answer as JSON")
	})
	for name, c := range map[string]struct{ locale, want string }{
		"recognised_text_is_marked_with_its_detected_language": {"fr", "fr"},
		"recognised_text_of_unknown_language_is_marked_so":     {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := visitAnnotated(t, h, &visionpb.AnnotateImageResponse{TextAnnotations: []*visionpb.EntityAnnotation{{Description: "SORTIE", Locale: c.locale}}})
			if got := pagetest.Evaluate[string](p, `document.querySelector("blockquote [lang]")?.lang ?? document.documentElement.lang`); got != c.want {
				t.Errorf("the language of the text is %q, want %q", got, c.want)
			}
		})
	}
	for name, c := range map[string]struct {
		annotation *visionpb.AnnotateImageResponse
		list       []string
	}{
		"what_the_face_says_is_not_repeated": {
			&visionpb.AnnotateImageResponse{FaceAnnotations: joyful[:1], LabelAnnotations: labels("Face", "Person", "Smile", "Hat"), LocalizedObjectAnnotations: objects("Person")},
			[]string{"Hat 90 %"}},
		"person_without_a_face_is_listed": {
			&visionpb.AnnotateImageResponse{FaceAnnotations: joyful[:1], LabelAnnotations: labels("Person"), LocalizedObjectAnnotations: objects("Person", "Person")},
			[]string{"Person × 2 90 %"}},
		"smile_of_a_face_that_is_not_joyful_is_listed": {
			&visionpb.AnnotateImageResponse{FaceAnnotations: []*visionpb.FaceAnnotation{{JoyLikelihood: visionpb.Likelihood_POSSIBLE}}, LabelAnnotations: labels("Face", "Smile")},
			[]string{"Smile 90 %"}},
		"person_is_listed_without_faces": {
			&visionpb.AnnotateImageResponse{LabelAnnotations: labels("Person")},
			[]string{"Person 90 %"}},
		"label_and_object_of_the_same_name_are_one_entry": {
			&visionpb.AnnotateImageResponse{LabelAnnotations: labels("chairs", "Furniture", "Watches", "__proto__"), LocalizedObjectAnnotations: objects("Chair", "Watch")},
			[]string{"Chair 90 %", "Watch 90 %", "Furniture 90 %", "__proto__ 90 %"}},
		"names_of_different_things_are_separate_entries": {
			&visionpb.AnnotateImageResponse{LabelAnnotations: labels("Glass", "News", "New"), LocalizedObjectAnnotations: objects("Glasses")},
			[]string{"Glasses 90 %", "Glass 90 %", "News 90 %", "New 90 %"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := visitAnnotated(t, h, c.annotation)
			if list := pagetest.Evaluate[[]string](p, `[...document.querySelectorAll(".bars .entry")].map(({children: [name, score]}) => name.textContent + " " + score.textContent)`); !slices.Equal(list, c.list) {
				t.Errorf("the list is %q, want %q", list, c.list)
			}
			if size := pagetest.Evaluate[int](p, `document.querySelector("#raw pre").textContent.length`); size != 0 {
				t.Errorf("the closed JSON has %d characters", size)
			}
			p.Click("#raw summary")
			p.WaitText("#raw pre", "{")
			for _, label := range c.annotation.LabelAnnotations {
				expectContains(t, "the JSON", pagetest.Evaluate[string](p, `document.querySelector("#raw pre").innerText`), quote(label.Description))
			}
		})
	}
	t.Run("face_is_cropped_where_Google_found_it", func(t *testing.T) {
		setAnswer(t, h, &visionpb.AnnotateImageResponse{FaceAnnotations: []*visionpb.FaceAnnotation{{BoundingPoly: pixels(200, 150, 600, 450)}}})
		img := image.NewRGBA(image.Rect(0, 0, 800, 600))
		draw.Draw(img, img.Rect, image.NewUniform(violet), image.Point{}, draw.Src)
		draw.Draw(img, image.Rect(200, 150, 600, 450), image.NewUniform(leaf), image.Point{}, draw.Src)
		p := h.Visit(t)
		p.Choose(savePNG(t, img))
		p.Click("#send")
		p.WaitVisible(".faces canvas")
		// The canvas shows the face (leaf) and a border around it (violet). The keys are positions in the canvas.
		for place, want := range map[string]color.RGBA{"96, 96": leaf, "12, 96": leaf, "180, 96": leaf, "96, 12": violet, "96, 180": violet, "96, 40": leaf, "3, 96": violet} {
			got := pagetest.Evaluate[[]int](p, `[...document.querySelector(".faces canvas").getContext("2d").getImageData(`+place+`, 1, 1).data]`)
			if !similar(color.RGBA{uint8(got[0]), uint8(got[1]), uint8(got[2]), 255}, want) {
				t.Errorf("the crop is %v at (%s), want %v", got, place, want)
			}
		}
	})
	t.Run("colours_have_names", func(t *testing.T) {
		var colours []*visionpb.ColorInfo
		for _, c := range [][3]float32{{213, 98, 61}, {30, 27, 27}, {8, 5, 5}, {48, 104, 208}, {250, 250, 250}, {112, 20, 20}, {20, 60, 30}, {1, 1, 1}} {
			colours = append(colours, &visionpb.ColorInfo{Color: &colorpb.Color{Red: c[0], Green: c[1], Blue: c[2]}, PixelFraction: .1})
		}
		p := visitAnnotated(t, h, &visionpb.AnnotateImageResponse{ImagePropertiesAnnotation: &visionpb.ImageProperties{DominantColors: &visionpb.DominantColorsAnnotation{Colors: colours}}})
		names := pagetest.Evaluate[[]string](p, `[...document.querySelectorAll(".swatches li")].map((item) => item.innerText.replace("\n", " "))`)
		if want := []string{"Orange 10 %", "Black 30 %", "Blue 10 %", "White 10 %", "Dark red 10 %", "Dark green 10 %"}; !slices.Equal(names, want) {
			t.Errorf("the colours are %q, want %q", names, want)
		}
	})
	testHighlight(t, h)
	t.Run("unknown_likelihoods_are_omitted", func(t *testing.T) {
		p := visitAnnotated(t, h, &visionpb.AnnotateImageResponse{
			FaceAnnotations:      []*visionpb.FaceAnnotation{{DetectionConfidence: .6}},
			SafeSearchAnnotation: &visionpb.SafeSearchAnnotation{},
		})
		words := pagetest.Evaluate[string](p, `document.querySelector("#result").innerText`)
		if strings.Contains(words, "calm") || strings.Contains(words, "Suitable") {
			t.Errorf("the result is %q", words)
		}
	})
	t.Run("markup_in_annotation_is_shown_as_text", func(t *testing.T) {
		const hostile = `<img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script>`
		p := visitAnnotated(t, h, &visionpb.AnnotateImageResponse{
			LabelAnnotations:           []*visionpb.EntityAnnotation{{Description: hostile, Score: .9}},
			LogoAnnotations:            []*visionpb.EntityAnnotation{{Description: hostile}},
			LandmarkAnnotations:        []*visionpb.EntityAnnotation{{Description: hostile}},
			TextAnnotations:            []*visionpb.EntityAnnotation{{Description: hostile}},
			LocalizedObjectAnnotations: []*visionpb.LocalizedObjectAnnotation{{Name: hostile, BoundingPoly: square(.1, .9)}},
		})
		p.Click(`#toggles [name="objects"]`)
		p.WaitVisible("#overlay .objects")
		expectContains(t, "the label", pagetest.Evaluate[string](p, `document.querySelector(".bars").textContent`), hostile)
		if n := pagetest.Evaluate[int](p, `document.querySelectorAll("#result img, #result script, #overlay img, #overlay script").length`); n > 0 {
			t.Error("markup became elements")
		}
		if title := pagetest.Evaluate[string](p, "document.title"); title == "hacked" {
			t.Error("script was run")
		}
	})
}

func visitAnnotated(t *testing.T, h pagetest.Env, annotation *visionpb.AnnotateImageResponse) pagetest.Tab {
	t.Helper()
	return visitAnnotatedWith(t, h, annotation, pagetest.Portrait)
}

// setAnswer replaces Vision's answer.
func setAnswer(t *testing.T, h pagetest.Env, annotation *visionpb.AnnotateImageResponse) {
	t.Helper()
	h.Vision.SetFault(annotator.Fault{Response: proto.CloneOf(annotation)})
	t.Cleanup(func() { h.Vision.SetFault(annotator.Fault{}) })
}

var allAnnotations = &visionpb.AnnotateImageResponse{
	FaceAnnotations: []*visionpb.FaceAnnotation{
		{JoyLikelihood: visionpb.Likelihood_VERY_LIKELY, DetectionConfidence: .98},
		{SorrowLikelihood: visionpb.Likelihood_POSSIBLE, HeadwearLikelihood: visionpb.Likelihood_LIKELY, DetectionConfidence: .7},
	},
	LabelAnnotations:           []*visionpb.EntityAnnotation{{Description: "cat", Score: .97}, {Description: "whiskers", Score: .61}},
	LocalizedObjectAnnotations: []*visionpb.LocalizedObjectAnnotation{{Name: "Chair", Score: .8, BoundingPoly: square(.2, .7)}},
	LandmarkAnnotations:        []*visionpb.EntityAnnotation{{Description: "Eiffel Tower", Score: .5}},
	LogoAnnotations:            []*visionpb.EntityAnnotation{{Description: "Acme", Score: .4}},
	TextAnnotations:            []*visionpb.EntityAnnotation{{Description: "EXIT\nthis way"}, {Description: "EXIT"}},
	SafeSearchAnnotation:       &visionpb.SafeSearchAnnotation{Violence: visionpb.Likelihood_LIKELY, Adult: visionpb.Likelihood_VERY_UNLIKELY},
}

func square(from, to float32) *visionpb.BoundingPoly {
	return &visionpb.BoundingPoly{NormalizedVertices: []*visionpb.NormalizedVertex{{X: from, Y: from}, {X: to, Y: from}, {X: to, Y: to}, {X: from, Y: to}}}
}

func pixels(left, top, right, bottom int32) *visionpb.BoundingPoly {
	return &visionpb.BoundingPoly{Vertices: []*visionpb.Vertex{{X: left, Y: top}, {X: right, Y: top}, {X: right, Y: bottom}, {X: left, Y: bottom}}}
}

var joyful = []*visionpb.FaceAnnotation{
	{BoundingPoly: pixels(100, 100, 300, 300), JoyLikelihood: visionpb.Likelihood_VERY_LIKELY},
	{BoundingPoly: pixels(500, 100, 700, 300), JoyLikelihood: visionpb.Likelihood_LIKELY},
}

func labels(names ...string) (found []*visionpb.EntityAnnotation) {
	for _, name := range names {
		found = append(found, &visionpb.EntityAnnotation{Description: name, Score: .9})
	}
	return found
}

func objects(names ...string) (found []*visionpb.LocalizedObjectAnnotation) {
	for i, name := range names {
		left := .5 * float32(i%2)
		found = append(found, &visionpb.LocalizedObjectAnnotation{Name: name, Score: .9, BoundingPoly: &visionpb.BoundingPoly{NormalizedVertices: []*visionpb.NormalizedVertex{
			{X: left, Y: .1}, {X: left + .45, Y: .1}, {X: left + .45, Y: .9}, {X: left, Y: .9}}}})
	}
	return found
}

func quote(s string) string { return `"` + s + `"` }

func expectContains(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s is %q, want it to contain %q", what, text, word)
		}
	}
}

package browser

import (
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/chromedp/chromedp"
	"google.golang.org/protobuf/proto"

	"triptych/emulators/vision/annotator"
)

func testResult(t *testing.T, h pageEnv) {
	parallel(t, "face_has_box_points_description_and_colours", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		p.waitVisible("#overlay polygon", ".swatches li")
		if n := evaluate[int](p, `document.querySelectorAll("#overlay circle").length`); n < 20 {
			t.Errorf("%d points, want at least 20", n)
		}
		p.do(chromedp.WaitVisible(`#panels.settled`))
		p.waitUntil(`document.getAnimations().length === 0`)
		p.screenshot("result")
		p.click(`#toggles [name="points"]`)
		p.waitUntil(`!document.querySelector("#overlay circle")`)
		p.click(`#toggles [name="faces"]`)
		p.waitUntil(`!document.querySelector("#overlay polygon")`)
		p.click("#raw summary")
		p.waitText("#raw pre", `"joyLikelihood"`)
	})
	parallel(t, "face_box_covers_the_face", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		p.waitVisible("#overlay polygon")
		// In the test photo, the face is in the middle of the upper half.
		inside := evaluate[bool](p, `(() => {
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

func testAnnotations(t *testing.T, h pageEnv) {
	t.Run("every_kind_of_annotation_is_listed", func(t *testing.T) {
		p := h.visitAnnotated(t, allAnnotations)
		words := evaluate[string](p, `document.querySelector("#findings").innerText`)
		expectContains(t, "the result", words, "Cat", "97 %", "Chair", "Eiffel Tower", "Acme", "EXIT", "Violence is likely", "2 faces", "perhaps sad")
		if widths := evaluate[[]int](p, `[...document.querySelectorAll(".bars i")].slice(0, 2).map((bar) => Math.round(100 * bar.offsetWidth / bar.parentElement.offsetWidth))`); !slices.Equal(widths, []int{97, 61}) {
			t.Errorf("the bars are %v %% long", widths)
		}
		p.click(`#toggles [name="objects"]`)
		p.waitVisible("#overlay .object")
		p.screenshot("allAnnotations")
	})
	t.Run("unknown_likelihoods_are_omitted", func(t *testing.T) {
		p := h.visitAnnotated(t, &visionpb.AnnotateImageResponse{
			FaceAnnotations:      []*visionpb.FaceAnnotation{{DetectionConfidence: .6}},
			SafeSearchAnnotation: &visionpb.SafeSearchAnnotation{},
		})
		words := evaluate[string](p, `document.querySelector("#findings").innerText`)
		if strings.Contains(words, "calm") || strings.Contains(words, "Suitable") {
			t.Errorf("the result is %q", words)
		}
	})
	t.Run("markup_in_annotation_is_shown_as_text", func(t *testing.T) {
		const hostile = `<img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script>`
		p := h.visitAnnotated(t, &visionpb.AnnotateImageResponse{
			LabelAnnotations:           []*visionpb.EntityAnnotation{{Description: hostile, Score: .9}},
			LogoAnnotations:            []*visionpb.EntityAnnotation{{Description: hostile}},
			LandmarkAnnotations:        []*visionpb.EntityAnnotation{{Description: hostile}},
			TextAnnotations:            []*visionpb.EntityAnnotation{{Description: hostile}},
			LocalizedObjectAnnotations: []*visionpb.LocalizedObjectAnnotation{{Name: hostile, BoundingPoly: square(.1, .9)}},
		})
		p.click(`#toggles [name="objects"]`)
		p.waitVisible("#overlay .object")
		expectContains(t, "the label", evaluate[string](p, `document.querySelector(".bars").textContent`), hostile)
		if n := evaluate[int](p, `document.querySelectorAll("#result img, #result script, #overlay img, #overlay script").length`); n > 0 {
			t.Error("markup became elements")
		}
		if title := evaluate[string](p, "document.title"); title == "hacked" {
			t.Error("script was run")
		}
	})
}

func (h pageEnv) visitAnnotated(t *testing.T, annotation *visionpb.AnnotateImageResponse) tab {
	t.Helper()
	h.Vision.SetFault(annotator.Fault{Response: proto.CloneOf(annotation)})
	t.Cleanup(func() { h.Vision.SetFault(annotator.Fault{}) })
	p := h.visit(t)
	p.send()
	return p
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

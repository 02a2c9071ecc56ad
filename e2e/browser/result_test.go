package main

import (
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/chromedp/chromedp"
	"google.golang.org/protobuf/proto"

	"triptych/emulators/vision/annotator"
)

func testResult(t *testing.T, h house) {
	meanwhile(t, "a_face_is_marked_and_told_in_words_and_colours", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		p.see("#marks polygon", ".swatches li")
		if n := evaluate[int](p, `document.querySelectorAll("#marks circle").length`); n < 20 {
			t.Errorf("%d points of the face are shown", n)
		}
		p.do(chromedp.WaitVisible(`#leaves.settled`))
		p.until(`document.getAnimations().length === 0`)
		p.shoot("result")
		p.click(`#toggles [name="points"]`)
		p.until(`!document.querySelector("#marks circle")`)
		p.click(`#toggles [name="faces"]`)
		p.until(`!document.querySelector("#marks polygon")`)
		p.click("#raw summary")
		p.reads("#raw pre", `"joyLikelihood"`)
	})
	meanwhile(t, "the_box_lies_on_the_face", func(t *testing.T) {
		p := h.visit(t)
		p.send()
		p.see("#marks polygon")
		// The face in the portrait is in the middle of its upper half.
		inside := evaluate[bool](p, `(() => {
			const frame = document.querySelector("#frame").getBoundingClientRect();
			const box = document.querySelector("#marks polygon").getBoundingClientRect();
			const x = (box.left + box.right) / 2 - frame.left, y = (box.top + box.bottom) / 2 - frame.top;
			return Math.abs(x / frame.width - .47) < .06 && y / frame.height > .1 && y / frame.height < .35;
		})()`)
		if !inside {
			t.Error("the box is somewhere else")
		}
	})
}

func testAnswers(t *testing.T, h house) {
	t.Run("whatever_Google_finds_is_told", func(t *testing.T) {
		p := h.answered(t, everything)
		words := evaluate[string](p, `document.querySelector("#findings").innerText`)
		contains(t, "the result", words, "Cat", "97 %", "Chair", "Eiffel Tower", "Acme", "EXIT", "Violence is likely", "2 faces", "perhaps sad")
		if widths := evaluate[[]int](p, `[...document.querySelectorAll(".bars i")].slice(0, 2).map((bar) => Math.round(100 * bar.offsetWidth / bar.parentElement.offsetWidth))`); !slices.Equal(widths, []int{97, 61}) {
			t.Errorf("the bars are %v %% long", widths)
		}
		p.click(`#toggles [name="objects"]`)
		p.see("#marks .object")
		p.shoot("everything")
	})
	t.Run("what_Google_does_not_know_is_not_told", func(t *testing.T) {
		p := h.answered(t, &visionpb.AnnotateImageResponse{
			FaceAnnotations:      []*visionpb.FaceAnnotation{{DetectionConfidence: .6}},
			SafeSearchAnnotation: &visionpb.SafeSearchAnnotation{},
		})
		words := evaluate[string](p, `document.querySelector("#findings").innerText`)
		if strings.Contains(words, "calm") || strings.Contains(words, "Suitable") {
			t.Errorf("the result is told as %q", words)
		}
	})
	t.Run("markup_in_an_answer_is_text", func(t *testing.T) {
		const hostile = `<img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script>`
		p := h.answered(t, &visionpb.AnnotateImageResponse{
			LabelAnnotations:           []*visionpb.EntityAnnotation{{Description: hostile, Score: .9}},
			LogoAnnotations:            []*visionpb.EntityAnnotation{{Description: hostile}},
			LandmarkAnnotations:        []*visionpb.EntityAnnotation{{Description: hostile}},
			TextAnnotations:            []*visionpb.EntityAnnotation{{Description: hostile}},
			LocalizedObjectAnnotations: []*visionpb.LocalizedObjectAnnotation{{Name: hostile, BoundingPoly: polygon(.1, .9)}},
		})
		p.click(`#toggles [name="objects"]`)
		p.see("#marks .object")
		contains(t, "the label", evaluate[string](p, `document.querySelector(".bars").textContent`), hostile)
		if n := evaluate[int](p, `document.querySelectorAll("#result img, #result script, #marks img, #marks script").length`); n > 0 {
			t.Error("markup became elements")
		}
		if title := evaluate[string](p, "document.title"); title == "hacked" {
			t.Error("script was run")
		}
	})
}

// answered is the page of a picture that Google answered so.
func (h house) answered(t *testing.T, answer *visionpb.AnnotateImageResponse) tab {
	t.Helper()
	h.Vision.SetFault(annotator.Fault{Response: proto.CloneOf(answer)})
	t.Cleanup(func() { h.Vision.SetFault(annotator.Fault{}) })
	p := h.visit(t)
	p.send()
	return p
}

var everything = &visionpb.AnnotateImageResponse{
	FaceAnnotations: []*visionpb.FaceAnnotation{
		{JoyLikelihood: visionpb.Likelihood_VERY_LIKELY, DetectionConfidence: .98},
		{SorrowLikelihood: visionpb.Likelihood_POSSIBLE, HeadwearLikelihood: visionpb.Likelihood_LIKELY, DetectionConfidence: .7},
	},
	LabelAnnotations:           []*visionpb.EntityAnnotation{{Description: "cat", Score: .97}, {Description: "whiskers", Score: .61}},
	LocalizedObjectAnnotations: []*visionpb.LocalizedObjectAnnotation{{Name: "Chair", Score: .8, BoundingPoly: polygon(.2, .7)}},
	LandmarkAnnotations:        []*visionpb.EntityAnnotation{{Description: "Eiffel Tower", Score: .5}},
	LogoAnnotations:            []*visionpb.EntityAnnotation{{Description: "Acme", Score: .4}},
	TextAnnotations:            []*visionpb.EntityAnnotation{{Description: "EXIT\nthis way"}, {Description: "EXIT"}},
	SafeSearchAnnotation:       &visionpb.SafeSearchAnnotation{Violence: visionpb.Likelihood_LIKELY, Adult: visionpb.Likelihood_VERY_UNLIKELY},
}

// polygon is the square between two corners, in parts of the picture.
func polygon(from, to float32) *visionpb.BoundingPoly {
	return &visionpb.BoundingPoly{NormalizedVertices: []*visionpb.NormalizedVertex{{X: from, Y: from}, {X: to, Y: from}, {X: to, Y: to}, {X: from, Y: to}}}
}

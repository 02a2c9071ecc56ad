package uploads

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

const (
	stepAWS    = `{"name": "presign", "cloud": "aws", "status": "done", "attempt": 1}`
	stepGoogle = `{"name": "annotate", "cloud": "google", "status": "done", "attempt": 2, "startedAt": "2026-01-01T10:00:00Z", "finishedAt": "2026-01-01T10:00:01.25Z"}`
	stepAzure  = `{"name": "persist", "cloud": "azure", "status": "done", "attempt": 1, "startedAt": "2026-01-01T10:00:01.3Z", "finishedAt": "2026-01-01T10:00:01.312Z"}`
)

func waitingStep(name, cloud string) string {
	return fmt.Sprintf(`{"name": %q, "cloud": %q, "status": "waiting"}`, name, cloud)
}

func progressJSON(status, record string, steps ...string) string {
	return fmt.Sprintf(`{"status": %q, "record": %s, "steps": [%s]}`, status, record, strings.Join(steps, ", "))
}

// responses replaces responses of S3 and the API to a tab.
type responses struct {
	put      func(pagetest.PausedRequest) // nil: stored
	progress func(pagetest.PausedRequest) // nil: the API's own response
	image    func(pagetest.PausedRequest) // nil: the API's own response
}

func answerStatus(code int64) func(pagetest.PausedRequest) {
	return func(r pagetest.PausedRequest) { r.RespondStatus(code) }
}

func answerJSON(body string) func(pagetest.PausedRequest) {
	return func(r pagetest.PausedRequest) { r.RespondJSON(body) }
}

func temporalDown(r pagetest.PausedRequest) {
	pagetest.Respond(r, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: r.ID, ResponseCode: 503,
		Body: []byte(`{"detail": "Temporal does not answer, so the state of the picture is unknown: try again in a few seconds."}`)})
}

func (s responses) respondTo(p pagetest.Tab, h pagetest.Env) {
	p.Helper()
	or := func(handle, otherwise func(pagetest.PausedRequest)) func(pagetest.PausedRequest) {
		if handle == nil {
			return otherwise
		}
		return handle
	}
	p.Intercept("*", fetch.RequestStageRequest, func(r *fetch.EventRequestPaused, request pagetest.PausedRequest) {
		url := r.Request.URL
		switch {
		case r.Request.Method == "OPTIONS":
			request.RespondStatus(200)
		case strings.HasPrefix(url, h.BucketOrigin):
			or(s.put, answerStatus(200))(request)
		case strings.HasSuffix(url, "/events") && s.progress != nil:
			request.RespondStatus(503)
		case strings.HasSuffix(url, "/image"):
			or(s.image, pagetest.PausedRequest.Pass)(request)
		case strings.Contains(url, "/api/pictures/"):
			or(s.progress, pagetest.PausedRequest.Pass)(request)
		default:
			request.Pass()
		}
	})
}

// passTime sets the clocks of the page and of the server forward.
func passTime(p pagetest.Tab, passed time.Duration) {
	p.Helper()
	pagetest.Evaluate[bool](p, fmt.Sprintf(`Date.now = ((now) => () => now() + %d)(Date.now),
		Headers.prototype.get = ((get) => function (name) { return name === "date" ? new Date(Date.now()).toUTCString() : get.call(this, name); })(Headers.prototype.get), true`, passed.Milliseconds()))
}

func testWaiting(t *testing.T, h pagetest.Env) {
	retrying := `{"name": "annotate", "cloud": "google", "status": "retrying", "attempt": 4, "nextAttemptAt": "2100-01-01T10:00:00Z", "error": "Cloud Vision is unavailable or unreachable; Triptych tries again", "waitingFor": "google"}`
	retryingNow := `{"name": "annotate", "cloud": "google", "status": "retrying", "attempt": 4, "error": "Cloud Vision is unavailable or unreachable; Triptych tries again", "waitingFor": "google"}`
	paused := `{"name": "annotate", "cloud": "google", "status": "paused", "attempt": 4, "error": "The operator has paused this step"}`
	refused := `{"name": "annotate", "cloud": "google", "status": "failed", "attempt": 1, "error": "Google cannot read this as a picture"}`
	stopped := `{"name": "annotate", "cloud": "google", "status": "failed", "error": "The workflow was terminated"}`
	rejected := progressJSON("rejected", `{"rejection": {"message": "Google cannot read this as a picture"}}`, stepAWS, refused, stepAzure)
	send := func(p pagetest.Tab) {
		p.Choose(pagetest.Portrait)
		p.Click("#send")
	}
	open := func(p pagetest.Tab) { pagetest.Evaluate[bool](p, `location.hash = "`+h.NewLink(p.T)+`", true`) }
	openOld := func(p pagetest.Tab) {
		passTime(p, 20*time.Minute)
		open(p)
	}
	openOldOwn := func(p pagetest.Tab) {
		pagetest.Evaluate[bool](p, `Promise.all([import("./history.js"), import("./state.js")]).then(([{add}, {set}]) => set(add({key: "1", id: "`+h.NewLink(p.T)+`", token: "1", taken: "2026-01-01T10:00:00Z", sent: true}))).then(() => true)`)
		passTime(p, 30*time.Hour)
		pagetest.Evaluate[bool](p, `import("./history.js").then(({find}) => { location.hash = find(() => true).id; return true; })`)
	}
	const own, none = "own", "none" // what the frame shows
	for name, c := range map[string]struct {
		responses responses
		do        func(pagetest.Tab)
		title     string
		says      map[string]string // by selector
		buttons   []string
		frame     string
		uncovers  string // names of the steps whose panels are open
	}{
		"upload": {responses{put: func(pagetest.PausedRequest) {}}, send, "Sending your picture",
			map[string]string{"#now": "directly to Amazon S3", "#next": "next steps start"}, []string{"#cancel"}, own, ""},
		"upload_refused_by_AWS": {responses{put: answerStatus(503)}, send, "The upload waits",
			map[string]string{"#lead": "starts again by itself", "#now": "Nothing is lost", "#reason": "AWS cannot take the picture now (status 503)."}, []string{"#cancel"}, own, ""},
		"offline_upload": {responses{}, func(p pagetest.Tab) {
			p.Choose(pagetest.Portrait)
			setOffline(p, true)
			p.Click("#send")
		}, "The upload waits", map[string]string{"#lead": "You are offline", "#now": "this device keeps the picture", "#reason": ""}, []string{"#cancel"}, own, ""},
		"sent_picture": {responses{progress: answerJSON(progressJSON("waiting", "null", waitingStep("presign", "aws"), waitingStep("annotate", "google"), waitingStep("persist", "azure")))}, send,
			"AWS has your picture", map[string]string{"#lead": "You can close this page.", "#now": "Amazon S3 has stored your picture", `#steps [data-step="presign"] .state`: "Stored in "}, []string{"#another"}, own, "presign"},
		"picture_at_Google": {responses{progress: answerJSON(progressJSON("running", "null", stepAWS, `{"name": "annotate", "cloud": "google", "status": "running", "attempt": 1}`, waitingStep("persist", "azure")))}, send,
			"On its way", map[string]string{"#now": "Cloud Vision looks for", "#next": "Then Azure", `#steps [data-step="annotate"] .state`: "Working…"}, []string{"#another"}, own, "presign"},
		"picture_that_waits_for_Google": {responses{progress: answerJSON(progressJSON("running", "null", stepAWS, retrying, waitingStep("persist", "azure")))}, send,
			"waits for Google Cloud", map[string]string{"#now": "", "#reason": "Cloud Vision is unavailable or unreachable; Triptych tries again.", "#next": "The next try is at", `#steps [data-step="annotate"] .detail`: "Attempt 4"}, []string{"#another"}, own, "presign"},
		"picture_that_is_tried_again_now": {responses{progress: answerJSON(progressJSON("running", "null", stepAWS, retryingNow, waitingStep("persist", "azure")))}, send,
			"waits for Google Cloud", map[string]string{"#now": "", "#reason": "Cloud Vision is unavailable", "#next": "", `#steps [data-step="annotate"] .state`: "Trying again…"}, []string{"#another"}, own, "presign"},
		"picture_that_the_operator_has_paused": {responses{progress: answerJSON(progressJSON("running", "null", stepAWS, paused, waitingStep("persist", "azure")))}, send,
			"Your picture is paused", map[string]string{"#lead": "when the operator allows it", "#now": "", "#reason": "The operator has paused this step.", "#next": "",
				`#steps [data-step="annotate"] .state`: "Paused"}, []string{"#another"}, own, "presign"},
		"picture_at_Azure": {responses{progress: answerJSON(progressJSON("running", "null", stepAWS, stepGoogle, `{"name": "persist", "cloud": "azure", "status": "running"}`))}, send,
			"On its way", map[string]string{"#now": "Azure writes", "#next": "you see the result", `#steps [data-step="annotate"] .state`: "Done in 1.3 s", `#steps [data-step="annotate"] .detail`: "2 attempts"}, []string{"#another"}, own, "presign annotate"},
		"annotated_picture": {responses{progress: answerJSON(progressJSON("annotated", `{"annotation": {}}`, stepAWS, stepGoogle, stepAzure))}, send,
			"Your picture arrived", map[string]string{"#lead": "Through three clouds in", `#steps [data-step="persist"] .state`: "Stored in 12 ms"}, []string{"#another"}, own, "presign annotate persist"},
		"rejected_picture": {responses{progress: answerJSON(rejected)}, send,
			"cannot be used", map[string]string{"#lead": "Google cannot read this as a picture.", `#steps [data-step="annotate"] .state`: "Refused"}, []string{"#another", "#choose-another"}, own, "presign annotate persist"},
		"rejected_object_that_is_no_image": {responses{progress: answerJSON(rejected), image: answerStatus(404)}, open,
			"cannot be used", map[string]string{"#lead": "Google cannot read this as a picture."}, []string{"#another", "#choose-another"}, none, ""},
		"unknown_link": {responses{}, func(p pagetest.Tab) { pagetest.Evaluate[bool](p, `location.hash = "nobody", true`) },
			"leads to no picture", map[string]string{"#lead": "whole link", "#now": "53 characters. Here there are 6.", "#another": "Take a picture"}, []string{"#another"}, none, ""},
		"erased_picture": {responses{progress: answerJSON(progressJSON("erased", `{}`, waitingStep("presign", "aws"), waitingStep("annotate", "google"), waitingStep("persist", "azure")))}, open,
			"was erased", map[string]string{"#lead": "have been deleted", "#another": "Take another"}, []string{"#another"}, none, ""},
		"picture_deleted_by_retention": {responses{progress: answerJSON(progressJSON("annotated", `{"annotation": {}}`, stepAWS, stepGoogle, stepAzure)), image: answerStatus(404)}, open,
			"Your picture arrived", map[string]string{"#lead": "The picture itself has been deleted."}, []string{"#another"}, none, ""},
		"picture_and_Record_deleted_by_retention": {responses{}, openOldOwn,
			"This picture is gone", map[string]string{"#lead": "deletes pictures after some time", "#another": "Take a picture"}, []string{"#another", "#forget-this"}, none, ""},
		"picture_that_never_arrived": {responses{}, openOld,
			"This picture is not here", map[string]string{"#lead": "never arrived", "#another": "Take a picture"}, []string{"#another"}, none, ""},
		"picture_that_is_still_being_sent": {responses{}, open,
			"Waiting for the picture to arrive", map[string]string{"#now": "still being sent"}, []string{"#another"}, none, ""},
		"stopped_workflow": {responses{progress: answerJSON(progressJSON("waiting", "null", stepAWS, stopped, waitingStep("persist", "azure")))}, send,
			"Processing stopped", map[string]string{"#lead": "within 15 minutes", "#reason": "The workflow was terminated.", `#steps [data-step="annotate"] .state`: "Stopped"}, []string{"#another"}, own, "presign"},
		"Temporal_unavailable_after_upload": {responses{progress: temporalDown}, send,
			"Your picture is safe", map[string]string{"#lead": "the state of the picture is unknown. This page tries again by itself.", "#now": "Amazon S3 has stored your picture."}, []string{"#another"}, own, "presign"},
		"Temporal_unavailable": {responses{progress: temporalDown}, open,
			"cannot be shown yet", map[string]string{"#lead": "This page tries again by itself."}, []string{"#another"}, none, ""},
	} {
		pagetest.Parallel(t, name+"_is_explained_and_has_a_button", func(t *testing.T) {
			p := visitDeployedSite(t, h)
			c.responses.respondTo(p, h)
			c.do(p)
			p.WaitText("#title", c.title)
			for selector, text := range c.says {
				if text == "" {
					p.WaitUntil(`document.querySelector("` + selector + `").textContent === ""`)
				}
				p.WaitText(selector, text)
			}
			p.WaitVisible(c.buttons...)
			if frame := pagetest.Evaluate[string](p, `document.querySelector("#image").checkVisibility() ? "own" : document.querySelector("#frame.blank") ? "none" : "black"`); frame != c.frame {
				t.Errorf("the frame shows %s, want %s", frame, c.frame)
			}
			p.WaitUntil(`document.getAnimations().length === 0`)
			open := pagetest.Evaluate[[]string](p, `[...document.querySelectorAll("#frame:not(.blank) #panels p")].filter((panel) => getComputedStyle(panel).opacity === "0").map((panel) => panel.dataset.step)`)
			if got := strings.Join(open, " "); got != c.uncovers {
				t.Errorf("the open panels are %q, want %q", got, c.uncovers)
			}
			expectNoRepetition(p)
			screenshotEverywhere(p, name)
		})
	}
	pagetest.Parallel(t, "page_can_be_left_as_soon_as_the_picture_is_stored", func(t *testing.T) {
		p := visitDeployedSite(t, h)
		responses{progress: temporalDown}.respondTo(p, h)
		pagetest.Evaluate[bool](p, `new MutationObserver(() => {
			if (/is safe|AWS has your picture/.test(document.querySelector("#title").textContent)) window.allowed ??= dispatchEvent(new Event("beforeunload", {cancelable: true}));
		}).observe(document.querySelector("#title"), {childList: true, characterData: true, subtree: true}), true`)
		send(p)
		p.WaitUntil(`window.allowed !== undefined`)
		if !pagetest.Evaluate[bool](p, `allowed`) {
			t.Error("the browser asks whether to leave the page")
		}
	})
	pagetest.Parallel(t, "reloaded_page_shows_thumbnail_of_picture_that_waits", func(t *testing.T) {
		p := visitDeployedSite(t, h)
		responses{progress: temporalDown}.respondTo(p, h)
		send(p)
		p.WaitText("#title", "Your picture is safe")
		p.Do(chromedp.Reload())
		p.WaitText("#title", "Your picture is safe")
		p.WaitVisible("#backdrop", "#frame:not(.blank)")
		screenshotEverywhere(p, "thumbnail")
	})
	pagetest.Parallel(t, "durations_of_upload_and_write_are_shown_after_reload", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		p.Do(chromedp.Reload()) // the Record is visible a moment before the history contains its write
		p.WaitVisible(pagetest.AllDone, "#result")
		for step, text := range map[string]string{"presign": "Stored in", "annotate": "Done in", "persist": "Stored in"} {
			p.WaitText(`#steps [data-step="`+step+`"] .state`, text)
		}
		other := pagetest.NewTab(t, h.Chromium, p.Site)
		other.Do(chromedp.Navigate(pagetest.Evaluate[string](p, `location.href`)))
		other.WaitVisible(pagetest.AllDone, "#result")
		if state := pagetest.Evaluate[string](other, `document.querySelector('#steps [data-step="presign"] .state').textContent`); state != "Stored" {
			t.Errorf("in a browser that did not upload the picture, the step of AWS is %q", state)
		}
	})
	pagetest.Parallel(t, "panels_open_one_by_one_unless_motion_is_reduced", func(t *testing.T) {
		p := h.Visit(t)
		p.Send()
		const delays = `[...document.querySelectorAll("#panels p")].map((panel) => getComputedStyle(panel).transitionDelay).join(" ")`
		if got := pagetest.Evaluate[string](p, delays); got != "0s 0s 0s" {
			t.Errorf("with reduced motion, the delays are %s", got)
		}
		p.Emulate("prefers-reduced-motion", "no-preference")
		if got := pagetest.Evaluate[string](p, delays); got != "0s, 0s 0.4s 0.8s" {
			t.Errorf("the delays are %s", got)
		}
	})
	for _, width := range []int64{320, 390, 1280} {
		pagetest.Parallel(t, fmt.Sprintf("names_on_the_panels_can_be_read_over_a_white_picture_at_%d_px", width), func(t *testing.T) {
			p := visitDeployedSite(t, h)
			responses{put: func(pagetest.PausedRequest) {}}.respondTo(p, h)
			p.Do(chromedp.EmulateViewport(width, 1400))
			white := filepath.Join(t.TempDir(), "white.png")
			p.Choose(writeWhitePicture(t, white))
			p.Click("#send")
			p.WaitText("#title", "Sending your picture")
			p.CheckContrast(fmt.Sprintf("white-%d", width))
		})
	}
	pagetest.Parallel(t, "second_tab_explains_that_it_waits_for_the_first", func(t *testing.T) {
		first := h.Visit(t)
		sent, release := holdUploads(first, h)
		first.Choose(pagetest.Portrait)
		first.Click("#send")
		pagetest.Receive(first, sent)
		p := h.OpenBeside(t, first)
		p.Do(chromedp.Navigate(first.Site + "/" + pagetest.Evaluate[string](first, `location.hash`)))
		p.WaitText("#title", "Another tab is sending it")
		p.WaitText("#now", "Only one tab sends a picture")
		p.WaitVisible("#cancel", "#image")
		expectNoRepetition(p)
		screenshotEverywhere(p, "second_tab")
		release()
		p.WaitVisible(pagetest.AllDone, "#result")
	})
}

func writeWhitePicture(t *testing.T, path string) string {
	t.Helper()
	picture := image.NewGray(image.Rect(0, 0, 800, 600))
	draw.Draw(picture, picture.Rect, image.White, image.Point{}, draw.Src)
	var file bytes.Buffer
	if err := png.Encode(&file, picture); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, file.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// expectNoRepetition checks that no sentence is on the screen twice.
func expectNoRepetition(p pagetest.Tab) {
	p.Helper()
	sentences := pagetest.Evaluate[[]string](p, `["#title", "#lead", "#now", "#reason", "#next", "#notice p", ".state", ".detail", "#panels p"].flatMap((selector) => [...document.querySelectorAll(selector)])
		.filter((node) => node.checkVisibility({visibilityProperty: true, opacityProperty: true}))
		.flatMap((node) => node.textContent.split(/(?<=[.!?]) /)).filter((text) => text.includes(" ") && !/^\d/.test(text))`)
	slices.Sort(sentences)
	for i, sentence := range sentences[1:] {
		if strings.TrimRight(sentence, ".") == strings.TrimRight(sentences[i], ".") {
			p.Errorf("%q is shown twice", sentence)
		}
	}
}

func screenshotEverywhere(p pagetest.Tab, name string) {
	p.Helper()
	if *pagetest.Screenshots == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		p.Emulate("prefers-color-scheme", scheme)
		for device, size := range map[string][2]int64{"desktop": {1280, 800}, "phone": {390, 844}} {
			p.Do(chromedp.EmulateViewport(size[0], size[1]))
			p.Screenshot(name + "-" + device + "-" + scheme)
		}
	}
}

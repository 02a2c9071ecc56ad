package browser

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"

	"triptych/e2e/stacktest"
	"triptych/emulators/vision/annotator"
	"triptych/local/stack"
)

// TestJourney tests what a person does with the page, in each engine. The engines take turns, because some tests inject
// faults into the stack.
func TestJourney(t *testing.T) {
	t.Parallel()
	s := stacktest.Start(t)
	for _, e := range engines {
		t.Run(e.name, func(t *testing.T) {
			e.requirePrograms(t)
			proxy := startFaultProxy(t)
			w := window{t, e, e.start(t, proxy.Listener.Addr().String()), proxy, s.Endpoints.Site}
			w.command("SetWindowRect", map[string]any{"width": 1280, "height": 900}, nil)
			for _, subject := range []func(*testing.T, window, *stack.Stack){testPicture, testOutages, testUploadFaults, testErasure} {
				subject(t, w, s)
			}
		})
	}
}

func testPicture(t *testing.T, w window, s *stack.Stack) {
	t.Run("chosen_file_passes_all_three_steps_and_shows_the_face", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		w.waitVisible("#image", "#overlay polygon", ".swatches li")
		expectContains(t, "the result", evaluateIn[string](w, `document.querySelector("#result").innerText`), "joyful")
		w.click(`#toggles [name="faces"]`)
		w.waitUntil(`!document.querySelector("#overlay polygon")`)
	})
	t.Run("camera_picture_passes_all_three_steps", func(t *testing.T) {
		w := w.visit(t)
		w.click("#open-camera")
		w.waitVisible("#shoot")
		w.waitUntil(`document.querySelector("#preview").videoWidth > 0`)
		evaluateIn[bool](w, `Boolean(window.stream = document.querySelector("#preview").srcObject)`)
		w.click("#shoot")
		w.waitVisible("#review", "#image")
		if evaluateIn[bool](w, `stream.active`) {
			t.Error("the camera is still on")
		}
		w.click("#send")
		w.waitVisible(allDone, "#result")
	})
	t.Run("dropped_or_pasted_file_is_reviewed_before_upload", func(t *testing.T) {
		w := w.visit(t)
		for _, event := range []string{"drop", "paste"} {
			before := evaluateIn[string](w, `document.querySelector("#image").src`)
			evaluateIn[bool](w, dispatchFile(event, "image/png"))
			w.waitUntil(`document.querySelector("#image").src !== ` + quoted(before))
			w.waitVisible("#review")
		}
	})
	t.Run("unreadable_file_is_refused_and_another_can_be_chosen", func(t *testing.T) {
		w := w.visit(t)
		fake := filepath.Join(t.TempDir(), "fake.jpg")
		if err := os.WriteFile(fake, []byte("this is no picture"), 0o644); err != nil {
			t.Fatal(err)
		}
		w.chooseFile(fake)
		w.waitText("#notice p", "cannot read that file")
		w.choose(portrait)
		w.waitUntil(`document.querySelector("#notice").hidden`)
	})
	t.Run("uploaded_object_that_is_no_image_is_rejected_with_reason", func(t *testing.T) {
		w := w.visit(t)
		evaluateIn[bool](w, uploadText)
		w.waitVisible(`#steps [data-step="annotate"][data-status="failed"]`, `#steps [data-step="persist"][data-status="done"]`)
		w.waitText("#title", "cannot be used")
	})
	t.Run("result_is_shown_again_after_reload_and_with_the_back_button", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		w.reload()
		w.waitVisible("#result", "#overlay polygon")
		w.click("#another")
		w.waitVisible("#start")
		w.back()
		w.waitVisible("#result", "#overlay polygon")
	})
	t.Run("link_shows_picture_without_history_but_cannot_erase_it", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		link := evaluateIn[string](w, `location.href`)
		w = w.visit(t)
		w.navigate(link)
		w.waitVisible("#result", "#overlay polygon")
		if evaluateIn[bool](w, `document.querySelector("#erase-this").checkVisibility()`) {
			t.Error("the erase button is visible")
		}
	})
}

func testOutages(t *testing.T, w window, s *stack.Stack) {
	t.Run("reload_during_retries_shows_step_error_and_continues", func(t *testing.T) {
		w := w.visit(t)
		s.Vision.SetFault(annotator.Fault{Code: codes.ResourceExhausted, Message: "quota"})
		t.Cleanup(func() { s.Vision.SetFault(annotator.Fault{}) })
		w.choose(portrait)
		w.click("#send")
		const retrying = `#steps [data-step="annotate"][data-status="retrying"]`
		w.waitVisible(`#steps [data-step="presign"][data-status="done"]`, retrying)
		w.reload()
		w.waitVisible(retrying, "#image")
		w.waitText("#reason", "quota")
		s.Vision.SetFault(annotator.Fault{})
		w.waitVisible(allDone, "#overlay polygon")
	})
	for _, c := range []struct{ cloud, step string }{{"aws", "presign"}, {"google", "annotate"}, {"azure", "persist"}} {
		t.Run("picture_waits_while_"+c.cloud+"_is_down_and_arrives_afterwards", func(t *testing.T) {
			w := w.visit(t)
			plug := `.plug[data-cloud="` + c.cloud + `"] [data-fault="down"]`
			w.click(plug)
			w.waitVisible(plug + `[aria-pressed="true"]`)
			w.choose(portrait)
			w.click("#send")
			w.waitVisible(`#steps [data-step="` + c.step + `"][data-status="retrying"]`)
			w.click(plug)
			w.waitVisible(plug+`[aria-pressed="false"]`, allDone)
		})
	}
	t.Run("page_reports_Temporal_outage_and_continues_after_it", func(t *testing.T) {
		w := w.visit(t)
		const plug = `.plug[data-cloud="temporal"] [data-fault="down"]`
		w.click(plug)
		w.waitVisible(plug + `[aria-pressed="true"]`)
		w.choose(portrait)
		w.click("#send")
		w.waitText("#lead", "Temporal does not answer")
		w.click(plug)
		w.waitVisible(plug+`[aria-pressed="false"]`, allDone)
	})
	t.Run("page_polls_without_event_stream", func(t *testing.T) {
		w := w.visit(t)
		w.proxy.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(r.URL.Path, "/events") {
				return false
			}
			rw.WriteHeader(http.StatusServiceUnavailable)
			return true
		})
		w.send()
	})
}

func testUploadFaults(t *testing.T, w window, s *stack.Stack) {
	// interceptPUT leaves CORS preflights alone.
	interceptPUT := func(w window, handle handler) {
		w.proxy.intercept(func(rw http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPut && "http://"+r.Host == s.Endpoints.S3 && handle(rw, r)
		})
	}
	t.Run("connection_reset_before_upload_is_reported_and_retried", func(t *testing.T) {
		w := w.visit(t)
		var reported atomic.Bool
		interceptPUT(w, func(http.ResponseWriter, *http.Request) bool {
			if !reported.Load() {
				panic(http.ErrAbortHandler)
			}
			return false
		})
		w.choose(portrait)
		w.click("#send")
		w.waitVisible(`#steps [data-step="presign"][data-status="retrying"]`)
		w.waitText("#title", "The upload waits")
		reported.Store(true)
		w.waitVisible(allDone)
		w.waitUntil(historyLength + ` === "1"`)
	})
	t.Run("upload_stops_after_three_refused_grants", func(t *testing.T) {
		w := w.visit(t)
		var puts atomic.Int32
		interceptPUT(w, func(rw http.ResponseWriter, r *http.Request) bool {
			puts.Add(1)
			io.Copy(io.Discard, r.Body)
			rw.Header().Set("Access-Control-Allow-Origin", "*")
			rw.WriteHeader(http.StatusForbidden)
			return true
		})
		w.choose(portrait)
		w.click("#send")
		w.waitText("#notice p", "answered 403")
		w.waitVisible("#review")
		if n := puts.Load(); n != 3 {
			t.Errorf("%d uploads, want 3", n)
		}
		w.waitUntil(`location.hash === "" && ` + historyLength + ` === "0"`)
	})
	t.Run("offline_upload_continues_when_online", func(t *testing.T) {
		if w.setOffline == nil {
			t.Skip("this engine cannot be taken offline by WebDriver")
		}
		w := w.visit(t)
		offline := func(yes bool) {
			if err := w.setOffline(context.Background(), w.driver, yes); err != nil {
				t.Fatal(err)
			}
		}
		w.choose(portrait)
		offline(true)
		t.Cleanup(func() { offline(false) })
		w.proxy.intercept(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }) // Firefox still reaches loopback addresses
		w.click("#send")
		w.waitText("#lead", "You are offline")
		w.proxy.intercept(nil)
		offline(false)
		w.waitVisible(allDone)
	})
	t.Run("cancelled_upload_leaves_nothing_and_can_be_repeated", func(t *testing.T) {
		w := w.visit(t)
		var puts atomic.Int32
		interceptPUT(w, func(_ http.ResponseWriter, r *http.Request) bool {
			if puts.Add(1) > 1 {
				return false
			}
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return true
		})
		w.choose(portrait)
		w.click("#send")
		if !stacktest.Eventually(t, func(context.Context) bool { return puts.Load() > 0 }) {
			t.Fatal("the page sends no picture")
		}
		w.waitVisible("#upload")
		w.click("#cancel")
		w.waitVisible("#review", "#notice")
		w.waitUntil(`location.hash === "" && ` + historyLength + ` === "0"`)
		w.click("#send")
		w.waitVisible(allDone)
	})
}

func testErasure(t *testing.T, w window, s *stack.Stack) {
	t.Run("history_lists_opens_and_erases_pictures", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		first := evaluateIn[string](w, "location.hash")
		w.click("#another")
		w.send()
		w.click("#another")
		w.reload()
		w.waitVisible("#pictures li:nth-child(2) img")
		w.click(`#pictures a[href="` + first + `"]`)
		w.waitVisible("#result", "#overlay polygon")
		w.click("#erase-this", "#confirm-act")
		w.waitText("#title", "was erased")
		w.waitText("#notice p", "Erased")
		if evaluateIn[bool](w, `document.querySelector("#image").checkVisibility() || document.querySelector("#result").checkVisibility()`) {
			t.Error("the erased picture is still shown")
		}
		if status := evaluateIn[int](w, `fetch("/api/pictures/`+first[1:]+`/image").then(({status}) => status)`); status != http.StatusGone {
			t.Errorf("the erased image has status %d, want 410", status)
		}
		w.click("#another")
		w.waitUntil(`document.querySelectorAll("#pictures li").length === 1`)
		w.click("#erase-all", "#confirm-act")
		w.waitUntil(`document.querySelector("#history").hidden`)
	})
	t.Run("forgotten_picture_leaves_the_history_and_stays_online", func(t *testing.T) {
		w := w.visit(t)
		w.send()
		id := evaluateIn[string](w, "location.hash.slice(1)")
		w.click("#forget-this", "#confirm-act")
		w.waitVisible("#start")
		w.waitUntil(`document.querySelector("#history").hidden && location.hash === ""`)
		if status := evaluateIn[string](w, `fetch("/api/pictures/`+id+`").then((r) => r.json()).then(({status}) => status)`); status != "annotated" {
			t.Errorf("the forgotten picture has status %s, want annotated", status)
		}
	})
}

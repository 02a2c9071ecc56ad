package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"triptych/local/stack"
)

// portrait is NASA's portrait of Eileen Collins, in the public domain: one smiling face.
const portrait = "../local/vision/testdata/astronaut.jpg"

// browser is a tab of a real Chromium whose camera sees the portrait. It fails the test on whatever the
// page complains of, such as a breach of its own security policy.
func browser(t *testing.T) context.Context {
	t.Helper()
	if !installed("chromium", "chromium-browser", "google-chrome", "chrome") {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium on the PATH: apt-get install chromium")
		}
		t.Skip("no Chromium on the PATH: the page is not tested (apt-get install chromium)")
	}
	photo, err := os.ReadFile(portrait)
	if err != nil {
		t.Fatal(err)
	}
	video := filepath.Join(t.TempDir(), "camera.mjpeg")
	if err := os.WriteFile(video, bytes.Repeat(photo, 10), 0o644); err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	t.Cleanup(cancel)
	var mu sync.Mutex
	var complaints []string
	ctx, closeTab := chromedp.NewContext(patience,
		chromedp.WithAllocatorOptions(
			chromedp.NoSandbox,
			chromedp.Flag("use-fake-ui-for-media-stream", true),
			chromedp.Flag("use-fake-device-for-media-stream", true),
			chromedp.Flag("use-file-for-fake-video-capture", video),
			chromedp.Flag("disable-component-update", true),
			chromedp.Flag("disable-quic", true),
		),
		chromedp.WithListener(func(event any) {
			mu.Lock()
			defer mu.Unlock()
			switch event := event.(type) {
			case *runtime.EventExceptionThrown:
				complaints = append(complaints, event.ExceptionDetails.Text)
			case *log.EventEntryAdded:
				// An answer of 4xx is a complaint too, but one a test may ask for.
				if event.Entry.Level == log.EntryLevelError && event.Entry.Source != log.EntrySourceNetwork {
					complaints = append(complaints, event.Entry.Text)
				}
			}
		}))
	t.Cleanup(func() {
		closeTab()
		mu.Lock()
		defer mu.Unlock()
		for _, complaint := range complaints {
			t.Error("the page complains:", complaint)
		}
	})
	do(t, ctx, chromedp.EmulateViewport(1000, 800))
	return ctx
}

func do(t *testing.T, ctx context.Context, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	for _, action := range actions {
		if _, err := chromedp.Run(ctx, action); err != nil {
			page, _ := chromedp.Run(context.WithoutCancel(ctx), chromedp.Evaluate[string]("document.body?.innerText"))
			t.Fatalf("%v; the page reads: %s", err, page)
		}
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

const allDone = `#steps:not(:has(li:not([data-status="done"])))`

// The whole pipeline takes seconds to start, so the pages that need it share one.
func TestPage(t *testing.T) {
	site := stack.Start(t).Endpoints.Site
	t.Run("a_picture_taken_with_the_camera_is_seen_through_three_clouds", func(t *testing.T) { takeOne(t, site) })
	t.Run("a_chosen_file_that_is_no_picture_is_rejected_with_the_reason", func(t *testing.T) { chooseNone(t, site) })
	t.Run("a_result_fits_a_narrow_screen", func(t *testing.T) { chooseNarrowly(t, site) })
}

func takeOne(t *testing.T, site string) {
	ctx := browser(t)
	do(t, ctx,
		chromedp.Navigate(site),
		chromedp.Click("#open-camera"),
		chromedp.WaitVisible("#shoot"),
		chromedp.Click("#shoot"),
		chromedp.WaitVisible(allDone),
		chromedp.WaitVisible("#faces li"),
	)
	look := func(t *testing.T) {
		if words := evaluate[string](t, ctx, `document.querySelector("#faces").innerText`); !strings.Contains(words, "joyful") {
			t.Errorf("the smiling face is told as %q", words)
		}
		if n := evaluate[int](t, ctx, `document.querySelectorAll(".swatch").length`); n == 0 {
			t.Error("no colours are shown")
		}
		do(t, ctx, chromedp.WaitVisible("#boxes polygon"))
		if n := evaluate[int](t, ctx, `document.querySelector("#image").naturalWidth`); n == 0 {
			t.Error("the picture is not shown")
		}
	}
	look(t)
	if on := evaluate[bool](t, ctx, `document.querySelector("#preview").srcObject.active`); on {
		t.Error("the camera is still on")
	}
	do(t, ctx, chromedp.Reload(), chromedp.WaitVisible(allDone))
	look(t)
}

func chooseNone(t *testing.T, site string) {
	ctx := browser(t)
	fake := filepath.Join(t.TempDir(), "fake.jpg")
	if err := os.WriteFile(fake, []byte("this is no picture"), 0o644); err != nil {
		t.Fatal(err)
	}
	do(t, ctx,
		chromedp.Navigate(site),
		chromedp.SetUploadFiles("#file", []string{fake}),
		chromedp.WaitVisible(`#steps [data-step="annotate"][data-status="failed"]`),
		chromedp.WaitVisible(`#steps [data-step="persist"][data-status="done"]`),
		chromedp.WaitVisible("#why"),
	)
	if words := evaluate[string](t, ctx, `document.querySelector("#status").innerText`); !strings.Contains(words, "cannot be used") {
		t.Errorf("the page says %q", words)
	}
}

func chooseNarrowly(t *testing.T, site string) {
	ctx := browser(t)
	photo, err := filepath.Abs(portrait)
	if err != nil {
		t.Fatal(err)
	}
	do(t, ctx,
		chromedp.EmulateViewport(320, 640),
		chromedp.Navigate(site),
		chromedp.SetUploadFiles("#file", []string{photo}),
		chromedp.WaitVisible(allDone),
		chromedp.WaitVisible("#boxes polygon"),
	)
	if width := evaluate[int](t, ctx, `document.documentElement.scrollWidth`); width > 320 {
		t.Errorf("the page is %d px wide on a screen of 320", width)
	}
}

func TestPage_a_picture_that_does_not_exist_is_said_to_be_so(t *testing.T) {
	c := newClouds(t)
	ctx := browser(t)
	do(t, ctx, chromedp.Navigate(c.site.URL+"/#nobody"), chromedp.WaitVisible("#notice"))
	if words := evaluate[string](t, ctx, `document.querySelector("#notice").innerText`); !strings.Contains(words, "names no picture") {
		t.Errorf("the page says %q", words)
	}
}

func installed(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
}

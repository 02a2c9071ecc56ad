package main

import (
	"bytes"
	"context"
	"flag"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	goruntime "runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"triptych/emulators/loopback"
	"triptych/local/stack"
	"triptych/local/stacktest"
)

// portrait is NASA's portrait of Eileen Collins, in the public domain: one smiling face.
const portrait = "../../emulators/vision/testdata/astronaut.jpg"

var screenshots = flag.String("screenshots", "", "`directory` to put pictures of the page into")

// house is what tests of the page share, because it takes seconds to start: the whole pipeline, and a Chromium whose
// camera sees the portrait.
type house struct {
	*stack.Stack
	chromium context.Context
	deployed string // the site alone, under a name as it has in the cloud
	bucket   string // origin of the bucket that deployed grants uploads to
}

// A tab mostly waits, for a cloud, a countdown or the next frame: twice as many as there are cores keep them busy.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*goruntime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	m.Run()
}

// TestPage runs the page in a real browser against the real pipeline. The tests stand by subject in page_*_test.go;
// those that put faults into the pipeline have one to themselves, and take turns.
func TestPage(t *testing.T) {
	alone := stacktest.Start(t)
	deployed := strings.Replace(startWeb(t, alone), "127.0.0.1", "triptych.example", 1)
	chromium := startChromium(t,
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", cameraFilm(t)),
		chromedp.Flag("host-resolver-rules", "MAP triptych.example 127.0.0.1"),
		chromedp.Flag("unsafely-treat-insecure-origin-as-secure", deployed), // as https would be
		chromedp.Flag("force-prefers-reduced-motion", true))                 // to draw each frame is most of a browser's work
	for name, subjects := range map[string][]func(*testing.T, house){
		"health": {testNotice, testCamera, testFiles, testUpload, testProgress, testResult, testAlbum, testPeople, testContrast, testWeight, testNoFaults, testShots},
		"answer": {testReload, testAnswers},
		"fault":  {testFaults, testSwitches},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := house{stacktest.Start(t), chromium, deployed, alone.Endpoints.S3}
			for _, subject := range subjects {
				subject(t, h)
			}
		})
	}
}

// startWeb runs the program web alone, as it is deployed: without fault switches, and with a retention of 30 days.
func startWeb(t *testing.T, s *stack.Stack) string {
	t.Helper()
	port, err := loopback.Claim("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port.Close()
	address := port.Addr().String()
	s.StartProgram("deployed", "web", []string{"TRIPTYCH_RETENTION_DAYS=30"}, "-addr", address)
	if !stacktest.Eventually(t, func(ctx context.Context) bool {
		res, err := http.Get("http://" + address + "/healthz")
		if err == nil {
			res.Body.Close()
		}
		return err == nil && res.StatusCode == http.StatusOK
	}) {
		t.Fatal("web does not serve")
	}
	return "http://" + address
}

// meanwhile runs a test beside others. None of them may put a fault into what they share.
func meanwhile(t *testing.T, name string, test func(*testing.T)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		test(t)
	})
}

func startChromium(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	if !installed("chromium", "chromium-browser", "google-chrome", "chrome") {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium on the PATH: apt-get install chromium")
		}
		t.Skip("no Chromium on the PATH: the page is not tested (apt-get install chromium)")
	}
	flags = append(flags, chromedp.NoSandbox, chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-quic", true))
	ctx, stop := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(flags...))
	t.Cleanup(stop)
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[int]("0")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// cameraFilm is what Chromium's fake camera plays.
func cameraFilm(t *testing.T) string {
	t.Helper()
	photo, err := os.ReadFile(portrait)
	if err != nil {
		t.Fatal(err)
	}
	film := filepath.Join(t.TempDir(), "camera.mjpeg")
	if err := os.WriteFile(film, bytes.Repeat(photo, 10), 0o644); err != nil {
		t.Fatal(err)
	}
	return film
}

func installed(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
}

// tab is a page of a browser that remembers nothing. It fails the test on whatever the page complains of,
// such as a breach of its own security policy.
type tab struct {
	*testing.T
	ctx  context.Context
	site string
}

func newTab(t *testing.T, chromium context.Context, site string) tab {
	t.Helper()
	var mu sync.Mutex
	var complaints []string
	t.Cleanup(func() { // after the tab is closed
		mu.Lock()
		defer mu.Unlock()
		for _, complaint := range complaints {
			t.Error("the page complains:", complaint)
		}
	})
	return openTab(t, chromium, site, chromedp.WithListener(func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			complaints = append(complaints, event.ExceptionDetails.Text+" "+event.ExceptionDetails.Exception.Description)
		case *log.EventEntryAdded:
			// An answer of 4xx is a complaint too, but one a test may ask for.
			if event.Entry.Level == log.EntryLevelError && event.Entry.Source != log.EntrySourceNetwork {
				complaints = append(complaints, event.Entry.Text)
			}
		}
	}))
}

// openTab is a tab whose page may complain: it is not ours.
func openTab(t *testing.T, chromium context.Context, site string, options ...chromedp.ContextOption) tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(chromium, append(options, chromedp.WithNewBrowserContext())...)
	t.Cleanup(closeTab)
	if _, err := chromedp.Run(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return tab{t, patience, site}
}

// in is the same house seen in another browser.
func (h house) in(chromium context.Context) house {
	h.chromium = chromium
	return h
}

// visit opens the site as someone who has agreed to the notice.
func (h house) visit(t *testing.T) tab {
	t.Helper()
	p := newTab(t, h.chromium, h.Endpoints.Site)
	p.do(chromedp.Navigate(p.site), chromedp.Click("#agree"), chromedp.WaitVisible("#open-camera"))
	return p
}

func (p tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	for _, action := range actions {
		if _, err := chromedp.Run(p.ctx, action); err != nil {
			text, _ := chromedp.Run(context.WithoutCancel(p.ctx), chromedp.Evaluate[string]("document.body?.innerText"))
			p.Fatalf("%v; the page reads: %s", err, text)
		}
	}
}

func (p tab) see(selectors ...string) {
	p.Helper()
	for _, selector := range selectors {
		p.do(chromedp.WaitVisible(selector))
	}
}

func (p tab) click(selectors ...string) {
	p.Helper()
	for _, selector := range selectors {
		p.do(chromedp.Click(selector))
	}
}

// reads waits until the element reads so.
func (p tab) reads(selector, words string) {
	p.Helper()
	p.until(`document.querySelector(` + quoted(selector) + `)?.textContent.includes(` + quoted(words) + `)`)
}

// until waits for an expression to be true. It is looked at with each frame that is drawn.
func (p tab) until(expression string) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[bool](`new Promise((seen, failed) => {
			const look = () => {
				try {
					if (`+expression+`) seen(true);
					else requestAnimationFrame(look);
				} catch (error) {
					failed(error);
				}
			};
			look();
		})`, awaited)(ctx, t)
		return chromedp.Void{}, err
	})
}

func awaited(p *runtime.EvaluateParams) { yes := true; p.AwaitPromise = &yes }

func quoted(s string) string { return "`" + s + "`" }

func evaluate[T any](p tab, expression string) T {
	p.Helper()
	value, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, awaited))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return value
}

// first has a script run before those of each page that is opened from now on.
func (p tab) first(script string) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return chromedp.Void{}, err
	})
}

// choose picks a file, which is then shown before it is sent.
func (p tab) choose(path string) {
	p.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		p.Fatal(err)
	}
	p.do(chromedp.SetUploadFiles("#file", []string{path}, chromedp.NodeReady))
	p.see("#review")
}

const allDone = `#steps:not(:has(li:not([data-status="done"])))`

// send sends a portrait and sees it arrive.
func (p tab) send() {
	p.Helper()
	p.choose(portrait)
	p.click("#send")
	p.see(allDone, "#result")
}

// shoot takes a picture of the page, for a person to look at.
func (p tab) shoot(name string) {
	p.Helper()
	if *screenshots == "" {
		return
	}
	picture, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*screenshots, name+".png"), picture, 0o644)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// intercept has every request that fits the pattern handled, at the given stage, until the tab is closed.
// What handle does not answer is left to hang.
func (p tab) intercept(pattern string, stage fetch.RequestStage, handle func(*fetch.EventRequestPaused, answers)) {
	p.Helper()
	err := chromedp.Listen(p.ctx, func(event any) {
		if paused, ok := event.(*fetch.EventRequestPaused); ok {
			go handle(paused, answers{p, paused.RequestID})
		}
	})
	if err != nil {
		p.Fatal(err)
	}
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, fetch.Enable, fetch.EnableParams{Patterns: []*fetch.RequestPattern{{URLPattern: pattern, RequestStage: stage}}})
		return chromedp.Void{}, err
	})
}

// answers to one request.
type answers struct {
	tab tab
	id  fetch.RequestID
}

func (a answers) goOn() {
	reply(a, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: a.id})
}

func (a answers) cut() {
	reply(a, fetch.FailRequest, fetch.FailRequestParams{RequestID: a.id, ErrorReason: "ConnectionReset"})
}

func (a answers) refuse(status int64) {
	reply(a, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: a.id, ResponseCode: status,
		ResponseHeaders: []*fetch.HeaderEntry{
			{Name: "Access-Control-Allow-Origin", Value: "*"}, {Name: "Access-Control-Allow-Methods", Value: "*"}, {Name: "Access-Control-Allow-Headers", Value: "*"}}})
}

func (a answers) tell(json string) {
	reply(a, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: a.id, ResponseCode: 200, Body: []byte(json)})
}

func reply[P, R any](a answers, command cdp.Command[P, R], params P) {
	// A tab that is closing needs no answer.
	chromedp.Run(a.tab.ctx, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, command, params) })
}

// receive waits for what a handler of requests sends, for as long as the tab is open.
func receive[T any](p tab, sent <-chan T) T {
	p.Helper()
	select {
	case value := <-sent:
		return value
	case <-p.ctx.Done():
		p.Fatal("the page never asked")
		panic("unreachable")
	}
}

func contains(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s is told as %q, without %q", what, text, word)
		}
	}
}

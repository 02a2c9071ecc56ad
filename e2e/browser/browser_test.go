package browser

import (
	"context"
	"flag"
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

	"triptych/e2e/pagetest"
	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/local/stack"
)

const portrait = pagetest.Portrait

var screenshots = flag.String("screenshots", "", "`directory` for screenshots of the page")

type pageEnv struct {
	*stack.Stack
	chromium     context.Context
	webURL       string // of the program web without the stack's fault switches
	deployedURL  string
	bucketOrigin string // of the bucket to which deployedURL grants uploads
}

// TestMain runs two tests per CPU core, because the tests mostly wait.
func TestMain(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*goruntime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	m.Run()
}

func TestPage(t *testing.T) {
	t.Parallel()
	webStack := stacktest.Start(t)
	webURL := stacktest.StartWeb(t, webStack, "TRIPTYCH_RETENTION_DAYS=30")
	deployedURL := strings.Replace(webURL, "127.0.0.1", "triptych.example", 1)
	chromium := startChromium(t,
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-file-for-fake-video-capture", pagetest.CameraVideo(t)),
		chromedp.Flag("host-resolver-rules", "MAP triptych.example 127.0.0.1"),
		chromedp.Flag("unsafely-treat-insecure-origin-as-secure", deployedURL), // stands in for https
		chromedp.Flag("force-prefers-reduced-motion", true))                    // animations would use most of the CPU time
	for name, subjects := range map[string][]func(*testing.T, pageEnv){
		"without_faults":     {testLanguage, testAgreement, testCamera, testFiles, testUpload, testUnsent, testCompatibility, testProgress, testWaiting, testWaitingFor, testResult, testHistory, testAccessibility, testContrast, testSize, testNoSwitches, testScreenshots, testResultLayout, testPhoto, testHead, testIcons},
		"with_Vision_faults": {testReload, testAnnotations, testCard},
		"with_switches":      {testLanguageOfFaults, testFaults, testSwitches, testSharedSwitches},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := pageEnv{stacktest.Start(t), chromium, webURL, deployedURL, webStack.Endpoints.S3}
			for _, subject := range subjects {
				subject(t, h)
			}
		})
	}
}

// newLink returns the link ID of a picture that is never uploaded.
func (h pageEnv) newLink(t *testing.T) string {
	t.Helper()
	g, err := siteclient.Site(h.webURL).RequestGrant(t.Context(), []byte("never uploaded"))
	if err != nil {
		t.Fatal(err)
	}
	return g.Link
}

// A parallel subtest must not inject faults, because the subtests share one local stack.
func parallel(t *testing.T, name string, test func(*testing.T)) {
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

func installed(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, err := exec.LookPath(name)
		return err == nil
	})
}

type tab struct {
	*testing.T
	ctx  context.Context
	site string
}

// newTab fails the test if the page logs an error or throws an exception.
func newTab(t *testing.T, chromium context.Context, site string) tab {
	t.Helper()
	var mu sync.Mutex
	var pageErrors []string
	t.Cleanup(func() { // after the tab is closed
		mu.Lock()
		defer mu.Unlock()
		for _, pageError := range pageErrors {
			t.Error("error in the page:", pageError)
		}
	})
	return openTab(t, chromium, site, chromedp.WithListener(func(event any) {
		mu.Lock()
		defer mu.Unlock()
		switch event := event.(type) {
		case *runtime.EventExceptionThrown:
			pageErrors = append(pageErrors, event.ExceptionDetails.Text+" "+event.ExceptionDetails.Exception.Description)
		case *log.EventEntryAdded:
			// Chromium logs every 4xx response as a network error, and some tests cause 4xx responses on purpose.
			if event.Entry.Level == log.EntryLevelError && event.Entry.Source != log.EntrySourceNetwork {
				pageErrors = append(pageErrors, event.Entry.Text)
			}
		}
	}))
}

// openTab does not check the browser's console, because the Temporal UI may log errors there.
func openTab(t *testing.T, chromium context.Context, site string, options ...chromedp.ContextOption) tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(chromium, append(options, chromedp.WithNewBrowserContext())...)
	t.Cleanup(closeTab)
	if _, err := chromedp.Run(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatal(err)
	}
	timeout, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	return tab{t, timeout, site}
}

func (h pageEnv) withBrowser(chromium context.Context) pageEnv {
	h.chromium = chromium
	return h
}

// visit opens the page for a visitor with these languages. The default is the browser's language, English.
func (h pageEnv) visit(t *testing.T, languages ...string) tab {
	t.Helper()
	p := newTab(t, h.chromium, h.Endpoints.Site)
	if len(languages) > 0 {
		p.setLanguages(languages...)
	}
	p.do(chromedp.Navigate(p.site), chromedp.Click("#agree"), chromedp.WaitVisible("#open-camera"))
	return p
}

func (p tab) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	for _, action := range actions {
		if _, err := chromedp.Run(p.ctx, action); err != nil {
			text, _ := chromedp.Run(context.WithoutCancel(p.ctx), chromedp.Evaluate[string]("document.body?.innerText"))
			p.Fatalf("%v; the page's text: %s", err, text)
		}
	}
}

func (p tab) waitVisible(selectors ...string) {
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

func (p tab) waitText(selector, text string) {
	p.Helper()
	p.waitUntil(`document.querySelector(` + quoted(selector) + `)?.textContent.includes(` + quoted(text) + `)`)
}

func (p tab) waitUntil(expression string) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[bool](`new Promise((resolve, reject) => {
			const check = () => {
				try {
					if (`+expression+`) resolve(true);
					else requestAnimationFrame(check);
				} catch (error) {
					reject(error);
				}
			};
			check();
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

func (p tab) addInitScript(script string) {
	p.Helper()
	p.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return chromedp.Void{}, err
	})
}

func (p tab) choose(path string) {
	p.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		p.Fatal(err)
	}
	p.do(chromedp.SetUploadFiles("#file", []string{path}, chromedp.NodeReady))
	p.waitVisible("#review")
}

const allDone = `#steps:not(:has(li:not([data-status="done"])))`

func (p tab) send() {
	p.Helper()
	p.choose(portrait)
	p.click("#send")
	p.waitVisible(allDone, "#result")
}

func (p tab) screenshot(name string) {
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

// Each matching request stays pending until `handle` responds.
func (p tab) intercept(pattern string, stage fetch.RequestStage, handle func(*fetch.EventRequestPaused, pausedRequest)) {
	p.Helper()
	err := chromedp.Listen(p.ctx, func(event any) {
		if paused, ok := event.(*fetch.EventRequestPaused); ok {
			go handle(paused, pausedRequest{p, paused.RequestID})
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

type pausedRequest struct {
	tab tab
	id  fetch.RequestID
}

func (r pausedRequest) pass() {
	respond(r, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: r.id})
}

func (r pausedRequest) reset() {
	respond(r, fetch.FailRequest, fetch.FailRequestParams{RequestID: r.id, ErrorReason: "ConnectionReset"})
}

func (r pausedRequest) respondStatus(status int64) {
	respond(r, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: r.id, ResponseCode: status,
		ResponseHeaders: []*fetch.HeaderEntry{
			{Name: "Access-Control-Allow-Origin", Value: "*"}, {Name: "Access-Control-Allow-Methods", Value: "*"}, {Name: "Access-Control-Allow-Headers", Value: "*"}}})
}

func (r pausedRequest) respondJSON(json string) {
	respond(r, fetch.FulfillRequest, fetch.FulfillRequestParams{RequestID: r.id, ResponseCode: 200, Body: []byte(json)})
}

func respond[P, R any](r pausedRequest, command cdp.Command[P, R], params P) {
	// Ignore the error, because the tab may be closing.
	chromedp.Run(r.tab.ctx, func(ctx context.Context, t *chromedp.Target) (R, error) { return cdp.Call(ctx, t, command, params) })
}

func receive[T any](p tab, sent <-chan T) T {
	p.Helper()
	select {
	case value := <-sent:
		return value
	case <-p.ctx.Done():
		p.Fatal("the page did not send the expected request")
		panic("unreachable")
	}
}

func expectContains(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%s is %q, want it to contain %q", what, text, word)
		}
	}
}

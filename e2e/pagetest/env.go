package pagetest

import (
	"context"
	"flag"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/local/stack"
)

// Env is a local stack with a browser.
type Env struct {
	*stack.Stack
	Chromium     context.Context
	WebURL       string // of the program web without the stack's fault switches
	DeployedURL  string
	BucketOrigin string // of the bucket to which DeployedURL grants uploads
}

// NewLink returns the link ID of a picture that is never uploaded.
func (h Env) NewLink(t *testing.T) string {
	t.Helper()
	g, err := siteclient.Site(h.WebURL).RequestGrant(t.Context(), []byte("never uploaded"))
	if err != nil {
		t.Fatal(err)
	}
	return g.Link
}

// Visit opens the page for a visitor with these languages. The default is the browser's language, English.
func (h Env) Visit(t *testing.T, languages ...string) Tab {
	t.Helper()
	p := NewTab(t, h.Chromium, h.Endpoints.Site)
	if len(languages) > 0 {
		p.SetLanguages(languages...)
	}
	p.Do(chromedp.Navigate(p.Site))
	p.Click("#agree")
	p.WaitVisible("#open-camera")
	return p
}

// Parallel must not run tests that inject faults, because the subtests of a group share one local stack.
func Parallel(t *testing.T, name string, test func(*testing.T)) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		test(t)
	})
}

// Main runs two tests per CPU core, because the tests mostly wait.
func Main(m *testing.M) {
	if err := flag.Set("test.parallel", strconv.Itoa(2*runtime.GOMAXPROCS(0))); err != nil {
		panic(err)
	}
	m.Run()
}

// Run runs the groups of tests in one Chromium. Each group has a local stack.
func Run(t *testing.T, groups map[string][]func(*testing.T, Env), flags ...chromedp.ExecAllocatorOption) {
	t.Helper()
	webStack := stacktest.Start(t)
	webURL := stacktest.StartWeb(t, webStack, "TRIPTYCH_RETENTION_DAYS=30")
	deployedURL := strings.Replace(webURL, "127.0.0.1", "triptych.example", 1)
	chromium := StartChromium(t, append(flags,
		chromedp.Flag("use-fake-ui-for-media-stream", true),
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("host-resolver-rules", "MAP triptych.example 127.0.0.1"),
		chromedp.Flag("unsafely-treat-insecure-origin-as-secure", deployedURL), // stands in for https
		chromedp.Flag("force-prefers-reduced-motion", true))...)                // animations would use most of the CPU time
	for name, tests := range groups {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := Env{stacktest.Start(t), chromium, webURL, deployedURL, webStack.Endpoints.S3}
			for _, test := range tests {
				test(t, h)
			}
		})
	}
}

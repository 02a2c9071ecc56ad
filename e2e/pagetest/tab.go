package pagetest

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

type Tab struct {
	*testing.T
	Ctx  context.Context
	Site string
}

// NewTab fails the test if the page logs an error or throws an exception.
func NewTab(t *testing.T, chromium context.Context, site string) Tab {
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
	return OpenTab(t, chromium, site, chromedp.WithListener(func(event any) {
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

// OpenTab does not check the browser's console, because some tests open pages that log errors, such as the Temporal UI.
func OpenTab(t *testing.T, chromium context.Context, site string, options ...chromedp.ContextOption) Tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(chromium, append(options, chromedp.WithNewBrowserContext())...)
	t.Cleanup(closeTab)
	if _, err := chromedp.Run(ctx, chromedp.EmulateViewport(1280, 800)); err != nil {
		t.Fatal(err)
	}
	timeout, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	p := Tab{t, timeout, site}
	p.AddInitScript(`Object.defineProperty(navigator, "serviceWorker", {value: undefined, configurable: true})`)
	return p
}

// OpenBeside opens a tab that shares its storage with p.
func (h Env) OpenBeside(t *testing.T, p Tab) Tab {
	t.Helper()
	ctx, closeTab := chromedp.NewContext(h.Chromium, chromedp.WithExistingBrowserContext(chromedp.FromContext(p.Ctx).BrowserContextID))
	t.Cleanup(closeTab)
	timeout, cancel := context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	beside := Tab{t, timeout, p.Site}
	beside.Do(chromedp.EmulateViewport(1280, 800))
	return beside
}

// Close closes the tab. chromedp.Cancel would detach from the tab first, and Chromium would then send the requests that
// Intercept holds.
func (p Tab) Close() {
	p.Helper()
	c := chromedp.FromContext(p.Ctx)
	if _, err := cdp.Call(p.Ctx, c.Browser, target.CloseTarget, target.CloseTargetParams{TargetID: c.Target.TargetID}); err != nil {
		p.Fatal(err)
	}
}

func (p Tab) Do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	for _, action := range actions {
		if _, err := chromedp.Run(p.Ctx, action); err != nil {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(p.Ctx), 10*time.Second)
			defer cancel()
			text, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("document.body?.innerText"))
			p.Fatalf("%v; the page's text: %s", err, text)
		}
	}
}

// The default interval, 5 ms, uses most of the CPU time.
var retry = chromedp.RetryInterval(50 * time.Millisecond)

func (p Tab) WaitVisible(selectors ...string) {
	p.Helper()
	for _, selector := range selectors {
		p.Do(chromedp.WaitVisible(selector, retry))
	}
}

func (p Tab) Click(selectors ...string) {
	p.Helper()
	for _, selector := range selectors {
		p.Do(chromedp.Click(selector, retry))
	}
}

func (p Tab) WaitText(selector, text string) {
	p.Helper()
	p.WaitUntil(`document.querySelector(` + Quoted(selector) + `)?.textContent.includes(` + Quoted(text) + `)`)
}

// Until returns a script that waits. Animation frames would make the browser paint all the time, so it uses a timer.
func Until(expression string) string {
	return `new Promise((resolve, reject) => {
		const timer = setInterval(() => {
			try {
				if (!(` + expression + `)) return;
				resolve(true);
			} catch (error) {
				reject(error);
			}
			clearInterval(timer);
		}, 50);
	})`
}

func (p Tab) WaitUntil(expression string) {
	p.Helper()
	p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := chromedp.Evaluate[bool](Until(expression), awaited)(ctx, t)
		return chromedp.Void{}, err
	})
}

func awaited(p *runtime.EvaluateParams) { yes := true; p.AwaitPromise = &yes }

// Quoted returns a JavaScript literal.
func Quoted(s string) string { return "`" + s + "`" }

// Evaluate waits for the value if the expression is a promise.
func Evaluate[T any](p Tab, expression string) T {
	p.Helper()
	value, err := chromedp.Run(p.Ctx, chromedp.Evaluate[T](expression, awaited))
	if err != nil {
		p.Fatalf("%s: %v", expression, err)
	}
	return value
}

func (p Tab) AddInitScript(script string) {
	p.Helper()
	p.Do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return chromedp.Void{}, err
	})
}

func (p Tab) Choose(path string) {
	p.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		p.Fatal(err)
	}
	p.Do(chromedp.SetUploadFiles("#file", []string{path}, chromedp.NodeReady))
	p.WaitVisible("#review")
}

// ChooseAnother replaces the picture in the review.
func (p Tab) ChooseAnother(path string) {
	p.Helper()
	before := Evaluate[string](p, `document.querySelector("#image").src`)
	p.Choose(path)
	p.WaitUntil(fmt.Sprintf(`document.querySelector("#image").src !== %q`, before))
}

// Shoot takes a picture and waits until the page accepts a click on "Send it".
func (p Tab) Shoot() {
	p.Helper()
	p.Click("#shoot")
	p.WaitVisible("#review")
	p.WaitUntil(AcceptsSend)
}

// AcceptsSend is a condition: the page ignores clicks on "Send it" in the first 500 ms after it has taken a picture.
// The condition counts from its first call for the picture in the review.
const AcceptsSend = `performance.now() > (window[document.querySelector("#image").src] ??= performance.now()) + 500`

// AllDone selects the steps when all three are done.
const AllDone = `#steps:not(:has(li:not([data-status="done"])))`

func (p Tab) Send() {
	p.Helper()
	p.Choose(Portrait)
	p.Click("#send")
	p.WaitVisible(AllDone, "#result")
}

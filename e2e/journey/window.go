package journey

import (
	"context"
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"triptych/e2e/pagetest"
)

const (
	scriptTimeout = time.Minute

	historyLength = `document.querySelectorAll("#pictures li").length`
)

type window struct {
	*testing.T
	Browser
	driver webDriver
	proxy  *faultProxy
	site   string
	s3     string // URL
}

// visit opens the page as a person who has agreed and has no pictures.
func (w window) visit(t *testing.T) window {
	t.Helper()
	w.T = t
	w.proxy.intercept(nil)
	w.navigate(w.site + "/style.css") // the page itself would keep its database open
	evaluate[bool](w, `new Promise((resolve, reject) => {
		localStorage.clear();
		const deletion = indexedDB.deleteDatabase("triptych");
		deletion.onsuccess = () => resolve(true);
		deletion.onerror = () => reject(deletion.error);
	})`)
	w.navigate(w.site)
	w.click("#agree")
	w.waitVisible("#open-camera")
	t.Cleanup(w.expectNoErrors)
	return w
}

func (w window) command(name string, params map[string]any, result any) {
	w.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), scriptTimeout+10*time.Second)
	defer cancel()
	if err := w.driver.command(ctx, name, params, result); err != nil {
		var text string
		w.driver.command(ctx, "ExecuteAsyncScript", map[string]any{"script": "arguments[0](document.body.innerText)", "args": []any{}}, &text)
		w.Fatalf("%v; the page's text: %s", err, text)
	}
}

func (w window) navigate(url string) {
	w.Helper()
	w.command("Navigate", map[string]any{"url": url}, nil)
	w.recordErrors()
}

func (w window) reload() {
	w.Helper()
	w.expectNoErrors()
	w.command("Refresh", map[string]any{}, nil)
	w.recordErrors()
}

func (w window) back() {
	w.Helper()
	w.command("Back", map[string]any{}, nil)
}

// openWindow shows url in a new window and switches to it. It returns the handles of both windows.
func (w window) openWindow(url string) (before, opened string) {
	w.Helper()
	w.command("GetWindowHandle", nil, &before)
	var created struct{ Handle string }
	w.command("NewWindow", map[string]any{"type": "window"}, &created)
	w.switchTo(created.Handle)
	w.Cleanup(func() {
		var handles []string
		w.command("GetWindowHandles", nil, &handles)
		if slices.Contains(handles, created.Handle) {
			w.switchTo(created.Handle)
			w.closeWindow()
		}
		w.switchTo(before)
	})
	w.navigate(url)
	w.waitUntil(`document.body.classList.contains("ready")`) // WebKit's navigation may end with the load of about:blank
	return before, created.Handle
}

func (w window) closeWindow() {
	w.Helper()
	w.expectNoErrors()
	w.command("CloseWindow", nil, nil)
}

func (w window) switchTo(handle string) {
	w.Helper()
	w.command("SwitchToWindow", map[string]any{"handle": handle}, nil)
}

func (w window) recordErrors() {
	w.Helper()
	evaluate[bool](w, `window.errors ??= [], addEventListener("error", (event) => errors.push(event.message)),
		addEventListener("unhandledrejection", ({reason}) => errors.push(String(reason))),
		document.addEventListener("securitypolicyviolation", ({violatedDirective}) => errors.push(violatedDirective)), true`)
}

func (w window) expectNoErrors() {
	w.Helper()
	for _, pageError := range evaluate[[]string](w, `window.errors ?? []`) {
		w.Error("error in the page:", pageError)
	}
}

func (w window) waitVisible(selectors ...string) {
	w.Helper()
	for _, selector := range selectors {
		w.waitUntil(`document.querySelector(` + pagetest.Quoted(selector) + `)?.checkVisibility({visibilityProperty: true})`)
	}
}

func (w window) waitText(selector, text string) {
	w.Helper()
	w.waitUntil(`document.querySelector(` + pagetest.Quoted(selector) + `)?.textContent.includes(` + pagetest.Quoted(text) + `)`)
}

func (w window) waitUntil(expression string) {
	w.Helper()
	evaluate[bool](w, pagetest.Until(expression))
}

func (w window) click(selectors ...string) {
	w.Helper()
	for _, selector := range selectors {
		w.waitVisible(selector)
		w.command("ElementClick", map[string]any{"id": w.find(selector)}, nil)
	}
}

func (w window) chooseFile(path string) {
	w.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		w.Fatal(err)
	}
	w.command("ElementSendKeys", map[string]any{"id": w.find("#file"), "text": path}, nil)
}

func (w window) choose(path string) {
	w.Helper()
	w.chooseFile(path)
	w.waitVisible("#review")
}

func (w window) send() {
	w.Helper()
	w.choose(pagetest.Portrait)
	w.click("#send")
	w.waitVisible(pagetest.AllDone, "#result")
}

func (w window) find(selector string) string {
	w.Helper()
	var element map[string]string
	w.command("FindElement", map[string]any{"using": "css selector", "value": selector}, &element)
	return element["element-6066-11e4-a52e-4f735466cecf"] // https://www.w3.org/TR/webdriver2/#elements
}

func evaluate[T any](w window, expression string) T {
	w.Helper()
	var outcome struct {
		Value json.RawMessage
		Error string
	}
	w.command("ExecuteAsyncScript", map[string]any{"args": []any{}, "script": `const done = arguments[0];
		(async () => (` + expression + `))().then((value) => done({value}), (error) => done({error: String(error)}))`}, &outcome)
	if outcome.Error != "" {
		w.Fatalf("%s: %s", expression, outcome.Error)
	}
	var value T
	if err := json.Unmarshal(outcome.Value, &value); err != nil {
		w.Fatalf("%s: %v", expression, err)
	}
	return value
}

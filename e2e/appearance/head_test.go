package appearance

import (
	"context"
	"encoding/json"
	"image/png"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func testHead(t *testing.T, h pagetest.Env) {
	pagetest.Parallel(t, "all_modules_of_the_start_load_in_parallel_after_the_style_sheets", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Do(chromedp.Navigate(p.Site))
		listed := pagetest.Evaluate[[]string](p, `[...document.querySelectorAll("script[type=module][fetchpriority=low]")].map((script) => script.getAttribute("src"))`)
		modules := importedBy(t, "app.js")
		slices.Sort(modules)
		if want := append(modules, "app.js"); !slices.Equal(listed, want) {
			t.Errorf("the page lists %q and imports %q", listed, want)
		}
	})
	pagetest.Parallel(t, "start_does_not_wait_for_Intl", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.DeployedURL)
		p.AddInitScript(`window.formatted = 0; const format = Number.prototype.toLocaleString;
			Number.prototype.toLocaleString = function (...options) { window.formatted++; return format.apply(this, options); };`)
		p.Do(chromedp.Navigate(p.Site))
		p.WaitText("#retention", "30")
		if formatted := pagetest.Evaluate[int](p, `window.formatted`); formatted > 0 {
			t.Errorf("the start formatted %d numbers with Intl, which starts in 20 ms", formatted)
		}
	})
	pagetest.Parallel(t, "manifest_is_valid_and_its_icons_have_their_sizes", func(t *testing.T) {
		p := pagetest.NewTab(t, h.Chromium, h.Endpoints.Site)
		p.Do(chromedp.Navigate(p.Site))
		got, err := chromedp.Run(p.Ctx, func(ctx context.Context, t *chromedp.Target) (page.GetAppManifestResult, error) {
			return cdp.Call(ctx, t, page.GetAppManifest, page.GetAppManifestParams{})
		})
		if err != nil || len(got.Errors) > 0 {
			t.Fatal(got.Errors, err)
		}
		var manifest struct {
			Name, Description, Display string
			Icons                      []struct{ Src, Sizes, Purpose string }
		}
		if err := json.Unmarshal([]byte(got.Data), &manifest); err != nil || manifest.Name == "" || manifest.Description == "" || manifest.Display != "standalone" {
			t.Errorf("the manifest is %s, %v", got.Data, err)
		}
		maskable := 0
		for _, icon := range manifest.Icons {
			if !strings.HasSuffix(icon.Src, ".png") {
				continue
			}
			file, err := os.Open(pagetest.SiteFiles + "/" + icon.Src)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			config, err := png.DecodeConfig(file)
			if size := strconv.Itoa(config.Width) + "x" + strconv.Itoa(config.Height); err != nil || size != icon.Sizes {
				t.Errorf("%s is %s, %v", icon.Src, size, err)
			}
			if strings.Contains(icon.Purpose, "maskable") {
				maskable++
			}
		}
		if maskable != 2 {
			t.Errorf("%d icons are maskable, want 2", maskable)
		}
	})
	pagetest.Parallel(t, "page_can_start_only_its_own_workers", func(t *testing.T) {
		p := pagetest.OpenTab(t, h.Chromium, h.Endpoints.Site) // violations are errors in the console
		p.Do(chromedp.Navigate(p.Site))
		p.WaitVisible("#agreement")
		for _, attempt := range []string{
			`new Worker("app.js", {type: "module"})`,
			`await navigator.serviceWorker.register("app.js")`,
			`trustedTypes.createPolicy("workers", {createScriptURL: (url) => url})`,
			`trustedTypes.createPolicy("another", {createScriptURL: (url) => url})`,
			`(await import("./workers.js")).workerURL("app.js")`,
			`document.body.setHTMLUnsafe("<p>")`,
		} {
			if outcome := pagetest.Evaluate[string](p, `(async () => { `+attempt+`; })().then(() => "allowed", ({name}) => name)`); outcome != "TypeError" {
				t.Errorf("%s: %s", attempt, outcome)
			}
		}
	})
}

var staticImport = regexp.MustCompile(`(?m)^import (?:.* from )?"\./(.+?)";`)

// importedBy returns the modules that a module imports, directly or not.
func importedBy(t *testing.T, module string) []string {
	t.Helper()
	var found []string
	for next := []string{module}; len(next) > 0; next = next[1:] {
		content, err := os.ReadFile(pagetest.SiteFiles + "/" + next[0])
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range staticImport.FindAllStringSubmatch(string(content), -1) {
			if !slices.Contains(found, match[1]) {
				found = append(found, match[1])
				next = append(next, match[1])
			}
		}
	}
	return found
}

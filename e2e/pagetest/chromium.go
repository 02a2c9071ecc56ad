package pagetest

import (
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
)

// UnusedFeatures are disabled because they start three hidden pages per window: two for the address bar, one in reserve.
const UnusedFeatures = "WebUIOmniboxPopup,WebUIOmniboxAimPopup,SpareRendererForSitePerProcess"

var cheapWindows = []chromedp.ExecAllocatorOption{
	chromedp.Flag("disable-features", UnusedFeatures),
	chromedp.Flag("disable-gpu", true),
	chromedp.Flag("process-per-site", true),
}

func StartChromium(t *testing.T, flags ...chromedp.ExecAllocatorOption) context.Context {
	t.Helper()
	if !installed("chromium", "chromium-browser", "google-chrome", "chrome") {
		if os.Getenv("CI") != "" {
			t.Fatal("no Chromium on the PATH: apt-get install chromium")
		}
		t.Skip("no Chromium on the PATH: the page is not tested (apt-get install chromium)")
	}
	flags = append(flags, cheapWindows...)
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

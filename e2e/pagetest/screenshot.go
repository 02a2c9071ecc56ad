package pagetest

import (
	"flag"
	"os"
	"path/filepath"

	"github.com/chromedp/chromedp"
)

var Screenshots = flag.String("screenshots", "", "`directory` for screenshots of the page")

func (p Tab) Screenshot(name string) {
	p.Helper()
	if *Screenshots == "" {
		return
	}
	picture, err := chromedp.Run(p.Ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*Screenshots, name+".png"), picture, 0o644)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// Package browser tests the page in Chromium, except for what e2e/appearance, e2e/result and e2e/uploads test.
package browser

import (
	"testing"

	"github.com/chromedp/chromedp"

	"triptych/e2e/pagetest"
)

func TestMain(m *testing.M) { pagetest.Main(m) }

func TestPage(t *testing.T) {
	t.Parallel()
	pagetest.Run(t, map[string][]func(*testing.T, pagetest.Env){
		"without_faults": {testAgreement, testCamera, testShutter, testOnlyCopy, testConfirmation, testFiles, testCompatibility, testScreenshots, testPhoto, testIcons, testIncomplete, testInterruptedImage, testCachedPage},
	}, chromedp.Flag("use-file-for-fake-video-capture", pagetest.CameraVideo(t)))
}

// Package browser tests the page in Chromium, except for what e2e/uploads tests.
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
		"without_faults":     {testLanguage, testAgreement, testCamera, testFiles, testCompatibility, testResult, testAccessibility, testContrast, testSize, testScreenshots, testResultLayout, testPhoto, testHead, testIcons},
		"with_Vision_faults": {testAnnotations, testCard},
		"with_switches":      {testLanguageOfFaults},
	}, chromedp.Flag("use-file-for-fake-video-capture", pagetest.CameraVideo(t)))
}

// Package appearance tests how the page looks and reads, in Chromium: layout, contrast, languages, accessible names, size.
package appearance

import (
	"testing"

	"triptych/e2e/pagetest"
)

func TestMain(m *testing.M) { pagetest.Main(m) }

func TestAppearance(t *testing.T) {
	t.Parallel()
	pagetest.Run(t, map[string][]func(*testing.T, pagetest.Env){
		"without_faults": {testLanguage, testAccessibility, testNotice, testContrast, testSize, testResultLayout, testHead},
		"with_switches":  {testLanguageOfFaults},
	})
}

// Package result tests how the page shows an annotation, in Chromium.
package result

import (
	"testing"

	"triptych/e2e/pagetest"
)

func TestMain(m *testing.M) { pagetest.Main(m) }

func TestResult(t *testing.T) {
	t.Parallel()
	pagetest.Run(t, map[string][]func(*testing.T, pagetest.Env){
		"without_faults":     {testResult},
		"with_Vision_faults": {testAnnotations, testCard},
	})
}

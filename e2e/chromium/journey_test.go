// Package chromium runs the tests of e2e/journey in Chromium.
package chromium

import (
	"testing"

	"triptych/e2e/journey"
)

func TestJourney(t *testing.T) { journey.Test(t, journey.Chromium) }

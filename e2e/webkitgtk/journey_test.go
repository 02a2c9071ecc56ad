// Package webkitgtk runs the tests of e2e/journey in WebKitGTK.
package webkitgtk

import (
	"testing"

	"triptych/e2e/journey"
)

func TestJourney(t *testing.T) { journey.Test(t, journey.WebKitGTK) }

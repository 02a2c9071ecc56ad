// Package firefox runs the tests of e2e/journey in Firefox.
package firefox

import (
	"testing"

	"triptych/e2e/journey"
)

func TestJourney(t *testing.T) { journey.Test(t, journey.Firefox) }

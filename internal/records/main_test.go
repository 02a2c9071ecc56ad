package records

import (
	"testing"

	"triptych/e2e/tlstest"
)

func TestMain(m *testing.M) { tlstest.Main(m) }

package vision

import (
	"testing"

	"triptych/internal/tlstest"
)

func TestMain(m *testing.M) { tlstest.Main(m) }

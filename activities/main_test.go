package activities

import (
	"fmt"
	"os"
	"testing"

	"triptych/e2e/s3test"
)

var gateway s3test.Gateway

func TestMain(m *testing.M) {
	code, err := s3test.Run(&gateway, m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

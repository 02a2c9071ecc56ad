package records

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

func TestMain(m *testing.M) {
	code, err := trustingLoopback(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "trusting loopback:", err)
		code = 1
	}
	os.Exit(code)
}

// trustingLoopback runs the tests in a process that trusts httptest's TLS servers as it trusts Azure's.
func trustingLoopback(tests func() int) (int, error) {
	dir, err := os.MkdirTemp("", "triptych-records-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	roots := filepath.Join(dir, "roots.pem")
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := errors.Join(os.WriteFile(roots, certificate, 0o600), os.Setenv("SSL_CERT_FILE", roots)); err != nil {
		return 0, err
	}
	return tests(), nil
}

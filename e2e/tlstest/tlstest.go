// Package tlstest makes the test process trust the certificate of httptest's TLS servers.
package tlstest

import (
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// Main sets SSL_CERT_FILE. TestMain must call Main, because Go reads this variable only once, when it first verifies
// a certificate.
func Main(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "trusting the TLS servers of the tests:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "triptych-roots-")
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
	return m.Run(), nil
}

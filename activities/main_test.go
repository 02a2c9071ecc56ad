package activities

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

const (
	bucket    = "pictures-test"
	region    = "eu-central-1"
	accessKey = "LOCALKEY"
	secretKey = "local-secret"
)

// gateway is S3, a program of its own, which all tests of the package share.
var gateway struct{ url, control string }

func TestMain(m *testing.M) {
	code, err := withS3(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, "S3 for the tests:", err)
		code = 1
	}
	os.Exit(code)
}

func withS3(tests func() int) (int, error) {
	dir, err := os.MkdirTemp("", "triptych-activities-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	if err := trustLoopback(filepath.Join(dir, "roots.pem")); err != nil {
		return 0, err
	}
	program := filepath.Join(dir, "s3")
	if out, err := exec.Command("go", "build", "-o", program, "triptych/emulators/s3").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%w\n%s", err, out)
	}
	for range 5 { // a port that was free may be taken meanwhile
		var stop func()
		if stop, err = startS3(program, filepath.Join(dir, "data")); err == nil {
			defer stop()
			return tests(), nil
		}
	}
	return 0, err
}

// trustLoopback makes this process trust httptest's TLS servers, as it trusts the clouds: before it first asks one.
func trustLoopback(roots string) error {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return errors.Join(os.WriteFile(roots, certificate, 0o600), os.Setenv("SSL_CERT_FILE", roots))
}

// startS3 returns once S3 is healthy.
func startS3(program, data string) (stop func(), err error) {
	addr, control := freePort(), freePort()
	cmd := exec.Command(program, "-dir", data, "-addr", addr, "-control", control, "-bucket", bucket,
		"-origin", "http://localhost", "-notify", "http://"+control, "-prefix", "nothing is announced/")
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+accessKey, "AWS_SECRET_ACCESS_KEY="+secretKey, "AWS_REGION="+region)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended, end := context.WithCancelCause(context.Background())
	go func() { end(errors.Join(errors.New("it ended"), cmd.Wait())) }()
	stop = func() {
		cmd.Process.Kill()
		<-ended.Done()
	}
	gateway.url, gateway.control = "http://"+addr, "http://"+control+"/fault"
	for range time.Tick(10 * time.Millisecond) {
		if ended.Err() != nil {
			return nil, context.Cause(ended)
		}
		if answer, err := http.Get(gateway.url + "/healthz"); err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				break
			}
		}
	}
	return stop, nil
}

// freePort is an address on which nothing listens.
func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	return l.Addr().String()
}

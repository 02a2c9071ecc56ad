// Package s3test runs the S3 emulator for the tests of other packages.
package s3test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"triptych/internal/loopback"
	"triptych/local/supervisor"
)

// Credentials and location of the emulator's bucket.
const (
	Bucket    = "pictures-test"
	Region    = "eu-central-1"
	AccessKey = "LOCALKEY"
	SecretKey = "local-secret"
)

// Gateway is a running S3 emulator.
type Gateway struct {
	URL     string
	Users   string // file with users, set before Run; "" for none
	control string
}

func Run(gateway *Gateway, tests func() int) (code int, err error) {
	dir, err := os.MkdirTemp("", "triptych-s3-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	packages := map[string]string{"s3": "./emulators/s3"}
	if err := supervisor.Build(context.Background(), packages, os.Stderr); err != nil {
		return 0, err
	}
	executables, err := supervisor.Executables(context.Background(), packages)
	if err != nil {
		return 0, err
	}
	for range 5 { // another process may take a free port before the emulator does
		var stop func()
		if stop, err = gateway.start(executables["s3"], filepath.Join(dir, "data")); err == nil {
			defer stop()
			return tests(), nil
		}
	}
	return 0, fmt.Errorf("starting the S3 emulator: %w", err)
}

// start returns when the emulator is healthy.
func (g *Gateway) start(program, data string) (stop func(), err error) {
	address, control := FreeAddress(), FreeAddress()
	cmd := exec.Command(program, "-dir", data, "-addr", address, "-control", control, "-bucket", Bucket,
		"-origin", "http://localhost", "-notify", "http://"+control, "-prefix", "no events/", "-users", g.Users)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+AccessKey, "AWS_SECRET_ACCESS_KEY="+SecretKey, "AWS_REGION="+Region)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited, cancel := context.WithCancelCause(context.Background())
	go func() { cancel(errors.Join(errors.New("the emulator exited"), cmd.Wait())) }()
	stop = func() {
		cmd.Process.Kill()
		<-exited.Done()
	}
	g.URL, g.control = "http://"+address, "http://"+control+"/fault"
	for range time.Tick(10 * time.Millisecond) {
		if exited.Err() != nil {
			return nil, context.Cause(exited)
		}
		if res, err := http.Get(g.URL + "/healthz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				break
			}
		}
	}
	return stop, nil
}

var readDirectories = sync.OnceValue(func() error { return supervisor.ReadDirectories(context.Background()) })

// Setenv sets the environment of a program that uses the gateway.
func (g *Gateway) Setenv(t *testing.T) {
	t.Helper()
	if err := readDirectories(); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": g.URL, "AWS_REGION": Region,
		"AWS_ACCESS_KEY_ID": AccessKey, "AWS_SECRET_ACCESS_KEY": SecretKey, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// Fail injects a fault until the test ends, for example {"status":503,"code":"SlowDown"}.
func (g *Gateway) Fail(t *testing.T, fault string) {
	t.Helper()
	g.setFault(t, fault)
	t.Cleanup(func() { g.setFault(t, "{}") })
}

func (g *Gateway) setFault(t *testing.T, fault string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, g.control, strings.NewReader(fault))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		t.Fatalf("the S3 emulator refused the fault %s: %s", fault, res.Status)
	}
}

func FreeAddress() string {
	address, err := loopback.FreeAddr()
	if err != nil {
		panic(err)
	}
	return address
}

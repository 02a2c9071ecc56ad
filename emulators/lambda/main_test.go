package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv("AWS_LAMBDA_RUNTIME_API") != "":
		lambda.Start(func(_ context.Context, name string) (string, error) { return "hello " + name, nil })
	case os.Getenv("LAMBDA_TEST_CHILD") != "":
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestCommand(t *testing.T) {
	dir := t.TempDir() + "/data"
	cmd := exec.Command(os.Args[0], "-bootstrap", os.Args[0], "-addr", "127.0.0.1:0", "-dir", dir, "-timeout", "1m")
	cmd.Env = append(os.Environ(), "LAMBDA_TEST_CHILD=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	endpoint := strings.TrimPrefix(strings.TrimSpace(line), "AWS_ENDPOINT_URL_LAMBDA=")

	// Plain HTTP avoids a dependency on the AWS SDK's Lambda client.
	t.Run("synchronous_invocation_returns_the_result", func(t *testing.T) {
		res, err := http.Post(endpoint+"/2015-03-31/functions/function/invocations", "application/json", strings.NewReader(`"world"`))
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if body, err := bufio.NewReader(res.Body).ReadString(0); body != `"hello world"` {
			t.Errorf("%s %q %v", res.Status, body, err)
		}
	})
	t.Run("data_is_readable_by_the_owner_only", func(t *testing.T) {
		for path, want := range map[string]os.FileMode{dir: 0o700 | os.ModeDir, dir + "/queue.db": 0o600} {
			if info, err := os.Stat(path); err != nil || info.Mode() != want {
				t.Errorf("%s: %v %v, want mode %v", path, info, err, want)
			}
		}
	})
	t.Run("interrupt_ends_it_without_an_error", func(t *testing.T) {
		if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
}

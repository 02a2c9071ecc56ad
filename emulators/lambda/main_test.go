package main

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	lambdasdk "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"triptych/emulators/lambda/runtimeapi"
)

func TestMain(m *testing.M) {
	switch {
	case os.Getenv("AWS_LAMBDA_RUNTIME_API") != "":
		runFunction()
	case os.Getenv("LAMBDA_TEST_CHILD") != "":
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func runFunction() {
	if os.Getenv("TEST_INIT_ERROR") != "" {
		http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error", "application/json",
			strings.NewReader(`{"errorType":"Runtime.NoSuchModule","errorMessage":"cannot find the module"}`))
		os.Exit(1)
	}
	lambda.Start(func(ctx context.Context, name string) (string, error) {
		fmt.Fprintln(os.Stderr, "greeting", name)
		switch c, _ := lambdacontext.FromContext(ctx); name {
		case "context":
			return strings.Join([]string{c.ClientContext.Custom["color"], c.InvokedFunctionArn, os.Getenv("_X_AMZN_TRACE_ID")}, " "), nil
		case "big":
			return strings.Repeat("a", 6<<20+100-1), nil // with two quotation marks, one byte too long
		case "biggest":
			return strings.Repeat("a", 6<<20+100-2), nil
		}
		return "hello " + name, nil
	})
}

// start returns the URL of the Invoke API.
func start(t *testing.T, dir string, env ...string) (*exec.Cmd, string) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-bootstrap", os.Args[0], "-addr", "127.0.0.1:0", "-dir", dir, "-timeout", "1m")
	cmd.Env = append(append(os.Environ(), "LAMBDA_TEST_CHILD=1"), env...)
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
	return cmd, strings.TrimPrefix(strings.TrimSpace(line), "AWS_ENDPOINT_URL_LAMBDA=")
}

func client(url string) *lambdasdk.Client {
	return lambdasdk.New(lambdasdk.Options{
		Region: "eu-central-1", BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
}

func TestInvokeWithTheAWSSDK(t *testing.T) {
	_, url := start(t, t.TempDir()+"/data")
	functions := client(strings.Replace(url, "127.0.0.1", "localhost", 1))
	invoke := func(t *testing.T, in lambdasdk.InvokeInput) *lambdasdk.InvokeOutput {
		t.Helper()
		if in.FunctionName == nil {
			in.FunctionName = aws.String("function")
		}
		out, err := functions.Invoke(t.Context(), &in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	t.Run("result_is_returned_at_localhost", func(t *testing.T) {
		out := invoke(t, lambdasdk.InvokeInput{Payload: []byte(`"world"`)})
		if string(out.Payload) != `"hello world"` || out.FunctionError != nil || aws.ToString(out.ExecutedVersion) != "$LATEST" || out.LogResult != nil {
			t.Errorf("%s %+v", out.Payload, out)
		}
	})
	for _, name := range []string{
		"function:$LATEST", "000000000000:function:function", "arn:aws:lambda:eu-central-1:000000000000:function:function",
		"arn:aws:lambda:eu-central-1:000000000000:function:function:$LATEST",
	} {
		t.Run("function_has_the_name_"+name, func(t *testing.T) {
			if out := invoke(t, lambdasdk.InvokeInput{FunctionName: &name, Payload: []byte(`"world"`)}); string(out.Payload) != `"hello world"` {
				t.Errorf("%s", out.Payload)
			}
		})
	}
	for name, in := range map[string]lambdasdk.InvokeInput{
		"unknown_version_is_not_found":   {FunctionName: aws.String("function:1")},
		"unknown_qualifier_is_not_found": {FunctionName: aws.String("function"), Qualifier: aws.String("live")},
		"unknown_ARN_is_not_found":       {FunctionName: aws.String("arn:aws:lambda:eu-central-1:000000000000:function:other")},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := functions.Invoke(t.Context(), &in)
			if _, ok := errors.AsType[*types.ResourceNotFoundException](err); !ok {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("client_context_qualified_ARN_and_trace_reach_the_function", func(t *testing.T) {
		out := invoke(t, lambdasdk.InvokeInput{
			Qualifier: aws.String("$LATEST"), Payload: []byte(`"context"`),
			ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte(`{"custom":{"color":"red"}}`))),
		})
		if got := string(out.Payload); !strings.HasPrefix(got, `"red arn:aws:lambda:`) || !strings.Contains(got, "function:function:$LATEST Root=1-") {
			t.Errorf("%s", got)
		}
	})
	t.Run("log_of_the_invocation_is_returned", func(t *testing.T) {
		invoke(t, lambdasdk.InvokeInput{LogType: types.LogTypeTail, Payload: []byte(`"first"`)})
		out := invoke(t, lambdasdk.InvokeInput{LogType: types.LogTypeTail, Payload: []byte(`"second"`)})
		log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
		if got := string(log); err != nil || !strings.HasPrefix(got, "START RequestId: ") || !strings.Contains(got, "\ngreeting second\nEND RequestId: ") ||
			strings.Contains(got, "first") {
			t.Errorf("%q %v", got, err)
		}
	})
	t.Run("long_log_is_cut_to_its_last_4_KB", func(t *testing.T) {
		out := invoke(t, lambdasdk.InvokeInput{LogType: types.LogTypeTail, Payload: []byte(`"` + strings.Repeat("x", 100<<10) + `"`)})
		log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
		if got := string(log); err != nil || len(got) != 4096 || !strings.Contains(got, "xx\nEND RequestId: ") {
			t.Errorf("%d bytes %.200q %v", len(got), got, err)
		}
	})
	t.Run("largest_response_is_returned", func(t *testing.T) {
		if out := invoke(t, lambdasdk.InvokeInput{Payload: []byte(`"biggest"`)}); len(out.Payload) != 6<<20+100 || out.FunctionError != nil {
			t.Errorf("%d bytes, %s", len(out.Payload), aws.ToString(out.FunctionError))
		}
	})
	t.Run("larger_response_is_Function.ResponseSizeTooLarge", func(t *testing.T) {
		out := invoke(t, lambdasdk.InvokeInput{Payload: []byte(`"big"`)})
		if got := string(out.Payload[:min(200, len(out.Payload))]); !strings.Contains(got, "Function.ResponseSizeTooLarge") || out.FunctionError == nil {
			t.Errorf("%s", got)
		}
	})
	t.Run("error_of_the_initialization_is_returned", func(t *testing.T) {
		_, url := start(t, t.TempDir()+"/data", "TEST_INIT_ERROR=1")
		out, err := client(url).Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: aws.String("function")})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(out.Payload); out.FunctionError == nil || !strings.Contains(got, "Runtime.NoSuchModule") || !strings.Contains(got, "cannot find the module") {
			t.Errorf("%s", got)
		}
	})
}

func TestCommand(t *testing.T) {
	dir := t.TempDir() + "/data"
	cmd, url := start(t, dir)
	if _, err := client(url).Invoke(t.Context(), &lambdasdk.InvokeInput{FunctionName: aws.String("function"), Payload: []byte(`"world"`)}); err != nil {
		t.Fatal(err)
	}
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

func TestRunRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		bootstrap string
		timeout   time.Duration
		want      string
	}{
		"missing_bootstrap":                 {"", time.Second, "needs a name, a bootstrap and a directory"},
		"bootstrap_that_does_not_exist":     {"/nonexistent", time.Second, "-bootstrap /nonexistent is not an executable file"},
		"bootstrap_that_is_a_directory":     {"/", time.Second, "-bootstrap / is not an executable file"},
		"program_of_PATH_instead_of_a_path": {"sh", time.Second, "-bootstrap sh is not an executable file"},
		"negative_timeout":                  {os.Args[0], -time.Second, "-timeout -1s"},
		"no_timeout":                        {os.Args[0], 0, "-timeout 0s"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			config := runtimeapi.Config{Name: "function", Bootstrap: c.bootstrap, Dir: t.TempDir(), Timeout: c.timeout}
			if err := run(ctx, config, "127.0.0.1:0", ""); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one that contains %s", err, c.want)
			}
		})
	}
}

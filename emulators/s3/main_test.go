package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/internal/loopback"
)

const (
	bucket = "pictures-test"
	origin = "http://127.0.0.1:8080"
	region = "eu-central-1"
)

func TestMain(m *testing.M) {
	if os.Getenv("S3_TEST_CHILD") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type server struct {
	*s3.Client
	url, control string
	cmd          *exec.Cmd
	ended        chan struct{}
	log          *strings.Builder // complete when ended is closed
}

func start(t testing.TB, dir, notify string, args ...string) *server {
	t.Helper()
	for range 5 { // another process may take a claimed port
		addr, control := freeAddr(t), freeAddr(t)
		cmd := exec.Command(os.Args[0], append([]string{
			"-dir", dir, "-addr", addr, "-control", control, "-bucket", bucket,
			"-origin", origin + ",http://localhost:8080", "-notify", notify,
		}, args...)...)
		cmd.Env = append(os.Environ(), "S3_TEST_CHILD=1",
			"AWS_ACCESS_KEY_ID=LOCALKEY", "AWS_SECRET_ACCESS_KEY=local-secret", "AWS_REGION="+region)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		s := &server{
			url: "http://" + addr, control: "http://" + control + "/fault",
			cmd: cmd, ended: make(chan struct{}), log: &strings.Builder{},
		}
		ready := make(chan struct{})
		go s.read(stderr, ready)
		select {
		case <-ready:
			s.Client = client(s.url, "LOCALKEY", "local-secret")
			t.Cleanup(func() { s.kill() })
			return s
		case <-s.ended:
			t.Logf("the server did not start:\n%s", s.log)
		}
	}
	t.Fatal("the server did not start five times")
	return nil
}

func (s *server) read(stderr io.Reader, ready chan struct{}) {
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		fmt.Fprintln(s.log, lines.Text())
		if strings.Contains(lines.Text(), "S3 is ready") {
			close(ready)
		}
	}
	s.cmd.Wait()
	close(s.ended)
}

func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.ended
}

func (s *server) terminate(t *testing.T) *os.ProcessState {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-s.ended
	return s.cmd.ProcessState
}

func client(url, accessKey, secretKey string) *s3.Client {
	return s3.New(s3.Options{
		Region: region, BaseEndpoint: aws.String(url), UsePathStyle: true, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	})
}

func freeAddr(t testing.TB) string {
	t.Helper()
	addr, err := loopback.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

type lambda struct {
	*httptest.Server
	received chan invocation

	mu     sync.Mutex
	status int
}

type invocation struct {
	header http.Header
	body   []byte
}

func startLambda(t testing.TB) *lambda {
	t.Helper()
	l := &lambda{received: make(chan invocation, 1<<16)}
	l.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.received <- invocation{r.Header, body}
		w.WriteHeader(cmp.Or(l.status, http.StatusAccepted))
	}))
	t.Cleanup(l.Close)
	return l
}

func (l *lambda) respond(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

func (l *lambda) take(t testing.TB) invocation {
	t.Helper()
	select {
	case got := <-l.received:
		return got
	case <-time.After(2 * time.Minute):
		t.Fatal("no event was received")
		return invocation{}
	}
}

func (l *lambda) next(t testing.TB) events.S3EventRecord {
	t.Helper()
	var event events.S3Event
	got := l.take(t)
	if err := json.Unmarshal(got.body, &event); err != nil {
		t.Fatalf("event %s: %v", got.body, err)
	}
	if len(event.Records) != 1 {
		t.Fatalf("event has %d records, want 1", len(event.Records))
	}
	return event.Records[0]
}

func do(t testing.TB, method, url string, header map[string]string, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(strings.NewReader(string(text)))
	return resp
}

func text(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func errorCode(t testing.TB, resp *http.Response) string {
	t.Helper()
	_, rest, _ := strings.Cut(text(t, resp), "<Code>")
	code, _, _ := strings.Cut(rest, "</Code>")
	return code
}

func TestAddressThatOtherMachinesReachIsRefused(t *testing.T) {
	if err := run(t.Context(), settings{addr: "0.0.0.0:0"}); err == nil || !strings.Contains(err.Error(), "-addr") {
		t.Errorf("the error is %v", err)
	}
}

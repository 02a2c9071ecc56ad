package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	commonpb "go.temporal.io/api/common/v1"
	historypb "go.temporal.io/api/history/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/internal/records"
	"triptych/picture"
	"triptych/web/status/statustest"
)

const bucketOrigin = "http://127.0.0.1:9"

// clouds is the site on loopback, with a real Cosmos server and a Temporal fakeTemporal that tells recorded runs.
type testSite struct {
	*api
	site     *httptest.Server
	cosmos   *cosmosdb.Server
	temporal *fakeTemporal
}

// offline can sign and knows its secret, which takes no cloud.
func newOfflineAPI() *api {
	return &api{
		bucket: "pictures", eraseSecret: []byte("secret"),
		timing: streamTiming{
			poll: pollIntervals{fast: time.Millisecond, slow: time.Millisecond, idle: time.Millisecond}, keepAlive: time.Minute, limit: time.Minute,
		},
		objects: s3.New(s3.Options{
			Region: "eu-central-1", BaseEndpoint: aws.String(bucketOrigin), UsePathStyle: true,
			Credentials: credentials.NewStaticCredentialsProvider("AKIALOCAL", "secret", ""),
		}),
	}
}

// newTestSite starts them, as changed by each of adjust.
func newTestSite(t *testing.T, adjust ...func(*testSite)) *testSite {
	t.Helper()
	key := base64.StdEncoding.EncodeToString(make([]byte, 64))
	account, err := cosmosdb.Open(filepath.Join(t.TempDir(), "cosmos.db"), key)
	if err != nil {
		t.Fatal(err)
	}
	accountServer := httptest.NewServer(account)
	t.Cleanup(func() { accountServer.Close(); account.Close() })
	if err := records.Provision(t.Context(), records.Config{Endpoint: accountServer.URL, Key: key}); err != nil {
		t.Fatal(err)
	}
	container, err := records.Open(records.Config{Endpoint: accountServer.URL, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	c := &testSite{api: newOfflineAPI(), cosmos: account, temporal: &fakeTemporal{}}
	c.records, c.api.temporal = container, c.temporal.serve(t)
	c.site = httptest.NewUnstartedServer(c.handler(bucketOrigin))
	for _, change := range adjust {
		change(c)
	}
	c.site.Start()
	t.Cleanup(c.site.Close)
	return c
}

func (c *testSite) store(t *testing.T, record picture.Record) {
	t.Helper()
	if err := c.records.Create(t.Context(), record); err != nil {
		t.Fatal(err)
	}
}

// do sends one request, and never follows a redirect.
func (c *testSite) do(t *testing.T, method, path, body string, header http.Header) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, c.site.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range header {
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func decodeBody[T any](t *testing.T, resp *http.Response) T {
	t.Helper()
	var v T
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// wantProblem checks that an answer is a problem a caller can act on.
func wantProblem(t *testing.T, resp *http.Response, status int, names string) {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal(body, &p); err != nil {
		t.Fatalf("%d %.200s: %v", resp.StatusCode, body, err)
	}
	if resp.StatusCode != status || p.Status != status {
		t.Errorf("status is %d, and %d in the problem, want %d: %s", resp.StatusCode, p.Status, status, p.Detail)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type is %q", got)
	}
	if p.Type != "about:blank" || p.Title != http.StatusText(status) || !strings.HasSuffix(p.Detail, ".") || !strings.Contains(p.Detail, names) {
		t.Errorf("the problem is %s, want a sentence that names %q", body, names)
	}
}

// fakeTemporal is the part of Temporal's service that web asks. It tells recorded runs and notes what is started.
type fakeTemporal struct {
	workflowservice.UnimplementedWorkflowServiceServer

	mu          sync.Mutex
	down        bool
	description *workflowservice.DescribeWorkflowExecutionResponse
	history     *historypb.History
	onDescribe  func() // called before a description is given
	histories   int    // how often the history was read
	started     []*workflowservice.StartWorkflowExecutionRequest
}

func (f *fakeTemporal) serve(t *testing.T) client.Client {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, r any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.down {
			return nil, status.Error(codes.PermissionDenied, "down")
		}
		return next(ctx, r)
	}))
	workflowservice.RegisterWorkflowServiceServer(server, f)
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	c, err := client.NewLazyClient(client.Options{
		HostPort: listener.Addr().String(), Logger: sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// tell makes every picture's run the recorded one; "" is none.
func (f *fakeTemporal) use(t *testing.T, name string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.description, f.history = nil, nil
	if name != "" {
		f.description, f.history = statustest.Load(t, name)
	}
}

// grow makes the run that is told go on as the recorded one did.
func (f *fakeTemporal) advance(t *testing.T, name string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	before := f.description.WorkflowExecutionInfo.Execution
	f.description, f.history = statustest.Load(t, name)
	f.description.WorkflowExecutionInfo.Execution = before
}

func (f *fakeTemporal) count(of func() int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return of()
}

func (f *fakeTemporal) setDown(down bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.down = down
}

func (f *fakeTemporal) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{Capabilities: &workflowservice.GetSystemInfoResponse_Capabilities{}}, nil
}

func (f *fakeTemporal) DescribeWorkflowExecution(context.Context, *workflowservice.DescribeWorkflowExecutionRequest) (*workflowservice.DescribeWorkflowExecutionResponse, error) {
	if f.onDescribe != nil {
		f.onDescribe()
	}
	if f.description == nil {
		return nil, serviceerror.ToStatus(serviceerror.NewNotFound("no such run")).Err()
	}
	return f.description, nil
}

func (f *fakeTemporal) GetWorkflowExecutionHistory(context.Context, *workflowservice.GetWorkflowExecutionHistoryRequest) (*workflowservice.GetWorkflowExecutionHistoryResponse, error) {
	f.histories++
	return &workflowservice.GetWorkflowExecutionHistoryResponse{History: f.history}, nil
}

func (f *fakeTemporal) StartWorkflowExecution(_ context.Context, r *workflowservice.StartWorkflowExecutionRequest) (*workflowservice.StartWorkflowExecutionResponse, error) {
	f.started = append(f.started, r)
	return &workflowservice.StartWorkflowExecutionResponse{RunId: "run", Started: true}, nil
}

// input is the one argument a workflow was started with.
func input(payloads *commonpb.Payloads) string {
	var s string
	converter.GetDefaultDataConverter().FromPayloads(payloads, &s)
	return s
}

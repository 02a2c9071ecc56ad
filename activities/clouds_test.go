package activities

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/interceptor"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/semaphore"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/picture"
)

// clouds are all three on loopback, and activities that were wired to them as the worker does it.
type clouds struct {
	*Activities
	google *annotator.Server
	azure  *cosmosdb.Server
}

func open(t *testing.T) *clouds {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_S3": gateway.url, "AWS_REGION": region,
		"AWS_ACCESS_KEY_ID": accessKey, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	c := &clouds{Activities: &Activities{Bucket: bucket, InlineBytes: semaphore.NewWeighted(InlineBytesLimit)}}
	c.connectS3(t)
	c.google = c.openVision(t)
	c.azure = c.openRecords(t)
	c.ask(t, "FACE_DETECTION,IMAGE_PROPERTIES") // what the local server can do
	return c
}

func (c *clouds) connectS3(t *testing.T) {
	t.Helper()
	var err error
	if c.S3, err = objects.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (c *clouds) openVision(t *testing.T) *annotator.Server {
	t.Helper()
	server, err := annotator.New()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(t.Context(), l) }()
	t.Cleanup(func() {
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	c.connectVision(t, l.Addr().String())
	return server
}

// connectVision makes what listens on addr Google's server.
func (c *clouds) connectVision(t *testing.T, addr string) {
	t.Helper()
	t.Setenv("VISION_EMULATOR_HOST", addr)
	client, err := OpenVision(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	c.Vision = client
}

func (c *clouds) openRecords(t *testing.T) *cosmosdb.Server {
	t.Helper()
	server, endpoint, key := account(t)
	if err := records.Provision(t.Context(), endpoint, key); err != nil {
		t.Fatal(err)
	}
	c.connectRecords(t, endpoint, key)
	return server
}

// connectRecords makes what answers at endpoint the Cosmos DB account.
func (c *clouds) connectRecords(t *testing.T, endpoint, key string) {
	t.Helper()
	var err error
	if c.Records, err = records.Open(endpoint, key); err != nil {
		t.Fatal(err)
	}
}

// account is a Cosmos DB account with nothing in it.
func account(t *testing.T) (server *cosmosdb.Server, endpoint, key string) {
	t.Helper()
	key = newKey()
	server, err := cosmosdb.Open(filepath.Join(t.TempDir(), "cosmos.db"), key)
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(server)
	t.Cleanup(func() {
		web.Close()
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, web.URL, key
}

func newKey() string {
	var key [64]byte
	rand.Read(key[:])
	return base64.StdEncoding.EncodeToString(key[:])
}

func (c *clouds) ask(t *testing.T, features string) {
	t.Helper()
	var err error
	if c.Features, err = ParseFeatures(features); err != nil {
		t.Fatal(err)
	}
}

// breakS3 makes S3 answer as told, see local/s3, until the test ends.
func breakS3(t *testing.T, fault string) {
	t.Helper()
	setS3Fault(t, fault)
	t.Cleanup(func() { setS3Fault(t, "{}") })
}

func setS3Fault(t *testing.T, fault string) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, gateway.control, strings.NewReader(fault))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("S3 does not take the fault %s: %s", fault, answer.Status)
	}
}

// somePicture has an ID and a key of its own; nothing of it is in S3.
func somePicture(t *testing.T) picture.Picture {
	t.Helper()
	key, err := picture.NewID(time.Now()).Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.New(bucket, key, "", "etag", 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// upload puts content into S3, as the next version of p's object, and returns the Picture that it became.
func (c *clouds) upload(t *testing.T, p picture.Picture, content []byte) picture.Picture {
	t.Helper()
	out, err := c.S3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &p.Bucket, Key: &p.Key, Body: bytes.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	p, err = picture.New(p.Bucket, p.Key, aws.ToString(out.VersionId), aws.ToString(out.ETag), int64(len(content)), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// remove deletes the very version of p, or leaves a delete marker, which it returns, when p names none.
func (c *clouds) remove(t *testing.T, p picture.Picture) (marker string) {
	t.Helper()
	in := &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key}
	if p.VersionID != "" {
		in.VersionId = &p.VersionID
	}
	out, err := c.S3.DeleteObject(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.VersionId)
}

func photograph(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("../emulators/vision/testdata/astronaut.jpg")
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// take has Temporal's test environment run an activity by its name. The error is the very one that
// the activity returned, without what Temporal puts around it.
func take[Out any, Name ~string](t *testing.T, a *Activities, activity Name, in any, how ...func(*testsuite.TestActivityEnvironment)) (Out, error) {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestActivityEnvironment()
	returned := &returned{}
	env.SetWorkerOptions(worker.Options{
		BackgroundActivityContext: t.Context(),
		Interceptors:              []interceptor.WorkerInterceptor{returned},
	})
	a.RegisterMain(env)
	a.RegisterAnnotate(env)
	for _, set := range how {
		set(env)
	}
	var out Out
	value, err := env.ExecuteActivity(string(activity), in)
	if err == nil && value.HasValue() {
		err = value.Get(&out)
	}
	if returned.err != nil {
		err = returned.err
	}
	return out, err
}

// returned keeps what an activity returned as its error.
type returned struct {
	interceptor.WorkerInterceptorBase
	err error
}

func (r *returned) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &inbound{interceptor.ActivityInboundInterceptorBase{Next: next}, r}
}

type inbound struct {
	interceptor.ActivityInboundInterceptorBase
	*returned
}

func (i *inbound) ExecuteActivity(ctx context.Context, in *interceptor.ExecuteActivityInput) (any, error) {
	out, err := i.Next.ExecuteActivity(ctx, in)
	i.err = err
	return out, err
}

func (c *clouds) presign(t *testing.T, p picture.Picture) (SignedURL, error) {
	t.Helper()
	signed, err := take[PresignResult](t, c.Activities, picture.PresignStep, p)
	return signed.SignedURL, err
}

// annotate is Annotate of a picture that was presigned just before.
func (c *clouds) annotate(t *testing.T, p picture.Picture, send Send, how ...func(*testsuite.TestActivityEnvironment)) (AnnotateResult, error) {
	t.Helper()
	signed, err := c.presign(t, p)
	if err != nil {
		t.Fatal(err)
	}
	return take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: p, Send: send, SignedURL: signed}, how...)
}

func (c *clouds) persist(t *testing.T, r picture.Record) (picture.Outcome, error) {
	t.Helper()
	return take[picture.Outcome](t, c.Activities, picture.PersistStep, r)
}

// fails checks all that Temporal reads of an activity's error, of which it looks at the outermost only.
func fails(t *testing.T, err error, kind picture.Kind) *temporal.ApplicationError {
	t.Helper()
	failure, ok := err.(*temporal.ApplicationError)
	if !ok {
		t.Fatalf("the activity returned %T, want an ApplicationError: %v", err, err)
	}
	if failure.Type() != string(kind) {
		t.Errorf("kind %q, want %q: %v", failure.Type(), kind, err)
	}
	waits := []picture.Kind{picture.Unavailable, picture.Throttled, picture.Forbidden, picture.Misconfigured}
	if again := !failure.NonRetryable(); again != slices.Contains(waits, kind) {
		t.Errorf("retryable is %t of kind %s", again, kind)
	}
	return failure
}

package activities

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/semaphore"

	"triptych/e2e/s3test"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/internal/vision"
	"triptych/internal/vision/features"
	"triptych/picture"
)

type clouds struct {
	*Activities
	google   *annotator.Server
	azure    *cosmosdb.Server
	temporal client.Client // returned by activity.GetClient; nil if the test needs none
}

func openClouds(t *testing.T) *clouds {
	t.Helper()
	gateway.Setenv(t)
	c := &clouds{Activities: &Activities{Bucket: s3test.Bucket, InlineBytes: semaphore.NewWeighted(InlineBytesLimit)}}
	c.connectS3(t)
	c.google = c.startVision(t)
	c.azure = c.startRecords(t)
	var err error
	if c.Features, err = features.Parse("FACE_DETECTION,IMAGE_PROPERTIES"); err != nil { // the emulator has no others
		t.Fatal(err)
	}
	return c
}

func (c *clouds) connectS3(t *testing.T) {
	t.Helper()
	cfg, err := awsconfig.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.S3 = objects.Open(cfg)
}

// changeResponses changes S3's responses to the requests with a method.
func (c *clouds) changeResponses(t *testing.T, method string, change func(*http.Response)) {
	t.Helper()
	target, err := url.Parse(gateway.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // is signed
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == method {
				change(r)
			}
			return nil
		},
	})
	t.Cleanup(proxy.Close)
	options := c.S3.Options()
	options.BaseEndpoint = &proxy.URL
	c.S3 = s3.New(options)
}

func answerOfProxy(r *http.Response) {
	r.Body.Close()
	r.StatusCode, r.Header, r.Body = http.StatusNotFound, http.Header{"Content-Type": {"text/html"}}, http.NoBody
}

func (c *clouds) startVision(t *testing.T) *annotator.Server {
	t.Helper()
	server, err := annotator.New()
	if err != nil {
		t.Fatal(err)
	}
	server.CacheDetections()
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
	if c.Vision, err = vision.Open(t.Context(), vision.Config{EmulatorHost: l.Addr().String()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Vision.Close() })
	return server
}

func (c *clouds) startRecords(t *testing.T) *cosmosdb.Server {
	t.Helper()
	server, config := startAccount(t)
	if err := server.Provision(records.Database, records.ContainerName); err != nil {
		t.Fatal(err)
	}
	c.connectRecords(t, config)
	return server
}

func (c *clouds) connectRecords(t *testing.T, config records.Config) {
	t.Helper()
	var err error
	if c.Records, err = records.Open(config); err != nil {
		t.Fatal(err)
	}
	c.DailyLimit = &records.DailyLimit{Records: c.Records, PerDay: 1000}
}

func startAccount(t *testing.T) (*cosmosdb.Server, records.Config) {
	t.Helper()
	key := newKey()
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
	return server, records.Config{Endpoint: web.URL, Key: key}
}

func newKey() string {
	var key [64]byte
	rand.Read(key[:])
	return base64.StdEncoding.EncodeToString(key[:])
}

func (c *clouds) createDocument(t *testing.T, id picture.ID, properties string) {
	t.Helper()
	server, config := startAccount(t)
	if err := server.Provision(records.Database, records.ContainerName); err != nil {
		t.Fatal(err)
	}
	c.connectRecords(t, config)
	credential, err := azcosmos.NewKeyCredential(config.Key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := azcosmos.NewClientWithKey(config.Endpoint, credential, nil)
	if err != nil {
		t.Fatal(err)
	}
	items, err := account.NewContainer(records.Database, records.ContainerName)
	if err != nil {
		t.Fatal(err)
	}
	document := fmt.Appendf(nil, `{"id":%q%s}`, id, properties)
	if _, err := items.CreateItem(t.Context(), azcosmos.NewPartitionKeyString(string(id)), document, nil); err != nil {
		t.Fatal(err)
	}
}

func newPicture(t testing.TB) picture.Picture {
	t.Helper()
	key, err := picture.NewID(time.Now(), rand.Text()).Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.New(s3test.Bucket, key, "", "etag", 1, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

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

func (c *clouds) uploadPhoto(t *testing.T) picture.Picture {
	t.Helper()
	return c.upload(t, newPicture(t), readPhoto(t))
}

const photo = "../emulators/vision/testdata/astronaut.jpg"

func readPhoto(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile(photo)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

package main

import (
	"archive/zip"
	"bytes"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"triptych/e2e/siteclient"
	"triptych/e2e/stacktest"
	"triptych/emulators/lambda/runtimeapi"
	"triptych/local/stack"
	"triptych/picture"
)

// TestFunctions runs the programs in the Lambda zips. As in AWS, they read their settings from SSM and have only the permissions of
// their roles.
func TestFunctions(t *testing.T) {
	s := stacktest.Start(t)
	trigger, web := unzip(t, "trigger"), unzip(t, "web")
	t.Run("trigger_starts_a_workflow_for_an_S3_event", func(t *testing.T) {
		temporal, err := s.Client()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(temporal.Close)
		function := startFunction(t, s, trigger, 30*time.Second)
		id := picture.NewID(time.Now(), rand.Text())
		key, err := id.Key("image/jpeg")
		if err != nil {
			t.Fatal(err)
		}
		w := httptest.NewRecorder()
		function.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/2015-03-31/functions/trigger/invocations",
			strings.NewReader(fmt.Sprintf(objectCreated, s.Endpoints.Bucket, key))))
		if failed := w.Header().Get("X-Amz-Function-Error"); w.Code != http.StatusOK || failed != "" {
			t.Fatalf("%d %s %s", w.Code, failed, w.Body)
		}
		if _, err := temporal.DescribeWorkflowExecution(t.Context(), id.WorkflowID(), ""); err != nil {
			t.Errorf("the picture has no workflow: %v", err)
		}
	})
	t.Run("web_streams_the_progress_of_a_picture_in_one_response", func(t *testing.T) {
		photo, err := os.ReadFile("../emulators/vision/testdata/astronaut.jpg")
		if err != nil {
			t.Fatal(err)
		}
		var streams atomic.Int32
		url := startFunction(t, s, web, 65*time.Second).URL()
		site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/events") {
				streams.Add(1)
			}
			url.ServeHTTP(w, r)
		}))
		t.Cleanup(site.Close)
		grant, err := siteclient.Site(site.URL).RequestGrant(t.Context(), photo)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[picture.Status]bool{}
		settled, err := siteclient.Site(site.URL).Follow(t.Context(), grant.Link, func(p picture.Progress) {
			if len(seen) == 0 { // upload after the first event
				if status, err := grant.Put(t.Context(), photo); err != nil || status != http.StatusOK {
					t.Errorf("uploading: %d %v", status, err)
				}
			}
			seen[p.Status] = true
		})
		if err != nil || settled.Status != picture.Annotated || !seen[picture.Waiting] || streams.Load() != 1 {
			t.Errorf("ended as %s after %v in %d streams: %v", settled.Status, seen, streams.Load(), err)
		}
	})
	t.Run("web_ends_a_stream_before_the_Lambda_timeout", func(t *testing.T) {
		site := httptest.NewServer(startFunction(t, s, web, 5*time.Second).URL())
		t.Cleanup(site.Close)
		grant, err := siteclient.Site(site.URL).RequestGrant(t.Context(), []byte("photo"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(site.URL + "/api/pictures/" + grant.Link + "/events")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var events bytes.Buffer
		if _, err := events.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(events.String(), `"waiting"`) {
			t.Errorf("%s %q: %v", resp.Status, &events, err)
		}
	})
}

// objectCreated is an S3 event with placeholders for the bucket and the key
// (https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html).
const objectCreated = `{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"eu-central-1",
"eventTime":"2026-11-22T12:00:00.000Z","eventName":"ObjectCreated:Put","userIdentity":{"principalId":"AWS:AIDAJDPLRKLG7UEXAMPLE"},
"requestParameters":{"sourceIPAddress":"127.0.0.1"},"responseElements":{"x-amz-request-id":"C3D13FE58DE4C810"},
"s3":{"s3SchemaVersion":"1.0","configurationId":"pictures","bucket":{"name":%q,"ownerIdentity":{"principalId":"A3NL1KOZZKExample"},
"arn":"arn:aws:s3:::bucket"},"object":{"key":%q,"size":1024,"eTag":"d41d8cd98f00b204e9800998ecf8427e",
"versionId":"096fKKXTRTtl3on89fVO.nfljtsv6qko","sequencer":"0055AED6DCD90281E5"}}}]}`

func unzip(t *testing.T, function string) (bootstrap string) {
	t.Helper()
	packed := buildZip(t, "..", runtime.GOARCH, function)
	files, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), function)
	if err := os.CopyFS(dir, files); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "bootstrap")
}

func startFunction(t *testing.T, s *stack.Stack, bootstrap string, timeout time.Duration, override ...string) *runtimeapi.Host {
	t.Helper()
	function := filepath.Base(filepath.Dir(bootstrap))
	return stacktest.RunLambda(t, runtimeapi.Config{
		Name: function, Bootstrap: bootstrap, Timeout: timeout,
		Env: append(s.Publish(function, s.ProgramEnvironment(function)), override...),
	})
}

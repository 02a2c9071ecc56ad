package testenv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"triptych/emulators/s3event"
	"triptych/local/permissions"
	"triptych/picture"
)

func Key(t testing.TB, id picture.ID) string {
	t.Helper()
	key, err := id.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// BackfillBucket contains objects that the site did not upload. The worker may not read such objects in the bucket of
// the pictures.
const BackfillBucket = permissions.BackfillBucket

// PutObject writes directly to S3, without an upload grant. Keys that the site does not create are written to
// BackfillBucket.
func (e *Env) PutObject(t testing.TB, key string, content []byte) picture.Picture {
	t.Helper()
	bucket := e.Endpoints.Bucket
	if !strings.HasPrefix(key, picture.Prefix) {
		bucket = BackfillBucket
		_, err := e.Bucket.CreateBucket(Context(t), &s3.CreateBucketInput{Bucket: &bucket})
		if _, exists := errors.AsType[*types.BucketAlreadyOwnedByYou](err); err != nil && !exists {
			t.Fatal(err)
		}
	}
	out, err := e.Bucket.PutObject(Context(t), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)})
	if err != nil {
		t.Fatal(err)
	}
	return newPicture(t, bucket, key, out.VersionId, out.ETag, int64(len(content)))
}

func (e *Env) LatestVersion(t testing.TB, id picture.ID) picture.Picture {
	t.Helper()
	key := Key(t, id)
	head, err := e.Bucket.HeadObject(Context(t), &s3.HeadObjectInput{Bucket: &e.Endpoints.Bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return newPicture(t, e.Endpoints.Bucket, key, head.VersionId, head.ETag, aws.ToInt64(head.ContentLength))
}

func newPicture(t testing.TB, bucket, key string, version, etag *string, size int64) picture.Picture {
	t.Helper()
	p, err := picture.New(bucket, key, aws.ToString(version), aws.ToString(etag), size, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (e *Env) CheckNoObject(t testing.TB, id picture.ID) {
	t.Helper()
	prefix := picture.Prefix + string(id)
	list, err := e.Bucket.ListObjectVersions(Context(t), &s3.ListObjectVersionsInput{Bucket: &e.Endpoints.Bucket, Prefix: &prefix})
	if err != nil {
		t.Error(err)
	} else if len(list.Versions)+len(list.DeleteMarkers) != 0 {
		t.Errorf("S3 has %d versions and %d delete markers of the object, want none", len(list.Versions), len(list.DeleteMarkers))
	}
}

// The fault {} ends the previous fault.
func (e *Env) InjectS3Fault(t testing.TB, fault string) {
	t.Helper()
	if err := e.SetS3Fault(Context(t), fault); err != nil {
		t.Fatal(err)
	}
}

func S3Event(t testing.TB, uploads ...picture.Picture) []byte {
	t.Helper()
	var event s3event.Event
	for _, p := range uploads {
		event.Records = append(event.Records, s3event.Created(p))
	}
	b, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// DeadLetter returns the message that Lambda sends to an on-failure destination
// (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html).
func DeadLetter(event []byte) []byte {
	return fmt.Appendf(nil, `{"version":"1.0","timestamp":"2026-11-22T12:04:00.000Z",`+
		`"requestContext":{"requestId":"e4b46cbf-b738-xmpl-8880-a18cdf61200e","functionArn":"arn:aws:lambda:eu-central-1:123456789012:function:trigger:$LATEST",`+
		`"condition":"RetriesExhausted","approximateInvokeCount":3},"requestPayload":%s,`+
		`"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},`+
		`"responsePayload":{"errorMessage":"record 1 of 1: starting the workflow","errorType":"joinError"}}`, event)
}

func (e *Env) InvokeTrigger(t testing.TB, event []byte) {
	t.Helper()
	Invoke(t, e.LambdaURL, event)
}

// Invoke must not call t.Fatal, because tests call Invoke from several goroutines.
func Invoke(t testing.TB, lambdaURL string, event []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(Context(t), http.MethodPost, lambdaURL, bytes.NewReader(event))
	if err != nil {
		t.Error(err)
		return
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if failed := res.Header.Get("X-Amz-Function-Error"); err != nil || failed != "" || res.StatusCode != http.StatusOK {
		t.Errorf("the trigger returned status %s, function error %q, body %s, error %v", res.Status, failed, body, err)
	}
}

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"

	"triptych/emulators/loopback"
)

// operations are those that can be made to fail.
var operations = []string{
	"PutObject", "GetObject", "HeadObject", "DeleteObject", "DeleteObjects", "CopyObject",
	"ListObjectsV2", "ListObjectVersions", "CompleteMultipartUpload",
}

// codes are the S3 error codes of a status when none is given.
var codes = map[int]string{403: "AccessDenied", 404: "NoSuchKey", 500: "InternalError", 503: "SlowDown"}

// fault is what PUT /fault takes, in place of the one with the same Only; {} clears the one without.
type fault struct {
	Only       string   `json:"only"`       // meets only requests about one object, whose key holds it
	Status     int      `json:"status"`     // HTTP status of the answer; 0 for none, only the delay
	Code       string   `json:"code"`       // S3 error code; a usual one of the status if absent
	Times      int      `json:"times"`      // how many requests are hit; 0 for all until it is cleared
	Delay      string   `json:"delay"`      // how long a request is held before it is answered, such as 2s
	Operations []string `json:"operations"` // which requests are hit; all if absent
	Events     string   `json:"events"`     // "drop": objects are created, and nobody is told

	delay time.Duration
}

func (f *fault) check() (err error) {
	for _, o := range f.Operations {
		if !slices.Contains(operations, o) {
			return fmt.Errorf("operation %q: there are %q", o, operations)
		}
	}
	switch {
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status %d: an error has 400 to 599", f.Status)
	case f.Status != 0 && f.Code == "" && codes[f.Status] == "":
		return fmt.Errorf("status %d needs a code", f.Status)
	case f.Times < 0:
		return fmt.Errorf("times %d: it cannot be negative", f.Times)
	case f.Events != "" && f.Events != "drop":
		return fmt.Errorf("events %q: only drop is known", f.Events)
	case f.Delay == "":
		return nil
	}
	f.delay, err = time.ParseDuration(f.Delay)
	return err
}

// faults holds what is set.
type faults struct {
	mu  sync.Mutex
	set map[string]fault // by Only
}

// about is the fault of requests about key, rather one in particular.
func (f *faults) about(key string) fault {
	now := f.set[""]
	for only, particular := range f.set {
		if only != "" && strings.Contains(key, only) {
			now = particular
		}
	}
	return now
}

func (f *faults) losesEvents(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.about(key).Events == "drop"
}

// hit delays the request and says how it fails, if it is to.
func (f *faults) hit(ctx context.Context, operation, key string) error {
	now := f.take(operation, key)
	select {
	case <-ctx.Done():
	case <-time.After(now.delay):
	}
	if now.Status == 0 {
		return nil
	}
	return s3err.APIError{
		Code: cmp.Or(now.Code, codes[now.Status]), Description: "This error was asked for.", HTTPStatusCode: now.Status,
	}
}

func (f *faults) take(operation, key string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.about(key)
	if len(now.Operations) > 0 && !slices.Contains(now.Operations, operation) {
		return fault{}
	}
	switch later := now; now.Times {
	case 0:
	case 1:
		delete(f.set, now.Only)
	default:
		later.Times--
		f.set[now.Only] = later
	}
	return now
}

func (f *faults) put(w http.ResponseWriter, r *http.Request) {
	var set fault
	body := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	body.DisallowUnknownFields()
	err := body.Decode(&set)
	if err == nil {
		err = set.check()
	}
	if err != nil {
		http.Error(w, "fault: "+err.Error(), http.StatusBadRequest)
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.set == nil {
		f.set = map[string]fault{}
	}
	f.set[set.Only] = set
	slog.Info("fault set", "fault", fmt.Sprintf("%+v", set))
	w.WriteHeader(http.StatusNoContent)
}

// serve takes faults until ctx ends.
func (f *faults) serve(ctx context.Context, addr string) error {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /fault", f.put)
	server := &http.Server{Addr: addr, Handler: loopback.Programs(mux), BaseContext: func(net.Listener) context.Context { return ctx }}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve faults on %s: %w", addr, err)
	}
	return nil
}

// faulty is a backend with faults.
type faulty struct {
	backend.Backend
	faults *faults
}

func attempt[In, Out any](ctx context.Context, f *faults, operation string, key *string, next func(context.Context, In) (Out, error), in In) (Out, error) {
	if err := f.hit(ctx, operation, aws.ToString(key)); err != nil {
		var none Out
		return none, err
	}
	return next(ctx, in)
}

func (f *faulty) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	out, err := attempt(ctx, f.faults, "PutObject", in.Key, f.Backend.PutObject, in)
	if err != nil && in.Body != nil {
		io.Copy(io.Discard, in.Body) // whoever still sends would see a broken connection instead of the answer
	}
	return out, err
}

func (f *faulty) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	return attempt(ctx, f.faults, "GetObject", in.Key, f.Backend.GetObject, in)
}

func (f *faulty) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	return attempt(ctx, f.faults, "HeadObject", in.Key, f.Backend.HeadObject, in)
}

func (f *faulty) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	return attempt(ctx, f.faults, "DeleteObject", in.Key, f.Backend.DeleteObject, in)
}

func (f *faulty) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	return attempt(ctx, f.faults, "DeleteObjects", nil, f.Backend.DeleteObjects, in)
}

func (f *faulty) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	return attempt(ctx, f.faults, "CopyObject", in.Key, f.Backend.CopyObject, in)
}

func (f *faulty) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	return attempt(ctx, f.faults, "ListObjectsV2", nil, f.Backend.ListObjectsV2, in)
}

func (f *faulty) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	return attempt(ctx, f.faults, "ListObjectVersions", nil, f.Backend.ListObjectVersions, in)
}

func (f *faulty) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	if err := f.faults.hit(ctx, "CompleteMultipartUpload", aws.ToString(in.Key)); err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}
	return f.Backend.CompleteMultipartUpload(ctx, in)
}

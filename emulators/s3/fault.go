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
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/s3err"
	"github.com/versity/versitygw/s3response"

	"triptych/emulators/faults"
	"triptych/internal/loopback"
)

var operations = []string{
	"PutObject", "GetObject", "HeadObject", "DeleteObject", "DeleteObjects", "CopyObject",
	"ListObjectsV2", "ListObjectVersions", "CompleteMultipartUpload",
}

// defaultCodes is used for faults that give a status but no S3 error code.
var defaultCodes = map[int]string{403: "AccessDenied", 404: "NoSuchKey", 409: "ConditionalRequestConflict", 500: "InternalError", 503: "SlowDown"}

type fault struct {
	Only       string   `json:"only"`       // part of the object key; "" means all requests
	Times      int      `json:"times"`      // number of requests that fail; 0 means until the fault is replaced
	Delay      string   `json:"delay"`      // wait before the response, such as 2s
	Operations []string `json:"operations"` // operations that fail; empty means all
	Status     int      `json:"status"`     // HTTP status of the response; 0 means that the request only waits for Delay
	Code       string   `json:"code"`       // S3 error code; optional for a status in defaultCodes
	Events     string   `json:"events"`     // what happens to the events of new objects: "drop", "duplicate", or "hold" until the fault is replaced

	HideMissing bool `json:"hideMissing"` // missing objects are answered with 403 instead of 404

	delay time.Duration // Delay, parsed
}

// Rule implements faults.Fault.
func (f fault) Rule() faults.Rule { return faults.Rule{Only: f.Only, Times: f.Times, Delay: f.delay} }

// validate checks the fields and parses Delay.
func (f *fault) validate() (err error) {
	for _, o := range f.Operations {
		if !slices.Contains(operations, o) {
			return fmt.Errorf("operation %q is unknown: the operations are %q", o, operations)
		}
	}
	switch {
	case f.Status != 0 && (f.Status < 400 || f.Status > 599):
		return fmt.Errorf("status %d is not an error: use 400 to 599", f.Status)
	case f.Status != 0 && f.Code == "" && defaultCodes[f.Status] == "":
		return fmt.Errorf("status %d needs a code", f.Status)
	case f.Times < 0:
		return fmt.Errorf("times %d is negative", f.Times)
	case f.Times > 0 && (f.Events != "" || f.HideMissing):
		return errors.New("times does not apply to events and hideMissing: clear the fault with {} instead")
	case !slices.Contains([]string{"", dropEvents, duplicateEvents, holdEvents}, f.Events):
		return fmt.Errorf("events %q is unknown: use drop, duplicate or hold", f.Events)
	case f.Delay == "":
		return nil
	}
	f.delay, err = time.ParseDuration(f.Delay)
	return err
}

// injector stores the active faults.
type injector struct{ faults.Set[fault] }

func (i *injector) inject(ctx context.Context, operation, key string) error {
	f := i.Take(func(f fault) bool {
		return strings.Contains(key, f.Only) && (len(f.Operations) == 0 || slices.Contains(f.Operations, operation))
	})
	_ = f.Rule().Wait(ctx) // fails only if the client has disconnected
	if f.Status == 0 {
		return nil
	}
	return s3err.APIError{
		Code: cmp.Or(f.Code, defaultCodes[f.Status]), Description: "Injected fault.", HTTPStatusCode: f.Status,
	}
}

func (i *injector) serve(ctx context.Context, l net.Listener, box *outbox) error {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /fault", func(w http.ResponseWriter, r *http.Request) {
		var f fault
		body := json.NewDecoder(r.Body)
		body.DisallowUnknownFields()
		if err := errors.Join(body.Decode(&f), f.validate()); err != nil {
			http.Error(w, "fault: "+err.Error(), http.StatusBadRequest)
			return
		}
		i.Put(f)
		if err := box.releaseEvents(func(key string) bool { return i.eventFault(key) == holdEvents }); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		slog.Info("fault set", "fault", fmt.Sprintf("%+v", f))
		w.WriteHeader(http.StatusNoContent)
	})
	server := &http.Server{Handler: loopback.RefuseBrowsers(mux)}
	defer context.AfterFunc(ctx, func() { server.Close() })()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving the fault endpoint on %s: %w", l.Addr(), err)
	}
	return nil
}

type faultyBackend struct {
	backend.Backend
	faults *injector
}

func call[In, Out any](ctx context.Context, f *injector, operation string, key *string, next func(context.Context, In) (Out, error), in In) (Out, error) {
	if err := f.inject(ctx, operation, aws.ToString(key)); err != nil {
		var none Out
		return none, err
	}
	return next(ctx, in)
}

func (f *faultyBackend) PutObject(ctx context.Context, in s3response.PutObjectInput) (s3response.PutObjectOutput, error) {
	out, err := call(ctx, f.faults, "PutObject", in.Key, f.Backend.PutObject, in)
	if err != nil && in.Body != nil {
		io.Copy(io.Discard, in.Body) // a client that is still sending would see a closed connection instead of the error
	}
	return out, err
}

func (f *faultyBackend) GetObject(ctx context.Context, in *s3.GetObjectInput) (*s3.GetObjectOutput, error) {
	out, err := call(ctx, f.faults, "GetObject", in.Key, f.Backend.GetObject, in)
	return hideMissing(f.faults, aws.ToString(in.Key), out, err)
}

func (f *faultyBackend) HeadObject(ctx context.Context, in *s3.HeadObjectInput) (*s3.HeadObjectOutput, error) {
	out, err := call(ctx, f.faults, "HeadObject", in.Key, f.Backend.HeadObject, in)
	return hideMissing(f.faults, aws.ToString(in.Key), out, err)
}

func (f *faultyBackend) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput) (*s3.DeleteObjectOutput, error) {
	return call(ctx, f.faults, "DeleteObject", in.Key, f.Backend.DeleteObject, in)
}

func (f *faultyBackend) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput) (s3response.DeleteResult, error) {
	return call(ctx, f.faults, "DeleteObjects", nil, f.Backend.DeleteObjects, in)
}

func (f *faultyBackend) CopyObject(ctx context.Context, in s3response.CopyObjectInput) (s3response.CopyObjectOutput, error) {
	return call(ctx, f.faults, "CopyObject", in.Key, f.Backend.CopyObject, in)
}

func (f *faultyBackend) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	return call(ctx, f.faults, "ListObjectsV2", nil, f.Backend.ListObjectsV2, in)
}

func (f *faultyBackend) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	return call(ctx, f.faults, "ListObjectVersions", nil, f.Backend.ListObjectVersions, in)
}

func (f *faultyBackend) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput) (s3response.CompleteMultipartUploadResult, string, error) {
	if err := f.faults.inject(ctx, "CompleteMultipartUpload", aws.ToString(in.Key)); err != nil {
		return s3response.CompleteMultipartUploadResult{}, "", err
	}
	return f.Backend.CompleteMultipartUpload(ctx, in)
}

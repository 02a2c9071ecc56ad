package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"triptych/internal/check"
	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/picture"
)

// runChecks makes each call of web once, and returns the number of calls that failed. s3:GetObject is not checked:
// without s3:ListBucket, S3 gives the same answer for a missing object as for a missing permission.
func runChecks(ctx context.Context, w io.Writer) int {
	return check.Program(ctx, w, func(ctx context.Context) ([]check.Call, func(), error) {
		a, s, err := connect(ctx)
		if err != nil {
			return nil, nil, err
		}
		return append([]check.Call{
			{Name: "S3, upload by a presigned URL (s3:PutObject)", Do: a.checkUpload},
			{Name: "Cosmos DB, read a Record", Do: func(ctx context.Context) error {
				if _, _, err := a.records.Read(ctx, check.Document); err != nil && !errors.Is(err, records.ErrNotFound) {
					return records.Explain(err)
				}
				return nil
			}},
		}, check.Temporal(a.temporal, s.Temporal.Namespace)...), a.temporal.Close, nil
	})
}

// checkUpload sends other bytes than it announces. S3 checks the permission first and then refuses the bytes, so no
// object is created.
func (a *api) checkUpload(ctx context.Context) error {
	granted, err := a.signUpload(ctx, link{picture: check.Document}, uploadRequest{
		ContentType: "image/jpeg", Size: 1, SHA256: base64.StdEncoding.EncodeToString(make([]byte, 32)),
	})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, granted.Upload.Method, granted.Upload.URL, strings.NewReader("x"))
	if err != nil {
		return fmt.Errorf("making an upload request: %w", err)
	}
	for name, value := range granted.Upload.Headers {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return objects.Explain(err)
	}
	defer response.Body.Close()
	refusal := objects.ResponseError(response)
	switch refusal.Code {
	case "BadDigest", "XAmzContentChecksumMismatch":
		return nil
	case "AccessDenied":
		return &picture.Error{Kind: picture.Forbidden, Cloud: picture.AWS, Err: errors.New(refusal.Message),
			Message: "AWS refused access: web's role needs s3:PutObject on the pictures of TRIPTYCH_BUCKET"}
	}
	return objects.Explain(refusal)
}

package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/versity/versitygw/s3err"
)

// hideNotFound returns AccessDenied for a missing object, as S3 does for callers without s3:ListBucket:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func hideNotFound[Out any](out *Out, err error) (*Out, error) {
	if e, ok := errors.AsType[s3err.S3Error](err); !ok || e.StatusCode() != http.StatusNotFound {
		return out, err
	}
	return nil, s3err.GetAPIError(s3err.ErrAccessDenied)
}

func hideMissing[Out any](i *injector, key string, out *Out, err error) (*Out, error) {
	if !i.Peek(func(f fault) bool { return strings.Contains(key, f.Only) }).HideMissing {
		return out, err
	}
	return hideNotFound(out, err)
}

package main

import (
	"errors"
	"net/http"
	"strings"

	"github.com/versity/versitygw/s3err"
)

// hideMissing returns AccessDenied for a missing object, as S3 does for callers without s3:ListBucket:
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
func (i *injector) hideMissing(key string, err error) error {
	s3Error, ok := errors.AsType[s3err.S3Error](err)
	if !ok || s3Error.StatusCode() != http.StatusNotFound || !i.Peek(func(f fault) bool { return strings.Contains(key, f.Only) }).HideMissing {
		return err
	}
	return s3err.GetAPIError(s3err.ErrAccessDenied)
}

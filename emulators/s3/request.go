package main

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3api/utils"
	"github.com/versity/versitygw/s3err"
)

// GetBucketAcl is the first call of versitygw after it has verified the signature, so it may change the request's headers.
func (s *store) GetBucketAcl(ctx context.Context, in *s3.GetBucketAclInput) ([]byte, error) {
	const name = "X-Amz-Object-Attributes"
	if request, ok := ctx.(*fasthttp.RequestCtx); ok && bytes.ContainsRune(request.Request.Header.Peek(name), ' ') {
		request.Request.Header.SetBytesV(name, bytes.ReplaceAll(request.Request.Header.Peek(name), []byte(" "), nil))
	}
	return s.Backend.GetBucketAcl(ctx, in)
}

const maxSkew = 15 * time.Minute // of AWS, between the clocks of a client and of S3

// checkRequest refuses a request before it is authenticated.
func checkRequest(ctx fiber.Ctx) error {
	uri := ctx.Request().URI()
	if uri.QueryArgs().Has("X-Amz-Algorithm") && len(ctx.Request().Header.Peek("Authorization")) > 0 {
		return s3err.APIError{Code: "InvalidArgument", HTTPStatusCode: http.StatusBadRequest,
			Description: "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"}
	}
	if date, err := time.Parse("20060102T150405Z", string(uri.QueryArgs().Peek("X-Amz-Date"))); err == nil && time.Until(date) > maxSkew {
		return s3err.APIError{Code: "AccessDenied", HTTPStatusCode: http.StatusForbidden, Description: "Request is not valid yet"}
	}
	path, err := url.PathUnescape(string(uri.PathOriginal()))
	if err != nil {
		return nil // versitygw refuses it
	}
	_, key, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return checkKey(key)
}

func removeSecondID(ctx fiber.Ctx) error {
	err := ctx.Next()
	header := &ctx.Response().Header
	for _, name := range []string{utils.HeaderAmzRequestID, utils.HeaderAmzID2} {
		var spellings []string
		for spelling := range header.All() {
			if strings.EqualFold(string(spelling), name) {
				spellings = append(spellings, string(spelling))
			}
		}
		if len(spellings) > 1 {
			header.Del(spellings[0])
		}
	}
	return err
}

// maxSegment is the limit of file systems, 255, without the 28 bytes that versitygw adds to the name of a file that it
// replaces (linkatOTmpfile in backend/posix/with_otmpfile.go).
const maxSegment = 227

// checkKey refuses keys that versitygw would store under another name or could not overwrite. S3 itself accepts these keys.
func checkKey(key string) error {
	segments := strings.Split(strings.TrimSuffix(key, "/"), "/") // a key like `a/` is stored as a directory
	invalid := func(s string) bool {
		return s == "" || s == "." || s == ".." || s == posix.MetaTmpDir || len(s) > maxSegment || strings.ContainsRune(s, 0)
	}
	if key == "" || !slices.ContainsFunc(segments, invalid) {
		return nil
	}
	return s3err.APIError{Code: "NotImplemented", HTTPStatusCode: http.StatusNotImplemented,
		Description: "The local S3 stores objects as files, so it cannot store this key: use non-empty segments of at most 227 bytes between slashes, without '.', '..' and '.sgwtmp'."}
}

package main

import (
	"slices"
	"strings"

	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/s3err"
)

// checkKey refuses a key that versitygw would store under another name, because it uses keys as paths of files: `a//b`
// and `a/./b` would become `a/b`. S3 itself accepts these keys.
func checkKey(key string) error {
	segments := strings.Split(strings.TrimSuffix(key, "/"), "/") // a key like `a/` is stored as a directory
	invalid := func(s string) bool {
		return s == "" || s == "." || s == ".." || len(s) > 255 || strings.ContainsRune(s, 0)
	}
	if key == "" || segments[0] != posix.MetaTmpDir && !slices.ContainsFunc(segments, invalid) {
		return nil
	}
	return s3err.APIError{Code: "NotImplemented", HTTPStatusCode: 501,
		Description: "The local S3 stores objects as files, so it cannot store this key: use non-empty segments of at most 255 bytes between slashes, without '.' and '..'."}
}

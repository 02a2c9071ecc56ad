package main

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// startBoth runs a test with both places in which the server stores attributes.
func startBoth(t *testing.T, test func(t *testing.T, s *server, dir string)) {
	t.Run("with_extended_attributes", func(t *testing.T) {
		dir := t.TempDir()
		test(t, start(t, dir, ""), dir)
	})
	t.Run("with_attributes_in_separate_files", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "s3")
		if err := os.MkdirAll(filepath.Join(dir, "attributes"), 0o700); err != nil {
			t.Fatal(err)
		}
		test(t, start(t, dir, ""), dir)
	})
}

func (s *server) fetch(t *testing.T, method, key, version string) *http.Response {
	t.Helper()
	presign, in := s3.NewPresignClient(s.Client), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	signed, err := presign.PresignGetObject(t.Context(), in)
	if method == http.MethodHead {
		signed, err = presign.PresignHeadObject(t.Context(), &s3.HeadObjectInput{Bucket: in.Bucket, Key: in.Key, VersionId: in.VersionId})
	}
	if err != nil {
		t.Fatal(err)
	}
	return do(t, method, signed.URL, nil, "")
}

func TestConditions(t *testing.T) {
	s := start(t, t.TempDir(), "")
	out := put(t, s, "pictures/a.jpg", picture)
	head, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("pictures/a.jpg")})
	if err != nil {
		t.Fatal(err)
	}
	get := func(in s3.GetObjectInput) error {
		in.Bucket, in.Key = aws.String(bucket), aws.String("pictures/a.jpg")
		_, err := s.GetObject(t.Context(), &in)
		return err
	}
	copyTo := func(key string, ifNoneMatch, ifMatch *string) error {
		_, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{
			Bucket: aws.String(bucket), Key: &key, CopySource: aws.String(bucket + "/pictures/a.jpg"), IfNoneMatch: ifNoneMatch, IfMatch: ifMatch,
		})
		return err
	}
	before := aws.Time(head.LastModified.Add(-time.Second))
	for _, tt := range []struct {
		name string
		err  error
		code string
	}{
		{"object_is_not_modified_since_its_Last-Modified", get(s3.GetObjectInput{IfModifiedSince: head.LastModified}), "NotModified"},
		{"object_is_modified_since_a_second_earlier", get(s3.GetObjectInput{IfModifiedSince: before}), ""},
		{"object_is_unmodified_since_its_Last-Modified", get(s3.GetObjectInput{IfUnmodifiedSince: head.LastModified}), ""},
		{"object_is_not_unmodified_since_a_second_earlier", get(s3.GetObjectInput{IfUnmodifiedSince: before}), "PreconditionFailed"},
		{"copy_with_If-None-Match_creates_a_missing_object", copyTo("pictures/b.jpg", aws.String("*"), nil), ""},
		{"copy_with_If-None-Match_keeps_an_existing_object", copyTo("pictures/b.jpg", aws.String("*"), nil), "PreconditionFailed"},
		{"copy_with_If-Match_replaces_the_object_with_this_ETag", copyTo("pictures/b.jpg", nil, out.ETag), ""},
		{"copy_with_If-Match_keeps_an_object_with_another_ETag", copyTo("pictures/b.jpg", nil, aws.String(`"other"`)), "PreconditionFailed"},
		{"copy_of_a_source_with_an_unwanted_ETag_is_refused", func() error {
			_, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{
				Bucket: aws.String(bucket), Key: aws.String("pictures/c.jpg"), CopySource: aws.String(bucket + "/pictures/a.jpg"), CopySourceIfNoneMatch: out.ETag,
			})
			return err
		}(), "PreconditionFailed"},
		{"copy_of_a_source_to_itself_with_an_unwanted_ETag_is_refused", func() error {
			_, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{
				Bucket: aws.String(bucket), Key: aws.String("pictures/a.jpg"), CopySource: aws.String(bucket + "/pictures/a.jpg"), CopySourceIfNoneMatch: out.ETag,
				MetadataDirective: types.MetadataDirectiveReplace,
			})
			return err
		}(), "PreconditionFailed"},
		{"copy_of_a_part_with_an_unwanted_ETag_is_refused", func() error {
			upload, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("pictures/c.jpg")})
			if err != nil {
				return err
			}
			_, err = s.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{
				Bucket: aws.String(bucket), Key: aws.String("pictures/c.jpg"), CopySource: aws.String(bucket + "/pictures/a.jpg"), CopySourceIfNoneMatch: out.ETag,
				UploadId: upload.UploadId, PartNumber: aws.Int32(1),
			})
			return err
		}(), "PreconditionFailed"},
		{"copy_from_a_missing_key_is_NoSuchKey", func() error {
			_, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{
				Bucket: aws.String(bucket), Key: aws.String("pictures/c.jpg"), CopySource: aws.String(bucket + "/pictures/none.jpg"),
			})
			return err
		}(), "NoSuchKey"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := code(tt.err); got != tt.code || tt.code == "" && tt.err != nil {
				t.Errorf("%v, want %q", tt.err, tt.code)
			}
		})
	}
}

func TestCopyToItself(t *testing.T) {
	l := startLambda(t)
	s := start(t, t.TempDir(), l.URL)
	b, key := aws.String(bucket), aws.String("pictures/a.jpg")
	old, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: b, Key: key, Body: strings.NewReader(picture), Metadata: map[string]string{"n": "1"}, Tagging: aws.String("a=b")})
	if err != nil {
		t.Fatal(err)
	}
	l.next(t)
	t.Run("copy_with_new_metadata_creates_a_version_with_the_tags_and_an_event", func(t *testing.T) {
		out, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{
			Bucket: b, Key: key, CopySource: aws.String(bucket + "/pictures/a.jpg"), MetadataDirective: types.MetadataDirectiveReplace, Metadata: map[string]string{"n": "2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if versions, _ := s.versions(t, *key); !slices.Equal(versions, []string{*out.VersionId, *old.VersionId}) || *out.CopyObjectResult.ETag != *old.ETag {
			t.Errorf("versions %q, copy %+v", versions, out)
		}
		for version, want := range map[*string]string{old.VersionId: "1", out.VersionId: "2"} {
			head, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: b, Key: key, VersionId: version})
			if err != nil || head.Metadata["n"] != want || aws.ToInt32(head.TagCount) != 1 || *head.ContentLength != int64(len(picture)) {
				t.Errorf("version %s: %+v %v", *version, head, err)
			}
		}
		if e := l.next(t); e.EventName != "ObjectCreated:Copy" || e.S3.Object.VersionID != *out.VersionId {
			t.Errorf("event %+v", e)
		}
	})
	t.Run("copy_without_a_change_is_refused", func(t *testing.T) {
		_, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: b, Key: key, CopySource: aws.String(bucket + "/pictures/a.jpg")})
		if got := code(err); got != "InvalidRequest" {
			t.Errorf("%v", err)
		}
	})
}

func TestObjectAttributes(t *testing.T) {
	t.Run("attributes_separated_by_blanks_are_accepted", func(t *testing.T) {
		s := start(t, t.TempDir(), "")
		put(t, s, "a.jpg", picture)
		out, err := s.GetObjectAttributes(t.Context(), &s3.GetObjectAttributesInput{
			Bucket: aws.String(bucket), Key: aws.String("a.jpg"), ObjectAttributes: []types.ObjectAttributes{types.ObjectAttributesEtag},
		}, s3.WithAPIOptions(smithyhttp.SetHeaderValue("X-Amz-Object-Attributes", "ETag, ObjectSize")))
		if err != nil || aws.ToString(out.ETag) == "" || aws.ToInt64(out.ObjectSize) != int64(len(picture)) {
			t.Errorf("%+v %v", out, err)
		}
	})
}

func TestRequestID(t *testing.T) {
	s := start(t, t.TempDir(), "")
	put(t, s, "a.jpg", picture)
	for _, key := range []string{"a.jpg", "missing.jpg", "a//b.jpg"} {
		t.Run("response_about_"+strings.ReplaceAll(key, "/", "⁄")+"_has_one_request_ID", func(t *testing.T) {
			h := s.fetch(t, http.MethodGet, key, "").Header
			if len(h.Values("X-Amz-Request-Id")) != 1 || len(h.Values("X-Amz-Id-2")) != 1 {
				t.Errorf("%v", h)
			}
		})
	}
}

func TestTwoSignatures(t *testing.T) {
	s := start(t, t.TempDir(), "")
	signed, err := s3.NewPresignClient(s.Client).PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("a.jpg")})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("presigned_URL_with_an_Authorization_header_is_400", func(t *testing.T) {
		resp := do(t, http.MethodGet, signed.URL, map[string]string{"Authorization": "Bearer x"}, "")
		if got := errorCode(t, resp); resp.StatusCode != 400 || got != "InvalidArgument" {
			t.Errorf("GET: %s %s", resp.Status, got)
		}
	})
}

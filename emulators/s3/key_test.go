package main

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestKeys(t *testing.T) {
	s := start(t, t.TempDir(), startLambda(t).URL)
	stored := []string{"dir/b.jpg", "up.jpg"}
	for _, key := range stored {
		put(t, s, key, picture)
	}
	upload, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("up.jpg")})
	if err != nil {
		t.Fatal(err)
	}
	part, err := s.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: aws.String(bucket), Key: aws.String("up.jpg"), UploadId: upload.UploadId,
		PartNumber: aws.Int32(1), Body: strings.NewReader(picture)})
	if err != nil {
		t.Fatal(err)
	}
	keys := func(t *testing.T) (keys []string) {
		t.Helper()
		list, err := s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Contents {
			keys = append(keys, *o.Key)
		}
		return keys
	}
	for _, key := range []string{
		"dir//b.jpg", "/up.jpg", "2019/../up.jpg", "dir/./b.jpg", "./up.jpg", "../up.jpg", "up.jpg/.", "dir/b.jpg//", "a\x00b",
		strings.Repeat("x", 228), ".sgwtmp/up.jpg", "dir/.sgwtmp/up.jpg",
	} {
		t.Run("key_"+strings.ReplaceAll(url.QueryEscape(key), ".", "․")+"_is_refused", func(t *testing.T) {
			bucket, key := aws.String(bucket), aws.String(key)
			source := aws.String(*bucket + "/" + url.PathEscape(*key))
			for operation, call := range map[string]func() error{
				"PutObject": func() error {
					_, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: bucket, Key: key, Body: strings.NewReader("other")})
					return err
				},
				"GetObject": func() error {
					_, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: key})
					return err
				},
				"DeleteObject": func() error {
					_, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: bucket, Key: key})
					return err
				},
				"CopyObject from the key": func() error {
					_, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: bucket, Key: aws.String("copy.jpg"), CopySource: source})
					return err
				},
				"UploadPartCopy from the key": func() error {
					_, err := s.UploadPartCopy(t.Context(), &s3.UploadPartCopyInput{Bucket: bucket, Key: aws.String("up.jpg"), UploadId: upload.UploadId,
						PartNumber: aws.Int32(2), CopySource: source})
					return err
				},
				"GetObjectTagging": func() error {
					_, err := s.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: bucket, Key: key})
					return err
				},
				"CompleteMultipartUpload": func() error {
					_, err := s.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{Bucket: bucket, Key: key, UploadId: upload.UploadId,
						MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}}})
					return err
				},
				"CreateMultipartUpload": func() error {
					_, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: bucket, Key: key})
					return err
				},
			} {
				err := call()
				if got := code(err); got != "NotImplemented" && !(got == "InvalidArgument" && strings.HasPrefix(*key, "../")) { // versitygw refuses sources outside the bucket
					t.Errorf("%s returned %v", operation, err)
				}
			}
			if _, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: bucket, Key: key}); err == nil {
				t.Error("HeadObject found an object")
			}
			if !strings.Contains(*key, "\x00") { // impossible in XML
				result, err := s.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: []types.ObjectIdentifier{{Key: key}}}})
				if err != nil || len(result.Deleted) > 0 || len(result.Errors) != 1 || *result.Errors[0].Code != "NotImplemented" {
					t.Errorf("DeleteObjects returned %+v, %v", result, err)
				}
			}
			if got := keys(t); !slices.Equal(got, stored) {
				t.Errorf("the bucket contains %q, want %q", got, stored)
			}
		})
	}
	for _, key := range []string{"odd/a b+c%2B.jpg", "odd/\u202eüñ📷", "odd/%2e%2e/me?#.png", "odd/...", "odd/.hidden", "odd/dir/", `odd/back\slash`, "odd/" + strings.Repeat("x", 227)} {
		t.Run("key_"+url.QueryEscape(key)+"_is_stored_unchanged_and_overwritten", func(t *testing.T) {
			body := picture
			if strings.HasSuffix(key, "/") {
				body = ""
			}
			put(t, s, key, body)
			defer s.remove(t, &key, nil)
			put(t, s, key, body)
			if versions, _ := s.versions(t, key); len(versions) != 2 && body != "" {
				t.Errorf("%d versions after two uploads, want 2", len(versions))
			}
			if got := keys(t); !slices.Contains(got, key) {
				t.Errorf("the bucket contains %q", got)
			}
		})
	}
}

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
)

func TestUsers(t *testing.T) {
	const objects = `"Resource":"arn:aws:s3:::` + bucket + `/pictures/*"`
	const read = `{"Effect":"Allow","Action":"s3:GetObject",` + objects + `}`
	policies := map[string]string{
		"READER": read,
		"LISTER": read + `,{"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::` + bucket + `"}`,
		"COPIER": read + `,{"Effect":"Allow","Action":"s3:PutObject",` + objects + `}`,
		"DENIED": read + `,{"Effect":"Deny","Action":"s3:*",` + objects + `}`,
		"NOTTLS": read + `,{"Effect":"Deny","Action":"s3:*",` + objects + `,"Condition":{"Bool":{"aws:SecureTransport":"false"}}}`,
	}
	var users []string
	for name, statements := range policies {
		users = append(users, `{"accessKey":"`+name+`","secretKey":"secret","policy":{"Version":"2012-10-17","Statement":[`+statements+`]}}`)
	}
	file := filepath.Join(t.TempDir(), "users.json")
	if err := os.WriteFile(file, []byte("["+strings.Join(users, ",")+"]"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, t.TempDir(), "", "-users", file)
	for _, key := range []string{"pictures/a", "other/a"} {
		if _, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader("x")}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct{ user, secret, key, code string }{
		"permitted_object_is_returned":                        {"READER", "secret", "pictures/a", ""},
		"object_outside_of_the_resource_is_refused":           {"READER", "secret", "other/a", "AccessDenied"},
		"missing_object_is_403_without_list_permission":       {"READER", "secret", "pictures/missing", "AccessDenied"},
		"missing_object_is_404_with_list_permission":          {"LISTER", "secret", "pictures/missing", "NoSuchKey"},
		"explicit_Deny_overrides_Allow":                       {"DENIED", "secret", "pictures/a", "AccessDenied"},
		"Deny_of_plain_HTTP_applies_because_there_is_no_TLS":  {"NOTTLS", "secret", "pictures/a", "AccessDenied"},
		"wrong_secret_key_is_refused":                         {"READER", "wrong", "pictures/a", "SignatureDoesNotMatch"},
		"unknown_access_key_is_refused_with_the_code_of_AWS":  {"NOBODY", "secret", "pictures/a", "InvalidAccessKeyId"},
		"missing_object_is_404_for_the_key_pair_of_the_store": {"LOCALKEY", "local-secret", "pictures/missing", "NoSuchKey"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(s.url, c.user, c.secret).GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &c.key})
			code := ""
			if response, ok := errors.AsType[smithy.APIError](err); ok {
				code = response.ErrorCode()
			}
			if code != c.code || (err != nil) != (c.code != "") {
				t.Errorf("the error is %v, want %q", err, c.code)
			}
		})
	}
	t.Run("missing_source_of_a_copy_is_403_without_list_permission", func(t *testing.T) {
		c, in := client(s.url, "COPIER", "secret"), s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("pictures/copy")}
		for source, want := range map[string]string{"/pictures/a": "", "/pictures/missing": "AccessDenied"} {
			in.CopySource = aws.String(bucket + source)
			if _, err := c.CopyObject(t.Context(), &in); code(err) != want {
				t.Errorf("CopyObject: %v, want %q", err, want)
			}
			upload, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: in.Bucket, Key: in.Key})
			if err != nil {
				t.Fatal(err)
			}
			part := s3.UploadPartCopyInput{Bucket: in.Bucket, Key: in.Key, CopySource: in.CopySource, UploadId: upload.UploadId, PartNumber: aws.Int32(1)}
			if _, err := c.UploadPartCopy(t.Context(), &part); code(err) != want {
				t.Errorf("UploadPartCopy: %v, want %q", err, want)
			}
			part.UploadId = aws.String("00000000-0000-0000-0000-000000000000")
			if _, err := c.UploadPartCopy(t.Context(), &part); want == "" && code(err) != "NoSuchUpload" {
				t.Errorf("UploadPartCopy: %v, want NoSuchUpload", err)
			}
		}
	})
}

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
}

package main

import (
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

func TestHideMissingAnswersWithAccessDenied(t *testing.T) {
	s := start(t, t.TempDir(), startLambda(t).URL)
	put(t, s, "pictures/a.jpg", picture)
	setFault(t, s, `{"hideMissing":true}`)
	get := func(key, version string) string {
		in := &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &key}
		if version != "" {
			in.VersionId = &version
		}
		_, err := s.GetObject(t.Context(), in)
		return code(err)
	}
	head := func(key string) string {
		_, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &key})
		return code(err)
	}
	got := []string{get("pictures/a.jpg", ""), get("pictures/b.jpg", ""), get("pictures/a.jpg", "01ARZ3NDEKTSV4RRFFQ69G5FAV"), head("pictures/a.jpg"), head("pictures/b.jpg")}
	if want := []string{"", "AccessDenied", "AccessDenied", "", "Forbidden"}; !slices.Equal(got, want) {
		t.Errorf("codes %q, want %q", got, want)
	}
	setFault(t, s, `{}`)
	if got := get("pictures/b.jpg", ""); got != "NoSuchKey" {
		t.Errorf("without the fault: %q", got)
	}
}

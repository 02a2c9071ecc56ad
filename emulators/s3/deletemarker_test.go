package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestDeleteMarkers(t *testing.T) {
	startBoth(t, func(t *testing.T, s *server, _ string) {
		key := aws.String("pictures/marked.jpg")
		put(t, s, *key, picture)
		deleted, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: key})
		if err != nil || !aws.ToBool(deleted.DeleteMarker) {
			t.Fatalf("DELETE: %+v, %v", deleted, err)
		}
		marker := *deleted.VersionId
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			for _, tt := range []struct {
				name, version, allow string
				status               int
			}{
				{"of_the_key_is_404_with_the_version_of_the_marker", "", "", 404},
				{"of_the_marker_is_405_that_allows_DELETE", marker, "DELETE", 405},
			} {
				t.Run(method+"_"+tt.name, func(t *testing.T) {
					resp := s.fetch(t, method, *key, tt.version)
					h := resp.Header
					if resp.StatusCode != tt.status || h.Get("X-Amz-Version-Id") != marker || h.Get("X-Amz-Delete-Marker") != "true" ||
						h.Get("Last-Modified") == "" || h.Get("Allow") != tt.allow {
						t.Errorf("%s %v", resp.Status, h)
					}
				})
			}
		}
		t.Run("missing_version_has_no_delete_marker", func(t *testing.T) {
			resp := s.fetch(t, http.MethodGet, *key, "01ARZ3NDEKTSV4RRFFQ69G5FAV")
			if resp.StatusCode != 404 || resp.Header.Get("X-Amz-Delete-Marker") != "" {
				t.Errorf("%s %v", resp.Status, resp.Header)
			}
		})
		t.Run("copy_from_a_deleted_key_is_refused", func(t *testing.T) {
			for source, want := range map[string]string{bucket + "/" + *key: "NoSuchKey", bucket + "/" + *key + "?versionId=" + marker: "InvalidRequest"} {
				_, err := s.CopyObject(t.Context(), &s3.CopyObjectInput{Bucket: aws.String(bucket), Key: aws.String("copy.jpg"), CopySource: &source})
				if got := code(err); got != want {
					t.Errorf("CopyObject from %s: %v, want %s", source, err, want)
				}
			}
		})
		t.Run("conditional_PUT_after_a_delete_marker_creates_the_object", func(t *testing.T) {
			in := once(*key)
			in.Tagging = aws.String("a=b")
			if _, err := s.PutObject(t.Context(), in); err != nil {
				t.Fatal(err)
			}
			if tags, err := s.GetObjectTagging(t.Context(), &s3.GetObjectTaggingInput{Bucket: in.Bucket, Key: key}); err != nil || len(tags.TagSet) != 1 {
				t.Errorf("tags %+v, %v", tags, err)
			}
			if resp := s.fetch(t, http.MethodGet, *key, ""); resp.StatusCode != 200 {
				t.Errorf("GET: %s", resp.Status)
			}
			if versions, markers := s.versions(t, *key); len(versions) != 2 || !slices.Equal(markers, []string{marker}) {
				t.Errorf("versions %q, delete markers %q", versions, markers)
			}
		})
		t.Run("deletion_of_a_missing_key_creates_a_delete_marker", func(t *testing.T) {
			missing := "pictures/missing.jpg"
			deleted, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &missing})
			if err != nil || !aws.ToBool(deleted.DeleteMarker) {
				t.Fatalf("DELETE: %+v, %v", deleted, err)
			}
			if versions, markers := s.versions(t, missing); len(versions) > 0 || !slices.Equal(markers, []string{*deleted.VersionId}) {
				t.Errorf("versions %q, delete markers %q", versions, markers)
			}
			if resp := s.fetch(t, http.MethodGet, missing, ""); resp.StatusCode != 404 || resp.Header.Get("X-Amz-Delete-Marker") != "true" {
				t.Errorf("GET: %s %v", resp.Status, resp.Header)
			}
			if _, err := s.PutObject(t.Context(), once(missing)); err != nil {
				t.Errorf("conditional PUT: %v", err)
			}
		})
	})
}

func TestConditionalDelete(t *testing.T) {
	s := start(t, t.TempDir(), "")
	for name, in := range map[string]s3.DeleteObjectInput{
		"ETag": {IfMatch: aws.String("other")}, "size": {IfMatchSize: aws.Int64(10)}, "time": {IfMatchLastModifiedTime: aws.Time(time.Unix(1, 0))},
	} {
		t.Run("deletion_of_a_missing_key_with_an_expected_"+name+"_creates_nothing", func(t *testing.T) {
			in.Bucket, in.Key = aws.String(bucket), aws.String("pictures/missing.jpg")
			_, _ = s.DeleteObject(t.Context(), &in)
			if versions, markers := s.versions(t, *in.Key); len(versions)+len(markers) > 0 {
				t.Errorf("versions %q, delete markers %q", versions, markers)
			}
		})
	}
	etag := put(t, s, "pictures/a.jpg", picture).ETag
	for _, tt := range []struct {
		name    string
		object  types.ObjectIdentifier
		deleted int
	}{
		{"another_ETag_keeps_the_object", types.ObjectIdentifier{ETag: aws.String(`"other"`)}, 0},
		{"another_size_keeps_the_object", types.ObjectIdentifier{Size: aws.Int64(1)}, 0},
		{"the_ETag_of_the_object_deletes_it", types.ObjectIdentifier{ETag: etag}, 1},
	} {
		t.Run("batch_deletion_with_"+tt.name, func(t *testing.T) {
			tt.object.Key = aws.String("pictures/a.jpg")
			out, err := s.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{
				Bucket: aws.String(bucket), Delete: &types.Delete{Objects: []types.ObjectIdentifier{tt.object}},
			})
			if err != nil || len(out.Deleted) != tt.deleted || tt.deleted == 0 && (len(out.Errors) != 1 || *out.Errors[0].Code != "PreconditionFailed") {
				t.Errorf("%+v %v", out, err)
			}
		})
	}
}

// https://github.com/versity/versitygw/issues/2200
func TestPutDuringDelete(t *testing.T) {
	t.Run("new_version_remains_and_deleted_version_does_not_return", func(t *testing.T) {
		startBoth(t, func(t *testing.T, s *server, _ string) {
			for round := range 60 {
				key := fmt.Sprintf("pictures/%d.jpg", round)
				old := put(t, s, key, "old").VersionId
				var created *s3.PutObjectOutput
				var group sync.WaitGroup
				group.Go(func() {
					in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader("new")}
					var err error
					if created, err = s.PutObject(t.Context(), in); err != nil {
						t.Error(err)
					}
				})
				group.Go(func() {
					in := &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key, VersionId: old}
					if _, err := s.DeleteObject(t.Context(), in); err != nil {
						t.Error(err)
					}
				})
				group.Wait()
				if t.Failed() {
					return
				}
				if versions, _ := s.versions(t, key); !slices.Equal(versions, []string{*created.VersionId}) {
					t.Errorf("round %d: versions %q, want %q", round, versions, *created.VersionId)
				}
				if resp := s.fetch(t, http.MethodGet, key, ""); text(t, resp) != "new" {
					t.Errorf("round %d: GET is %s, not the new version", round, resp.Status)
				}
			}
		})
	})
}

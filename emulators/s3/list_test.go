package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func TestListDuringWrites(t *testing.T) {
	t.Run("each_list_shows_each_version_once_and_one_is_the_latest", func(t *testing.T) {
		s := start(t, t.TempDir(), "")
		key := "pictures/a.jpg"
		versions := []*string{put(t, s, key, "first").VersionId}
		done := make(chan struct{})
		go func() {
			defer close(done)
			for range 100 {
				in := &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key, Body: strings.NewReader("next")}
				out, err := s.PutObject(t.Context(), in)
				if err != nil {
					t.Error(err)
					return
				}
				versions = append(versions, out.VersionId)
				if len(versions) > 2 { // delete the latest version, so that an older one becomes the latest
					in := &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key, VersionId: out.VersionId}
					if _, err := s.DeleteObject(t.Context(), in); err != nil {
						t.Error(err)
						return
					}
				}
			}
		}()
		defer func() { <-done }()
		for lists := 0; ; lists++ {
			list, err := s.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket)})
			if err != nil {
				t.Fatal(err)
			}
			seen, latest := map[string]bool{}, 0
			for _, v := range list.Versions {
				if seen[*v.VersionId] {
					t.Errorf("list %d has version %s twice", lists, *v.VersionId)
				}
				seen[*v.VersionId] = true
				if *v.IsLatest {
					latest++
				}
			}
			if latest != 1 {
				t.Errorf("list %d has %d latest versions: %v", lists, latest, seen)
			}
			select {
			case <-done:
				return
			default:
			}
		}
	})
}

func TestNestedKeys(t *testing.T) {
	s := start(t, t.TempDir(), "")
	put(t, s, "dir/b.jpg", picture)
	put(t, s, "file.jpg", picture)
	for _, tt := range []struct{ name, key, body, code string }{
		{"key_above_another_key_is_refused", "dir", picture, "ExistingObjectIsDirectory"},
		{"key_below_another_key_is_refused", "file.jpg/a", picture, "ObjectParentIsFile"},
		{"key_with_a_slash_and_content_is_refused", "folder/", picture, "DirectoryObjectContainsData"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := s.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &tt.key, Body: strings.NewReader(tt.body)})
			if got := code(err); got != tt.code {
				t.Errorf("PUT: %v, want %s", err, tt.code)
			}
		})
	}
	for _, key := range []string{"dir", "dir/", "file.jpg/a", "file.jpg/"} {
		t.Run("deletion_of_missing_key_"+strings.ReplaceAll(key, "/", "⁄")+"_succeeds_and_keeps_other_keys", func(t *testing.T) {
			s.remove(t, &key, nil)
			s.remove(t, &key, aws.String("null"))
			for _, kept := range []string{"dir/b.jpg", "file.jpg"} {
				if resp := s.fetch(t, http.MethodGet, kept, ""); resp.StatusCode != 200 {
					t.Errorf("GET %s: %s", kept, resp.Status)
				}
			}
		})
	}
}

func TestEncodedLists(t *testing.T) {
	s := start(t, t.TempDir(), "")
	put(t, s, "odd+dir/a b+c(1).jpg", "old")
	put(t, s, "odd+dir/a b+c(1).jpg", "new")
	if _, err := s.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String("odd+dir/a b+c(1).jpg")}); err != nil {
		t.Fatal(err)
	}
	const encoded = "odd%2Bdir/a+b%2Bc%281%29.jpg"
	b, prefix, delimiter, url := aws.String(bucket), aws.String("odd+"), aws.String("/"), types.EncodingTypeUrl
	t.Run("ListObjectsV2_encodes_keys", func(t *testing.T) {
		list, err := s.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: b, Prefix: prefix, EncodingType: url})
		if err != nil || list.EncodingType != url || *list.Prefix != "odd%2B" || len(list.Contents) != 1 || *list.Contents[0].Key != encoded {
			t.Errorf("%+v, %v", list, err)
		}
	})
	t.Run("ListObjects_encodes_common_prefixes", func(t *testing.T) {
		list, err := s.ListObjects(t.Context(), &s3.ListObjectsInput{Bucket: b, Delimiter: delimiter, EncodingType: url})
		if err != nil || list.EncodingType != url || len(list.CommonPrefixes) != 1 || *list.CommonPrefixes[0].Prefix != "odd%2Bdir/" {
			t.Errorf("%+v, %v", list, err)
		}
	})
	t.Run("ListObjectVersions_encodes_keys_once", func(t *testing.T) {
		list, err := s.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: b, EncodingType: url})
		if err != nil || list.EncodingType != url || len(list.Versions) != 2 || *list.Versions[0].Key != encoded || *list.Versions[1].Key != encoded {
			t.Errorf("%+v, %v", list, err)
		}
	})
	t.Run("ListMultipartUploads_encodes_keys", func(t *testing.T) {
		list, err := s.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: b, EncodingType: url})
		if err != nil || list.EncodingType != url || len(list.Uploads) != 1 || *list.Uploads[0].Key != encoded {
			t.Errorf("%+v, %v", list, err)
		}
	})
}

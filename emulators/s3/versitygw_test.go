package main

import (
	"bytes"
	"fmt"
	"io"
	form "mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
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

func TestSlowUpload(t *testing.T) {
	t.Run("unfinished_PUT_delays_no_other_request_to_its_key", func(t *testing.T) {
		startBoth(t, func(t *testing.T, s *server, _ string) {
			key, content := "pictures/slow.jpg", strings.Repeat("x", 32<<20) // more than the buffers of a connection
			old := put(t, s, key, "old").VersionId
			signed, err := s3.NewPresignClient(s.Client).PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key})
			if err != nil {
				t.Fatal(err)
			}
			body, w := io.Pipe()
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, signed.URL, body)
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = int64(len(content))
			var group sync.WaitGroup
			group.Go(func() {
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				if resp.StatusCode != 200 {
					t.Errorf("PUT: %s", resp.Status)
				}
			})
			defer group.Wait()
			defer w.Close()
			if _, err := io.WriteString(w, content[1:]); err != nil {
				t.Fatal(err)
			}
			if resp := s.fetch(t, http.MethodGet, key, ""); text(t, resp) != "old" {
				t.Errorf("GET: %s", resp.Status)
			}
			if versions, _ := s.versions(t, key); !slices.Equal(versions, []string{*old}) {
				t.Errorf("versions %q, want %q", versions, *old)
			}
			s.remove(t, &key, old)
			if _, err := io.WriteString(w, content[:1]); err != nil {
				t.Fatal(err)
			}
			group.Wait()
			if versions, _ := s.versions(t, key); len(versions) != 1 || versions[0] == *old {
				t.Errorf("versions %q, want only the new one", versions)
			}
		})
	})
}

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

func TestFormUpload(t *testing.T) {
	l := startLambda(t)
	s := start(t, t.TempDir(), l.URL)
	upload := func(t *testing.T, key string) *http.Response {
		t.Helper()
		grant, err := s3.NewPresignClient(s.Client).PresignPostObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bucket), Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		var body bytes.Buffer
		w := form.NewWriter(&body)
		for name, value := range grant.Values {
			w.WriteField(name, value)
		}
		file, err := w.CreateFormFile("file", "a.jpg")
		if err != nil {
			t.Fatal(err)
		}
		file.Write([]byte(picture))
		w.Close()
		return do(t, http.MethodPost, grant.URL, map[string]string{"Content-Type": w.FormDataContentType()}, body.String())
	}
	t.Run("form_upload_causes_the_event_ObjectCreated:Post", func(t *testing.T) {
		if resp := upload(t, "pictures/a.jpg"); resp.StatusCode != 204 {
			t.Fatalf("POST: %s %s", resp.Status, text(t, resp))
		}
		if e := l.next(t); e.EventName != "ObjectCreated:Post" || e.S3.Object.URLDecodedKey != "pictures/a.jpg" {
			t.Errorf("event %+v", e)
		}
	})
	t.Run("form_upload_with_an_unusual_key_is_refused_without_an_event", func(t *testing.T) {
		if resp := upload(t, "pictures//a.jpg"); resp.StatusCode != 501 {
			t.Errorf("POST: %s %s", resp.Status, text(t, resp))
		}
		put(t, s, "pictures/next.jpg", picture)
		if e := l.next(t); e.S3.Object.URLDecodedKey != "pictures/next.jpg" {
			t.Errorf("event %+v", e)
		}
	})
}

func TestTrailer(t *testing.T) {
	s := start(t, t.TempDir(), "")
	for _, tt := range []struct{ name, checksum, code string }{
		{"right_checksum_in_a_trailer_is_accepted", checksum(picture), ""},
		{"wrong_checksum_in_a_trailer_is_refused", checksum("other"), "BadDigest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			body := fmt.Sprintf("%x\r\n%s\r\n0\r\nx-amz-checksum-sha256:%s\r\n\r\n", len(picture), picture, tt.checksum)
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url+"/"+bucket+"/pictures/a.jpg", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			const payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
			for name, value := range map[string]string{
				"X-Amz-Content-Sha256": payload, "Content-Encoding": "aws-chunked", "X-Amz-Trailer": "x-amz-checksum-sha256",
				"X-Amz-Decoded-Content-Length": fmt.Sprint(len(picture)),
			} {
				r.Header.Set(name, value)
			}
			owner, err := s.Options().Credentials.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := v4.NewSigner().SignHTTP(t.Context(), owner, r, payload, "s3", region, time.Now()); err != nil {
				t.Fatal(err)
			}
			resp, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if got := errorCode(t, resp); got != tt.code {
				t.Errorf("PUT: %s %s, want %q", resp.Status, got, tt.code)
			}
		})
	}
	t.Run("object_has_the_checksum", func(t *testing.T) {
		head, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("pictures/a.jpg"), ChecksumMode: types.ChecksumModeEnabled})
		if err != nil || aws.ToString(head.ChecksumSHA256) != checksum(picture) {
			t.Errorf("%+v %v", head, err)
		}
	})
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

package main

import (
	"bytes"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/e2e/stacktest"
	"triptych/internal/objects"
)

func TestSite(t *testing.T) {
	s := stacktest.Start(t)
	var invalidations []string
	cloudfront := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		invalidations = append(invalidations, r.Method+" "+r.URL.Path+" "+string(body))
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(cloudfront.Close)
	setAWSEnv(t, map[string]string{
		"AWS_ACCESS_KEY_ID": s.Endpoints.AccessKey, "AWS_SECRET_ACCESS_KEY": s.Endpoints.SecretKey,
		"AWS_ENDPOINT_URL_S3": s.Endpoints.S3, "AWS_ENDPOINT_URL_CLOUDFRONT": cloudfront.URL,
	})
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := objects.Open(cfg)
	const bucket = "triptych-site"
	if _, err := client.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bucket)}); err != nil {
		t.Fatal(err)
	}
	older := fstest.MapFS{"index.html": {Data: []byte("older")}, "old/older.js": {Data: []byte("//")}}
	if err := publish(t.Context(), older, bucket, "E1"); err != nil {
		t.Fatal(err)
	}
	site := os.DirFS("../web/site")
	// A new bucket may be throttled, and this upload is the last step of a deployment.
	if err := s.SetS3Fault(t.Context(), `{"only":"index.html","times":2,"status":503,"code":"SlowDown"}`); err != nil {
		t.Fatal(err)
	}
	if err := publish(t.Context(), site, bucket, "E1"); err != nil {
		t.Fatalf("publishing to a bucket that is throttled for two requests: %v", err)
	}

	t.Run("files_are_minified_and_the_same_as_on_the_local_site", func(t *testing.T) {
		files := 0
		err := fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			files++
			object, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: &name})
			if err != nil {
				return err
			}
			defer object.Body.Close()
			stored, err := io.ReadAll(object.Body)
			if err != nil {
				return err
			}
			response, err := http.Get(s.Endpoints.Site + "/" + strings.TrimSuffix(name, frontPage))
			if err != nil {
				return err
			}
			defer response.Body.Close()
			served, err := io.ReadAll(response.Body)
			if err != nil {
				return err
			}
			source, err := fs.ReadFile(site, name)
			if err != nil {
				return err
			}
			code := slices.Contains([]string{".css", ".js"}, path.Ext(name))
			if !bytes.Equal(stored, served) || code != (len(stored) < len(source)) ||
				aws.ToString(object.ContentType) != response.Header.Get("Content-Type") ||
				aws.ToString(object.CacheControl) != response.Header.Get("Cache-Control") {
				t.Errorf("%s: %d bytes of %s, %s; the local site serves %d bytes of %s, %s", name, len(stored), aws.ToString(object.ContentType),
					aws.ToString(object.CacheControl), len(served), response.Header.Get("Content-Type"), response.Header.Get("Cache-Control"))
			}
			return nil
		})
		if err != nil || files < 10 {
			t.Errorf("%d files: %v", files, err)
		}
	})
	t.Run("files_of_an_older_version_are_deleted", func(t *testing.T) {
		_, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("old/older.js")})
		if err == nil {
			t.Error("the old file still exists")
		}
	})
	t.Run("CloudFront_is_invalidated_after_each_upload", func(t *testing.T) {
		if len(invalidations) != 2 || !strings.HasPrefix(invalidations[1], "POST /2020-05-31/distribution/E1/invalidation ") ||
			!strings.Contains(invalidations[1], "<Items><Path>/*</Path></Items>") {
			t.Errorf("requests to CloudFront: %q", invalidations)
		}
	})
	t.Run("front_page_is_uploaded_last", func(t *testing.T) {
		names, err := listFiles(site)
		if err != nil || slices.Index(names, frontPage) != len(names)-1 {
			t.Errorf("%v, %v", names, err)
		}
	})
	published, err := listFiles(site)
	if err != nil {
		t.Fatal(err)
	}
	for name, broken := range map[string]fstest.MapFS{
		"page_without_index.html_is_not_published":   {"app.js": {Data: []byte("//")}},
		"file_without_a_media_type_is_not_published": {"index.html": {}, "a.unknown-kind": {}},
		"file_with_a_syntax_error_is_not_published":  {"index.html": {}, "app.js": {Data: []byte("let = ;")}},
	} {
		t.Run(name, func(t *testing.T) {
			before := len(invalidations)
			if err := publish(t.Context(), broken, bucket, "E1"); err == nil || len(invalidations) != before {
				t.Errorf("got %v, invalidations %q", err, invalidations)
			}
			if _, err := client.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: &published[0]}); err != nil {
				t.Errorf("the published page is missing: %v", err)
			}
		})
	}
}

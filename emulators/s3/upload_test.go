package main

import (
	"bytes"
	"fmt"
	"io"
	form "mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

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

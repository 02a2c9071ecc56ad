package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"triptych/e2e/privatetest"
)

func code(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

func TestVersions(t *testing.T) {
	startBoth(t, testVersions)
}

func testVersions(t *testing.T, s *server, dir string) {
	key := aws.String("pictures/a.jpg")
	old, latest := put(t, s, *key, "old").VersionId, put(t, s, *key, "new").VersionId
	head := func(version *string) error {
		_, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: key, VersionId: version})
		return err
	}

	t.Run("no_other_user_can_read_the_files", func(t *testing.T) { privatetest.Check(t, dir) })
	t.Run("every_PUT_is_a_version", func(t *testing.T) {
		if got, _ := s.versions(t, *key); !slices.Equal(got, []string{*latest, *old}) {
			t.Errorf("versions %q, want the newer and the older", got)
		}
	})
	t.Run("deleted_key_is_not_found_but_its_versions_are", func(t *testing.T) {
		s.remove(t, key, nil)
		if got := code(head(nil)); got != "NotFound" {
			t.Errorf("HEAD of the key: %q, want NotFound", got)
		}
		if err := head(latest); err != nil {
			t.Errorf("HEAD of the version: %v", err)
		}
	})
	t.Run("deleted_version_is_not_found", func(t *testing.T) {
		s.remove(t, key, old)
		_, err := s.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: key, VersionId: old})
		if got := code(err); got != "NoSuchVersion" {
			t.Errorf("GET: %q, want NoSuchVersion", got)
		}
		if got, _ := s.versions(t, *key); !slices.Equal(got, []string{*latest}) {
			t.Errorf("versions %q, want %q", got, *latest)
		}
	})
	t.Run("deleting_a_version_twice_succeeds", func(t *testing.T) {
		s.remove(t, key, old)
	})
	t.Run("key_whose_versions_are_deleted_accepts_a_conditional_PUT", func(t *testing.T) {
		s.remove(t, key, latest)
		_, markers := s.versions(t, *key)
		for _, m := range markers {
			s.remove(t, key, &m)
		}
		if versions, markers := s.versions(t, *key); len(versions)+len(markers) > 0 {
			t.Fatalf("versions %q and delete markers %q remain", versions, markers)
		}
		s.remove(t, key, latest)
		if _, err := s.PutObject(t.Context(), once(*key)); err != nil {
			t.Error(err)
		}
	})
	t.Run("DeleteObjects_deletes_several_versions", func(t *testing.T) {
		out := put(t, s, "pictures/b.jpg", picture)
		result, err := s.DeleteObjects(t.Context(), &s3.DeleteObjectsInput{Bucket: aws.String(bucket), Delete: &types.Delete{
			Objects: []types.ObjectIdentifier{
				{Key: aws.String("pictures/b.jpg"), VersionId: out.VersionId},
				{Key: aws.String("pictures/b.jpg"), VersionId: old},
				{Key: key},
			},
		}})
		if err != nil || len(result.Deleted) != 3 || len(result.Errors) != 0 {
			t.Fatalf("deleted %v, errors %v, %v", result.Deleted, result.Errors, err)
		}
		if versions, _ := s.versions(t, "pictures/b.jpg"); len(versions) > 0 {
			t.Errorf("versions %q remain", versions)
		}
	})
}

// Without a lock, versitygw 1.8.0 does not delete all versions of an object if deletions are concurrent.
func TestConcurrentDeletes(t *testing.T) {
	t.Run("no_version_remains", func(t *testing.T) {
		s := start(t, t.TempDir(), startLambda(t).URL)
		key := aws.String("pictures/a.jpg")
		for range 4 {
			var created []*string
			for range 5 {
				created = append(created, put(t, s, *key, picture).VersionId)
			}
			var group sync.WaitGroup
			for _, version := range created {
				group.Go(func() {
					if _, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: key, VersionId: version}); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
			if versions, _ := s.versions(t, *key); len(versions) > 0 {
				t.Errorf("versions %q remain", versions)
			}
		}
	})
}

func (s *server) versions(t *testing.T, key string) (versions, markers []string) {
	t.Helper()
	list, err := s.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: aws.String(bucket), Prefix: &key})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range list.Versions {
		versions = append(versions, *v.VersionId)
	}
	for _, m := range list.DeleteMarkers {
		markers = append(markers, *m.VersionId)
	}
	return versions, markers
}

func (s *server) remove(t *testing.T, key, version *string) {
	t.Helper()
	if _, err := s.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: key, VersionId: version}); err != nil {
		t.Fatal(err)
	}
}

func TestBucket(t *testing.T) {
	dir, l := t.TempDir(), startLambda(t)
	first := start(t, dir, l.URL)
	put(t, first, "pictures/a.jpg", picture)
	if state := first.terminate(t); !state.Success() {
		t.Fatalf("the server ended with %s:\n%s", state, first.log)
	}
	s := start(t, dir, l.URL)

	t.Run("object_survives_a_restart", func(t *testing.T) {
		if _, err := s.HeadObject(t.Context(), &s3.HeadObjectInput{Bucket: aws.String(bucket), Key: aws.String("pictures/a.jpg")}); err != nil {
			t.Error(err)
		}
	})
	t.Run("healthz_is_200_when_ready", func(t *testing.T) {
		if resp := do(t, "GET", s.url+"/healthz", nil, ""); resp.StatusCode != 200 {
			t.Errorf("GET /healthz: %s", resp.Status)
		}
	})
	t.Run("stderr_contains_only_log_lines", func(t *testing.T) {
		for line := range strings.Lines(first.log.String()) {
			if !strings.HasPrefix(line, "time=") {
				t.Errorf("stderr has %q", line)
			}
		}
	})
	t.Run("secrets_are_not_logged", func(t *testing.T) {
		if strings.Contains(first.log.String(), "local-secret") {
			t.Errorf("log:\n%s", first.log)
		}
	})
}

func TestCommandLine(t *testing.T) {
	child := func(args ...string) (string, error) {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), "S3_TEST_CHILD=1", "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=c")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	t.Run("help_names_every_flag", func(t *testing.T) {
		out, err := child("-h")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"-dir", "-addr", "-bucket", "-origin", "-notify", "-prefix", "-control", "AWS_REGION"} {
			if !strings.Contains(out, f) {
				t.Errorf("help lacks %s", f)
			}
		}
	})
	t.Run("notify_that_is_not_a_URL_is_refused", func(t *testing.T) {
		out, err := child("-dir", t.TempDir(), "-notify", "nowhere")
		if err == nil || !strings.Contains(out, "is not a URL") {
			t.Errorf("%v, %s", err, out)
		}
	})
	t.Run("relative_dir_contains_objects_and_outbox", func(t *testing.T) { // the outbox was in data/objects/data
		t.Chdir(t.TempDir())
		start(t, "data", "")
		for _, dir := range []string{"data/objects", "data/outbox"} {
			if _, err := os.Stat(dir); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("without_notify_objects_are_stored_and_no_event_is_queued", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "data")
		s := start(t, dir, "")
		put(t, s, "pictures/a.jpg", picture)
		if left, err := os.ReadDir(filepath.Join(dir, "outbox")); err != nil || len(left) > 0 {
			t.Errorf("outbox %v, %v", left, err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode() != 0o700|os.ModeDir {
			t.Errorf("data directory %v %v, want mode 0700", info, err)
		}
	})
}

func TestConcurrentConditionalPUTs(t *testing.T) {
	l := startLambda(t)
	s := start(t, t.TempDir(), l.URL)
	t.Run("only_one_of_20_stores_the_object", func(t *testing.T) {
		for round := range 20 {
			key := "pictures/" + string(rune('a'+round)) + ".jpg"
			codes := make(chan string, 20)
			for range cap(codes) {
				go func() {
					_, err := s.PutObject(t.Context(), once(key))
					codes <- code(err)
				}()
			}
			stored := 0
			for range cap(codes) {
				switch c := <-codes; c {
				case "":
					stored++
				case "PreconditionFailed", "ConditionalRequestConflict":
				default:
					t.Errorf("code %s", c)
				}
			}
			if stored != 1 {
				t.Errorf("%s was stored %d times", key, stored)
			}
		}
	})
}

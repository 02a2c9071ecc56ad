package fault

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/grpc/codes"

	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// objects are faults of S3, and what may become of an object meanwhile.
var objects = []fault{
	{name: "an_object_deleted_meanwhile_ends_in_a_Record_that_says_so", run: func(t *testing.T, p *wholeStack) {
		s := down(t, p)
		key, version := s.key(t), s.version(t)
		if _, err := s.bucket.DeleteObject(patient(t), &s3.DeleteObjectInput{Bucket: &s.Endpoints.Bucket, Key: &key, VersionId: &version}); err != nil {
			t.Fatal(err)
		}
		s.google(annotator.Fault{})
		s.ends(t, ending{status: picture.Rejected, kind: picture.Gone, shown: 2})
	}},
	{name: "an_object_overwritten_meanwhile_is_annotated_as_it_was_uploaded", run: func(t *testing.T, p *wholeStack) {
		s := down(t, p)
		version := s.version(t)
		s.overwrite(t, []byte("<html>not a picture any more</html>"))
		if s.version(t) == version {
			t.Fatal("the object has no new version")
		}
		s.google(annotator.Fault{})
		if kept := s.ends(t, annotated); kept.VersionID != version || kept.Size != int64(len(s.photo)) {
			t.Errorf("the Record is of version %s, want %s", kept.VersionID, version)
		}
	}},
	{name: "an_object_hidden_by_a_delete_marker_is_annotated_as_it_was_uploaded", run: func(t *testing.T, p *wholeStack) {
		s := down(t, p)
		key, version := s.key(t), s.version(t)
		if _, err := s.bucket.DeleteObject(patient(t), &s3.DeleteObjectInput{Bucket: &s.Endpoints.Bucket, Key: &key}); err != nil {
			t.Fatal(err)
		}
		s.google(annotator.Fault{})
		if kept := s.ends(t, annotated); kept.VersionID != version {
			t.Errorf("the Record is of version %s, want %s", kept.VersionID, version)
		}
	}},
	{name: "a_URL_that_S3_calls_expired_has_the_bytes_sent", run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.aws(t, `,"status":403,"code":"AccessDenied","operations":["GetObject"],"times":1`)
		s.bytes(atOnce)
		s.upload(t)
		s.ends(t, ending{status: picture.Annotated, bills: 1, shown: 2})
	}},
	s3Waits("a_503_of_S3_is_waited_for", `,"status":503,"code":"ServiceUnavailable"`, picture.Unavailable, "S3 is unavailable"),
	s3Waits("a_SlowDown_of_S3_is_waited_for", `,"status":503,"code":"SlowDown"`, picture.Throttled, "slow down"),
	s3Waits("a_403_of_S3_is_waited_for", `,"status":403,"code":"AccessDenied"`, picture.Forbidden, "s3:GetObject"),
}

// s3Waits is a case of an S3 that shows the object neither to Google nor to the worker.
func s3Waits(name, answer string, kind picture.Kind, says string) fault {
	return fault{name: name, run: func(t *testing.T, p *wholeStack) {
		s := p.ask(t, portrait(t))
		s.aws(t, answer+`,"operations":["GetObject"]`)
		s.bytes(atOnce)
		s.upload(t)
		s.waits(t, waiting{picture.AnnotateStep, kind, says})
		s.aws(t, "")
		s.ends(t, ending{status: picture.Annotated, bills: 1, shown: 2})
	}}
}

// down uploads a picture while Google is away, and returns once it waits for that.
func down(t *testing.T, p *wholeStack) *shot {
	t.Helper()
	s := p.ask(t, portrait(t))
	s.google(annotator.Fault{Code: codes.Unavailable})
	s.upload(t)
	s.waits(t, waiting{picture.AnnotateStep, picture.Unavailable, "unavailable"})
	return s
}

// version is the object's latest.
func (s *shot) version(t *testing.T) string {
	t.Helper()
	key := s.key(t)
	head, err := s.bucket.HeadObject(patient(t), &s3.HeadObjectInput{Bucket: &s.Endpoints.Bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return *head.VersionId
}

package fault

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

var s3Objects = []faultCase{
	{name: "object_deleted_before_annotation_is_rejected_as_gone", run: func(t *testing.T, s *suite) {
		p := uploadWhileVisionIsDown(t, s)
		object := p.LatestVersion(t, p.ID)
		if _, err := s.Bucket.DeleteObject(testenv.Context(t), &s3.DeleteObjectInput{Bucket: &object.Bucket, Key: &object.Key, VersionId: &object.VersionID}); err != nil {
			t.Fatal(err)
		}
		p.setVisionFault(annotator.Fault{})
		p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.Gone, wantAnnotateCalls: 2})
	}},
	{name: "object_overwritten_before_annotation_is_annotated_in_its_uploaded_version", run: func(t *testing.T, s *suite) {
		p := uploadWhileVisionIsDown(t, s)
		version := p.LatestVersion(t, p.ID).VersionID
		if second := p.PutObject(t, testenv.Key(t, p.ID), []byte("<html>not a picture any more</html>")); second.VersionID == version {
			t.Fatal("the object has no new version")
		}
		p.setVisionFault(annotator.Fault{})
		if record := p.awaitOutcome(t, annotated); record.VersionID != version || record.Size != int64(len(p.photo)) {
			t.Errorf("the Record has object version %s of %d bytes, want %s of %d", record.VersionID, record.Size, version, len(p.photo))
		}
	}},
	{name: "object_hidden_by_a_delete_marker_is_annotated_in_its_uploaded_version", run: func(t *testing.T, s *suite) {
		p := uploadWhileVisionIsDown(t, s)
		object := p.LatestVersion(t, p.ID)
		if _, err := s.Bucket.DeleteObject(testenv.Context(t), &s3.DeleteObjectInput{Bucket: &object.Bucket, Key: &object.Key}); err != nil {
			t.Fatal(err)
		}
		p.setVisionFault(annotator.Fault{})
		if record := p.awaitOutcome(t, annotated); record.VersionID != object.VersionID {
			t.Errorf("the Record has object version %s, want %s", record.VersionID, object.VersionID)
		}
	}},
	{name: "URL_that_S3_rejects_as_expired_is_replaced_by_the_bytes", run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setS3Fault(t, `,"status":403,"code":"AccessDenied","operations":["GetObject"],"times":1`)
		p.setVisionBytesFault(stubbed)
		p.upload(t)
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 1, wantAnnotateCalls: 2})
	}},
	withS3Error("S3_status_503_is_retried", `,"status":503,"code":"ServiceUnavailable"`, picture.Unavailable, "S3 is unavailable"),
	withS3Error("S3_SlowDown_is_retried", `,"status":503,"code":"SlowDown"`, picture.Throttled, "slow down"),
	withS3Error("S3_status_403_is_retried", `,"status":403,"code":"AccessDenied"`, picture.Forbidden, "s3:GetObject"),
}

func withS3Error(name, response string, kind picture.Kind, message string) faultCase {
	return faultCase{name: name, run: func(t *testing.T, s *suite) {
		p := s.newPicture(t, testenv.Portrait(t))
		p.setS3Fault(t, response+`,"operations":["GetObject"]`)
		p.setVisionBytesFault(stubbed)
		p.upload(t)
		p.awaitRetry(t, stepFailure{picture.AnnotateStep, kind, message})
		p.setS3Fault(t, "")
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 1, wantAnnotateCalls: 2})
	}}
}

package fault

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"triptych/e2e/testenv"
	"triptych/picture"
)

// These tests do not run in parallel: a sweep looks for missing Records of all pictures, also those of other tests.
var lostEvents = []faultCase{
	{name: "picture_with_a_lost_S3_event_is_started_by_the_sweep", run: func(t *testing.T, s *suite) {
		p := s.uploadWithoutEvent(t)
		sweep := s.Temporal.ScheduleClient().GetHandle(testenv.Context(t), "sweep")
		if err := sweep.Trigger(testenv.Context(t), client.ScheduleTriggerOptions{Overlap: enumspb.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE}); err != nil {
			t.Fatal(err)
		}
		p.awaitOutcome(t, annotated)
	}},
}

var repeatedEvents = []faultCase{
	{name: "same_S3_event_delivered_100_times_concurrently_starts_one_workflow", run: func(t *testing.T, s *suite) {
		p := s.uploadWithoutEvent(t)
		event := testenv.S3Event(t, p.LatestVersion(t, p.ID))
		var deliveries sync.WaitGroup
		for range 100 {
			deliveries.Go(func() { p.InvokeTrigger(t, event) })
		}
		deliveries.Wait()
		p.awaitOutcome(t, annotated)
	}},
	{name: "S3_event_delivered_after_the_Record_was_written_starts_no_workflow", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.upload(t)
		first := p.awaitOutcome(t, annotated)
		p.InvokeTrigger(t, testenv.S3Event(t, p.LatestVersion(t, p.ID)))
		if second := p.awaitOutcome(t, annotated); second.RunID != first.RunID {
			t.Error("a second workflow run wrote the Record")
		}
	}},
	{name: "S3_events_delivered_out_of_order_start_one_workflow_for_the_first_delivered", run: func(t *testing.T, s *suite) {
		p := s.uploadWithoutEvent(t)
		first := testenv.S3Event(t, p.LatestVersion(t, p.ID))
		p.photo = append(p.photo, "second"...)
		second := p.PutObject(t, testenv.Key(t, p.ID), p.photo)
		removed := bytes.Replace(first, []byte("ObjectCreated:Put"), []byte("ObjectRemoved:DeleteMarkerCreated"), 1)
		p.InvokeTrigger(t, removed)
		p.InvokeTrigger(t, testenv.S3Event(t, second))
		p.InvokeTrigger(t, first)
		if record := p.awaitOutcome(t, annotated); record.VersionID != second.VersionID {
			t.Errorf("the Record has object version %s, want %s", record.VersionID, second.VersionID)
		}
	}},
	{name: "malformed_record_among_50_in_an_S3_event_does_not_stop_the_other_49", run: func(t *testing.T, s *suite) {
		var others []*testPicture
		var uploads []picture.Picture
		var malformed []byte
		for i := range 50 {
			p := s.newPicture(t, []byte("never uploaded"))
			uploads = append(uploads, picture.Picture{
				Bucket: s.Endpoints.Bucket, Key: testenv.Key(t, p.ID), ETag: "0123456789abcdef0123456789abcdef", Size: 1, UploadedAt: time.Now(),
			})
			if i == 16 {
				malformed = []byte(p.ID)
				continue
			}
			others = append(others, p)
		}
		event := bytes.Replace(testenv.S3Event(t, uploads...), malformed, []byte("%zz"), 1) // not a valid URL escape
		s.InvokeTrigger(t, event)                                                           // succeeds: a function error would make Lambda deliver the event again
		for _, p := range others {
			p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.Gone, wantAnnotateCalls: 1})
		}
		if !strings.Contains(s.readLog(t, "trigger"), "skipping an unreadable record") {
			t.Error("the trigger's log does not mention the malformed record")
		}
	}},
}

func (s *suite) uploadWithoutEvent(t *testing.T) *testPicture {
	t.Helper()
	p := s.newStubbedPicture(t)
	p.setS3Fault(t, `,"events":"drop"`)
	p.upload(t)
	return p
}

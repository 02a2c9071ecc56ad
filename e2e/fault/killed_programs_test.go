package fault

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"

	"triptych/e2e/stacktest"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// The stack restarts a killed program immediately.
var killedPrograms = []faultCase{
	{name: "worker_killed_during_the_first_workflow_task_keeps_one_record", slow: true, run: func(t *testing.T, s *suite) {
		s.signal(t, "worker", syscall.SIGSTOP) // the stopped process still has an open poll, which receives the task
		p := s.newStubbedPicture(t)
		p.upload(t)
		p.awaitEvent(t, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED)
		s.signal(t, "worker", syscall.SIGKILL)
		p.awaitOutcome(t, annotated)
	}},
	{name: "worker_killed_after_presign_and_before_the_Vision_call_keeps_one_record", run: func(t *testing.T, s *suite) {
		p, blocker := s.newStubbedPicture(t), newBlocker(t)
		p.setCosmosFault(cosmosdb.Fault{Method: http.MethodGet, OnMatch: blocker.block}) // annotate first reads the Record
		p.upload(t)
		p.awaitEvent(t, enumspb.EVENT_TYPE_MARKER_RECORDED)
		blocker.awaitRequest(t)
		s.signal(t, "worker", syscall.SIGKILL)
		p.setCosmosFault(cosmosdb.Fault{Method: http.MethodGet})
		blocker.release()
		p.awaitOutcome(t, annotated)
		p.checkFirstAttemptTimedOut(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
	}},
	{name: "worker_killed_during_the_Vision_call_keeps_one_record", run: func(t *testing.T, s *suite) {
		p, first := blockFirstVisionCall(t, s)
		second := newBlocker(t)
		p.setVisionFault(annotator.Fault{OnMatch: second.block, Response: emptyAnnotation, Times: 1})
		s.signal(t, "worker", syscall.SIGKILL)
		second.awaitRequest(t)
		p.awaitTimeout(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
		first.release()
		second.release()
		p.awaitOutcome(t, annotated)
		p.checkFirstAttemptTimedOut(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
	}},
	{name: "worker_killed_before_it_receives_the_Vision_response_is_billed_twice_and_keeps_one_record", run: func(t *testing.T, s *suite) {
		p, blocker := blockFirstVisionCall(t, s)
		restore := s.addToxic(t, "vision", dropResponses)
		blocker.release()
		p.awaitBill(t)
		s.signal(t, "worker", syscall.SIGKILL)
		restore()
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 2, wantAnnotateCalls: 1}) // the first response is lost
		p.checkFirstAttemptTimedOut(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
	}},
	{name: "worker_killed_before_the_Cosmos_write_keeps_one_record", slow: true, run: func(t *testing.T, s *suite) {
		p, blocker := s.newStubbedPicture(t), newBlocker(t)
		p.setCosmosFault(cosmosdb.Fault{Method: http.MethodPost, Status: 503, OnMatch: blocker.block, Times: 1})
		p.upload(t)
		blocker.awaitRequest(t)
		s.signal(t, "worker", syscall.SIGKILL)
		blocker.release()
		p.awaitOutcome(t, annotated)
		p.checkWorkflowTaskTimedOut(t)
	}},
	{name: "worker_killed_during_the_Cosmos_write_keeps_one_record", slow: true, run: func(t *testing.T, s *suite) {
		p, blocker := blockCosmosCreate(t, s)
		s.signal(t, "worker", syscall.SIGKILL)
		first := p.awaitOutcome(t, annotated) // the next attempt writes the Record
		blocker.release()                     // only now does Cosmos DB execute the killed worker's write
		checkNotRewritten(t, first, p.awaitOutcome(t, annotated))
	}},
	{name: "worker_killed_after_Cosmos_write_and_before_its_response_keeps_one_record", run: func(t *testing.T, s *suite) {
		var first picture.Record
		p := duringCosmosCreate(t, s, func(p *testPicture, b *blocker) {
			restore := s.addToxic(t, "cosmos", dropResponses)
			b.release()
			first = p.awaitRecord(t)
			s.signal(t, "worker", syscall.SIGKILL)
			restore()
		})
		last := p.awaitOutcome(t, annotated)
		p.checkWorkflowTaskTimedOut(t)
		checkNotRewritten(t, first, last)
	}},
	{name: "worker_killed_after_Cosmos_write_and_before_it_reports_to_Temporal_keeps_one_record", slow: true, run: func(t *testing.T, s *suite) {
		p, blocker := blockCosmosCreate(t, s)
		restore := s.addToxic(t, "temporal", dropRequests)
		blocker.release()
		p.awaitRecord(t)
		s.signal(t, "worker", syscall.SIGKILL)
		restore()
		p.awaitOutcome(t, annotated)
		p.checkWorkflowTaskTimedOut(t)
	}},
	{name: "worker_killed_between_tombstone_and_object_deletion_completes_the_erasure", slow: true, run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		p.upload(t)
		p.awaitOutcome(t, annotated)
		blocker := newBlocker(t)
		p.setCosmosFault(cosmosdb.Fault{Method: http.MethodPut, AfterApply: true, OnMatch: blocker.block, Times: 1})
		p.requestErasure(t)
		blocker.awaitRequest(t)
		s.signal(t, "worker", syscall.SIGKILL)
		blocker.release()
		p.awaitErasure(t, picture.DeleteHistoryActivity)
		p.checkStaysErased(t, 1)
	}},
	{name: "SIGTERM_during_the_Vision_call_completes_the_call", run: func(t *testing.T, s *suite) {
		p, blocker := blockFirstVisionCall(t, s)
		s.releaseDuringShutdown(t, blocker)
		p.awaitOutcome(t, annotated)
		p.checkFirstAttempt(t, picture.AnnotateStep)
	}},
	{name: "SIGTERM_while_the_Vision_call_hangs_fails_the_attempt_without_a_timeout", run: func(t *testing.T, s *suite) {
		p, _ := blockFirstVisionCall(t, s)
		s.signal(t, "worker", syscall.SIGTERM)
		p.awaitOutcome(t, annotated)
		p.checkRetriedOnceAfter(t, stepFailure{picture.AnnotateStep, picture.Unavailable, "worker is shutting down"})
	}},
	{name: "SIGTERM_during_the_Cosmos_write_completes_the_write", run: func(t *testing.T, s *suite) {
		p := duringCosmosCreate(t, s, func(_ *testPicture, b *blocker) { s.releaseDuringShutdown(t, b) })
		p.awaitOutcome(t, annotated)
		p.checkFirstAttempt(t, picture.PersistStep)
	}},
	{name: "SIGTERM_while_annotate_waits_for_its_next_attempt_keeps_one_record", run: func(t *testing.T, s *suite) {
		p := uploadWhileVisionIsDown(t, s)
		s.signal(t, "worker", syscall.SIGTERM)
		p.setVisionFault(stubbed)
		p.awaitOutcome(t, annotated)
	}},
	{name: "Temporal_killed_during_the_Vision_call_keeps_one_record", run: func(t *testing.T, s *suite) {
		p, blocker := blockFirstVisionCall(t, s)
		s.signal(t, "temporal", syscall.SIGKILL)
		blocker.release()
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 1, mayBillTwice: true, wantAnnotateCalls: 1})
	}},
	{name: "Temporal_killed_during_the_Cosmos_write_keeps_one_record", run: func(t *testing.T, s *suite) {
		p, blocker := blockCosmosCreate(t, s)
		s.signal(t, "temporal", syscall.SIGKILL)
		blocker.release()
		p.awaitOutcome(t, annotated)
	}},
	{name: "Temporal_killed_while_annotate_waits_for_its_next_attempt_keeps_one_record", run: func(t *testing.T, s *suite) {
		p := uploadWhileVisionIsDown(t, s)
		s.signal(t, "temporal", syscall.SIGKILL)
		p.setVisionFault(stubbed)
		p.awaitOutcome(t, annotated)
	}},
	{name: "web_killed_while_a_client_follows_a_picture_resumes_the_progress", run: func(t *testing.T, s *suite) {
		p := uploadWhileVisionIsDown(t, s)
		s.signal(t, "web", syscall.SIGKILL)
		p.awaitRetry(t, stepFailure{picture.AnnotateStep, picture.Unavailable, "unavailable"})
		p.setVisionFault(stubbed)
		p.awaitOutcome(t, annotated)
	}},
	{name: "S3_killed_while_annotate_waits_for_its_next_attempt_keeps_one_record", run: func(t *testing.T, s *suite) {
		p := uploadWhileVisionIsDown(t, s)
		s.signal(t, "s3", syscall.SIGKILL)
		p.setVisionFault(annotator.Fault{})
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 1})
	}},
}

func (s *suite) signal(t *testing.T, program string, signal syscall.Signal) {
	t.Helper()
	if err := s.Signal(program, signal); err != nil {
		t.Fatal(err)
	}
}

func (s *suite) releaseDuringShutdown(t *testing.T, b *blocker) {
	t.Helper()
	const stopping = "shutting down"
	before := strings.Count(s.readLog(t, "worker"), stopping)
	s.signal(t, "worker", syscall.SIGTERM)
	if !stacktest.Eventually(t, func(context.Context) bool { return strings.Count(s.readLog(t, "worker"), stopping) > before }) {
		t.Fatal("the worker did not log that it stops")
	}
	b.release()
}

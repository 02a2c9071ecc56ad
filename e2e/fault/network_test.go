package fault

import (
	"context"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// Network faults in the JSON format of Toxiproxy: https://github.com/Shopify/toxiproxy#toxics
const (
	resetConnection  = `{"type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`
	dropRequests     = `{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`
	dropResponses    = `{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}` // the request is still executed
	oneSecondLatency = `{"type":"latency","attributes":{"latency":1000}}`
	closeAfter10kB   = `{"type":"limit_data","attributes":{"bytes":10000}}`
)

var networkFaults = []faultCase{
	withToxic("reset_connection_to_Vision_is_retried", "vision", resetConnection, 1,
		stepFailure{picture.AnnotateStep, picture.Unavailable, "unreachable"}),
	withToxic("reset_connection_to_Cosmos_DB_is_retried", "cosmos", resetConnection, 1,
		stepFailure{picture.PersistStep, picture.Unavailable, "could not be reached"}),
	withToxic("download_from_S3_that_ends_early_is_retried", "s3", closeAfter10kB, 2,
		stepFailure{picture.AnnotateStep, picture.Unavailable, "S3 could not be reached"}),
	whileDisconnected("picture_waits_while_Vision_is_disconnected", "vision", 1,
		stepFailure{picture.AnnotateStep, picture.Unavailable, "unreachable"}),
	whileDisconnected("picture_waits_while_Cosmos_DB_is_disconnected", "cosmos", 1,
		stepFailure{picture.PersistStep, picture.Unavailable, "could not be reached"}),
	whileDisconnected("picture_waits_while_S3_is_disconnected", "s3", 2,
		stepFailure{picture.AnnotateStep, picture.Unavailable, "S3 could not be reached"}),
	withLatency("slow_network_to_Vision_causes_no_second_annotate_call", "vision"),
	withLatency("slow_network_to_Cosmos_DB_causes_no_second_annotate_call", "cosmos"),
	withLatency("slow_network_to_S3_causes_no_second_annotate_call", "s3"),
	withLatency("slow_network_to_Temporal_causes_no_second_annotate_call", "temporal"),
	{name: "slow_Vision_and_slow_network_to_Temporal_cause_no_second_annotate_call", run: func(t *testing.T, s *suite) {
		p, blocker := s.newPicture(t, testenv.Portrait(t)), newBlocker(t)
		p.setVisionFault(annotator.Fault{OnMatch: blocker.block, Delay: 4 * time.Second, Response: emptyAnnotation})
		p.upload(t)
		blocker.awaitRequest(t)
		s.addToxic(t, "temporal", oneSecondLatency)
		blocker.release()
		p.awaitOutcome(t, annotated)
		p.checkFirstAttempt(t, picture.AnnotateStep)
	}},
	{name: "worker_sends_heartbeats_while_Vision_hangs_and_retries_after_the_disconnect", run: func(t *testing.T, s *suite) {
		p := s.newStubbedPicture(t)
		disconnect := s.addToxic(t, "vision", dropRequests) // removing this toxic closes the connection
		p.upload(t)
		p.awaitStep(t, picture.AnnotateStep, func(step picture.Step) bool { return step.Status == picture.StepRunning })
		outlivesHeartbeatTimeout := func(context.Context) bool {
			pending := p.describeWorkflow(t).PendingActivities
			if len(pending) != 1 || pending[0].Attempt != 1 || pending[0].State != enumspb.PENDING_ACTIVITY_STATE_STARTED {
				t.Fatalf("pending activities %v, want the first attempt of annotate", pending)
			}
			return pending[0].LastHeartbeatTime.AsTime().Sub(pending[0].LastStartedTime.AsTime()) >= 4*time.Second
		}
		if !stacktest.Eventually(t, outlivesHeartbeatTimeout) {
			t.Fatal("Temporal received no heartbeat 4 s after the start of annotate")
		}
		disconnect()
		p.awaitOutcome(t, annotated)
		p.checkRetriedOnceAfter(t, stepFailure{picture.AnnotateStep, picture.Unavailable, "unreachable"})
	}},
	{name: "Vision_response_lost_in_the_network_is_billed_twice", run: func(t *testing.T, s *suite) {
		p, blocker := blockFirstVisionCall(t, s)
		disconnect := s.addToxic(t, "vision", dropResponses)
		blocker.release()
		p.awaitBill(t)
		disconnect()
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 2, wantAnnotateCalls: 1})
		p.checkRetriedOnceAfter(t, stepFailure{picture.AnnotateStep, picture.Unavailable, "unreachable"})
	}},
	{name: "Cosmos_DB_response_that_never_arrives_keeps_one_record", slow: true, run: func(t *testing.T, s *suite) {
		p, blocker := blockCosmosCreate(t, s)
		restore := s.addToxic(t, "cosmos", dropResponses)
		blocker.release()
		first := p.awaitRecord(t)
		p.awaitTimeout(t, picture.PersistStep, enumspb.TIMEOUT_TYPE_START_TO_CLOSE)
		restore()
		checkNotRewritten(t, first, p.awaitOutcome(t, annotated))
	}},
	{name: "Cosmos_DB_response_lost_with_its_connection_keeps_one_record", run: func(t *testing.T, s *suite) {
		var first picture.Record
		p := duringCosmosCreate(t, s, func(p *testPicture, b *blocker) {
			disconnect := s.addToxic(t, "cosmos", dropResponses)
			b.release()
			first = p.awaitRecord(t)
			disconnect()
		})
		last := p.awaitOutcome(t, annotated)
		p.checkSucceededAfterLocalFailure(t, stepFailure{picture.PersistStep, picture.Unavailable, "could not be reached"})
		checkNotRewritten(t, first, last)
	}},
	{name: "worker_disconnected_from_Temporal_during_a_Vision_call_keeps_one_record", run: func(t *testing.T, s *suite) {
		p, blocker := blockFirstVisionCall(t, s)
		reconnect := s.disconnect(t, "temporal")
		p.awaitTimeout(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
		reconnect()
		blocker.release()
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 1, mayBillTwice: true, wantAnnotateCalls: 1})
	}},
	{name: "worker_disconnected_from_Temporal_during_the_Cosmos_write_keeps_one_record", run: func(t *testing.T, s *suite) {
		p, blocker := blockCosmosCreate(t, s)
		reconnect := s.disconnect(t, "temporal")
		blocker.release()
		p.awaitRecord(t)
		reconnect()
		p.awaitOutcome(t, annotated)
	}},
}

func withToxic(name, emulator, toxic string, wantAnnotateCalls int, want stepFailure) faultCase {
	return faultCase{name: name, run: func(t *testing.T, s *suite) {
		p := s.newPictureForFaultIn(t, emulator)
		remove := s.addToxic(t, emulator, toxic)
		p.upload(t)
		p.awaitRetry(t, want)
		remove()
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 1, wantAnnotateCalls: wantAnnotateCalls})
	}}
}

func whileDisconnected(name, emulator string, wantAnnotateCalls int, want stepFailure) faultCase {
	return faultCase{name: name, run: func(t *testing.T, s *suite) {
		p := s.newPictureForFaultIn(t, emulator)
		reconnect := s.disconnect(t, emulator)
		p.upload(t)
		p.awaitRetry(t, want)
		reconnect()
		p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 1, wantAnnotateCalls: wantAnnotateCalls})
	}}
}

func withLatency(name, emulator string) faultCase {
	return faultCase{name: name, run: func(t *testing.T, s *suite) {
		p := s.newPictureForFaultIn(t, emulator)
		s.addToxic(t, emulator, oneSecondLatency)
		p.upload(t)
		p.awaitOutcome(t, annotated)
		p.checkFirstAttempt(t, picture.AnnotateStep)
		p.checkFirstAttempt(t, picture.PersistStep)
	}}
}

func (s *suite) newPictureForFaultIn(t *testing.T, emulator string) *testPicture {
	t.Helper()
	if emulator != "s3" {
		return s.newStubbedPicture(t)
	}
	p := s.newPicture(t, testenv.Portrait(t))
	p.setVisionBytesFault(stubbed) // calls with the URL still download the picture from S3
	return p
}

func checkNotRewritten(t *testing.T, first, last picture.Record) {
	t.Helper()
	if !last.Steps[2].StartedAt.Equal(first.Steps[2].StartedAt) {
		t.Error("a second write replaced the Record")
	}
}

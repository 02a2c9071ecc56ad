package fault

import (
	"context"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/local/stacktest"
	"triptych/picture"
)

// kills end programs at the worst moments.
var kills = []fault{
	{name: "worker_killed_with_the_first_task_in_its_hands_saves_one_record", slow: true, run: func(t *testing.T, p *wholeStack) {
		p.signal(t, "worker", syscall.SIGSTOP) // takes the task, and does nothing
		s := p.easy(t)
		s.upload(t)
		s.happens(t, enumspb.EVENT_TYPE_WORKFLOW_TASK_STARTED)
		p.signal(t, "worker", syscall.SIGKILL)
		s.ends(t, annotated)
	}},
	{name: "worker_killed_after_presign_and_before_Google_is_asked_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		held := meet(t)
		s.azure(cosmosdb.Fault{Method: http.MethodGet, OnMatch: held.meet}) // the look for a tombstone, which comes first
		s.upload(t)
		s.happens(t, enumspb.EVENT_TYPE_MARKER_RECORDED)
		held.wait(t)
		p.signal(t, "worker", syscall.SIGKILL)
		s.azure(cosmosdb.Fault{Method: http.MethodGet})
		held.release()
		s.ends(t, annotated)
		s.lost(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
	}},
	{name: "worker_killed_while_Google_looks_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtGoogle(t, p)
		again := meet(t)
		s.google(annotator.Fault{OnMatch: again.meet, Response: nothing, Times: 1})
		p.signal(t, "worker", syscall.SIGKILL)
		again.wait(t)
		s.givenUp(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
		held.release()
		again.release()
		s.ends(t, annotated)
		s.lost(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
	}},
	{name: "worker_killed_after_Google_answered_and_before_it_knows_pays_again_and_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtGoogle(t, p)
		mend := p.poison(t, "vision", swallow)
		held.release()
		s.billed(t)
		p.signal(t, "worker", syscall.SIGKILL)
		mend()
		s.ends(t, ending{status: picture.Annotated, bills: 2, shown: 1}) // what it paid for the first time died with it
		s.lost(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
	}},
	{name: "worker_killed_before_the_Cosmos_write_saves_one_record", slow: true, run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		held := meet(t)
		s.azure(cosmosdb.Fault{Method: http.MethodPost, Status: 503, OnMatch: held.meet, Times: 1}) // and it is never applied
		s.upload(t)
		held.wait(t)
		p.signal(t, "worker", syscall.SIGKILL)
		held.release()
		s.ends(t, annotated)
		s.taskLost(t)
	}},
	{name: "worker_killed_while_its_Cosmos_write_is_under_way_saves_one_record", slow: true, run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtAzure(t, p)
		p.signal(t, "worker", syscall.SIGKILL)
		first := s.ends(t, annotated) // of the next attempt, before the dead worker's write arrives
		held.release()
		if kept := s.ends(t, annotated); !kept.Steps[2].StartedAt.Equal(first.Steps[2].StartedAt) {
			t.Error("the late write replaced the Record")
		}
	}},
	{name: "worker_killed_after_the_Cosmos_write_and_before_its_acknowledgement_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		var first picture.Record
		s := inItsWrite(t, p, func(s *shot, held *held) {
			mend := p.poison(t, "cosmos", swallow)
			held.release()
			first = s.kept(t)
			p.signal(t, "worker", syscall.SIGKILL)
			mend()
		})
		kept := s.ends(t, annotated)
		s.taskLost(t)
		if !kept.Steps[2].StartedAt.Equal(first.Steps[2].StartedAt) {
			t.Error("the Record was written again")
		}
	}},
	{name: "worker_killed_after_the_acknowledgement_and_before_Temporal_knows_saves_one_record", slow: true, run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtAzure(t, p)
		mend := p.poison(t, "temporal", hang)
		held.release()
		s.kept(t)
		p.signal(t, "worker", syscall.SIGKILL)
		mend()
		s.ends(t, annotated)
		s.taskLost(t)
	}},
	{name: "worker_killed_between_tombstone_and_deletion_still_erases", slow: true, run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		s.upload(t)
		s.ends(t, annotated)
		held := meet(t)
		s.azure(cosmosdb.Fault{Method: http.MethodPut, AfterApply: true, OnMatch: held.meet, Times: 1})
		s.erase(t)
		held.wait(t)
		p.signal(t, "worker", syscall.SIGKILL)
		held.release()
		s.done(t, picture.DeleteObjectActivity)
		s.stays(t, 1)
	}},
	{name: "SIGTERM_while_Google_looks_finishes_what_is_paid_for", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtGoogle(t, p)
		s.ending(t, held)
		s.ends(t, annotated)
		s.first(t, picture.AnnotateStep)
	}},
	{name: "SIGTERM_while_Google_hangs_hands_over_at_once", run: func(t *testing.T, p *wholeStack) {
		s, _ := heldAtGoogle(t, p)
		p.signal(t, "worker", syscall.SIGTERM)
		s.ends(t, annotated)
		s.retried(t, waiting{picture.AnnotateStep, picture.Unavailable, "told to stop"})
	}},
	{name: "SIGTERM_in_the_Cosmos_write_finishes_it", run: func(t *testing.T, p *wholeStack) {
		s := inItsWrite(t, p, func(s *shot, held *held) { s.ending(t, held) })
		s.ends(t, annotated)
		s.first(t, picture.PersistStep)
	}},
	{name: "SIGTERM_while_a_picture_waits_for_its_next_attempt_hands_it_over", run: func(t *testing.T, p *wholeStack) {
		s := down(t, p)
		p.signal(t, "worker", syscall.SIGTERM)
		s.google(atOnce)
		s.ends(t, annotated)
	}},
	{name: "Temporal_killed_while_Google_looks_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtGoogle(t, p)
		p.signal(t, "temporal", syscall.SIGKILL)
		held.release()
		s.ends(t, ending{status: picture.Annotated, bills: 1, again: true, shown: 1})
	}},
	{name: "Temporal_killed_in_the_Cosmos_write_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtAzure(t, p)
		p.signal(t, "temporal", syscall.SIGKILL)
		held.release()
		s.ends(t, annotated)
	}},
	{name: "Temporal_killed_while_a_picture_waits_for_its_next_attempt_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s := down(t, p)
		p.signal(t, "temporal", syscall.SIGKILL)
		s.google(atOnce)
		s.ends(t, annotated)
	}},
	{name: "web_killed_while_the_page_watches_is_waited_for", run: func(t *testing.T, p *wholeStack) {
		s := down(t, p)
		p.signal(t, "web", syscall.SIGKILL)
		s.waits(t, waiting{picture.AnnotateStep, picture.Unavailable, "unavailable"})
		s.google(atOnce)
		s.ends(t, annotated)
	}},
	{name: "S3_killed_while_a_picture_waits_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s := down(t, p)
		p.signal(t, "s3", syscall.SIGKILL)
		s.google(annotator.Fault{})
		s.ends(t, ending{status: picture.Annotated, bills: 1}) // shown by bytes too, if Google came too early
	}},
}

// signal sends it to one of the programs.
func (p *wholeStack) signal(t *testing.T, program string, signal syscall.Signal) {
	t.Helper()
	if err := p.Signal(program, signal); err != nil {
		t.Fatal(err)
	}
}

// heldAtGoogle uploads a picture whose first look Google takes until it is released. Then it answers at once, and so all
// other looks.
func heldAtGoogle(t *testing.T, p *wholeStack) (*shot, *held) {
	t.Helper()
	s, h := p.easy(t), meet(t)
	var looks atomic.Int64
	s.google(annotator.Fault{Response: nothing, OnMatch: func() {
		if looks.Add(1) == 1 {
			h.meet()
		}
	}})
	s.upload(t)
	h.wait(t)
	return s, h
}

// inItsWrite has something happen while Cosmos DB takes to write a picture's first Record. That is tried within the
// workflow, and given up after 3 s; on a machine that was not fast enough for what is to happen, it happens to another.
func inItsWrite(t *testing.T, p *wholeStack, happens func(*shot, *held)) *shot {
	t.Helper()
	for range 5 {
		s, h := heldAtAzure(t, p)
		if happens(s, h); time.Since(h.since) < 2*time.Second {
			return s
		}
		s.ends(t, annotated)
	}
	t.Fatal("the machine is too slow to have it happen within 2 s")
	return nil
}

// ending tells the worker to stop, and lets it go on once it has said that it does.
func (s *shot) ending(t *testing.T, h *held) {
	t.Helper()
	const stopping = "stopping: "
	before := strings.Count(s.log(t, "worker"), stopping)
	s.signal(t, "worker", syscall.SIGTERM)
	if !stacktest.Eventually(t, func(context.Context) bool { return strings.Count(s.log(t, "worker"), stopping) > before }) {
		t.Fatal("the worker does not stop")
	}
	h.release()
}

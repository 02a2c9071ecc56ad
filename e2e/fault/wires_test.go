package fault

import (
	"context"
	"net/http"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/local/stacktest"
	"triptych/picture"
)

// Toxics, as Toxiproxy's API takes them.
const (
	reset = `{"type":"reset_peer","stream":"upstream","attributes":{"timeout":0}}`
	hang  = `{"type":"timeout","stream":"upstream","attributes":{"timeout":0}}`
	// swallow lets what is sent vanish on its way back: the cloud has done its part, the worker never learns.
	swallow = `{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`
	slow    = `{"type":"latency","attributes":{"latency":1000}}`
	broken  = `{"type":"limit_data","attributes":{"bytes":10000}}`
)

// wires are faults of the network between the worker and one part.
var wires = []fault{
	wire("a_connection_to_Google_that_is_reset_is_made_again", "vision", reset, 1,
		waiting{picture.AnnotateStep, picture.Unavailable, "unreachable"}),
	wire("a_connection_to_Cosmos_DB_that_is_reset_is_made_again", "cosmos", reset, 1,
		waiting{picture.PersistStep, picture.Unavailable, "could not be reached"}),
	wire("an_object_that_breaks_off_is_fetched_again", "s3", broken, 2,
		waiting{picture.AnnotateStep, picture.Unavailable, "S3 could not be asked"}),
	cutWire("an_unplugged_Google_is_waited_for", "vision", 1, waiting{picture.AnnotateStep, picture.Unavailable, "unreachable"}),
	cutWire("an_unplugged_Cosmos_DB_is_waited_for", "cosmos", 1, waiting{picture.PersistStep, picture.Unavailable, "could not be reached"}),
	cutWire("an_unplugged_S3_is_waited_for", "s3", 2, waiting{picture.AnnotateStep, picture.Unavailable, "S3 could not be asked"}),
	slowWire("a_slow_wire_to_Google_costs_no_second_look", "vision"),
	slowWire("a_slow_wire_to_Cosmos_DB_costs_no_second_look", "cosmos"),
	slowWire("a_slow_wire_to_S3_costs_no_second_look", "s3"),
	slowWire("a_slow_wire_to_Temporal_costs_no_second_look", "temporal"),
	{name: "a_slow_Google_beside_a_slow_wire_to_Temporal_is_asked_once", run: func(t *testing.T, p *wholeStack) {
		s, held := p.ask(t, portrait(t)), meet(t)
		s.google(annotator.Fault{OnMatch: held.meet, Delay: 4 * time.Second, Response: nothing}) // with two heartbeats, each answered after the SDK gave it up
		s.upload(t)
		held.wait(t) // a wire slow from the start takes a second of the three that a worker may be silent
		p.poison(t, "temporal", slow)
		held.release()
		s.ends(t, annotated)
		s.first(t, picture.AnnotateStep)
	}},
	{name: "a_Google_that_hangs_is_no_dead_worker_and_is_asked_again_once_cut_off", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		mend := p.poison(t, "vision", hang)
		s.upload(t)
		s.seen(t, picture.AnnotateStep, func(step picture.Step) bool { return step.Status == picture.StepRunning })
		lives := func(context.Context) bool { // longer than a worker may be silent
			pending := s.describe(t).PendingActivities
			if len(pending) != 1 || pending[0].Attempt != 1 || pending[0].State != enumspb.PENDING_ACTIVITY_STATE_STARTED {
				t.Fatalf("Temporal tells of %v", pending)
			}
			return pending[0].LastHeartbeatTime.AsTime().Sub(pending[0].LastStartedTime.AsTime()) >= 4*time.Second
		}
		if !stacktest.Eventually(t, lives) {
			t.Fatal("no heartbeat tells that the worker lives")
		}
		mend()
		s.ends(t, annotated)
		s.retried(t, waiting{picture.AnnotateStep, picture.Unavailable, "unreachable"})
	}},
	{name: "an_answer_of_Google_lost_on_the_wire_is_paid_for_again", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtGoogle(t, p)
		mend := p.poison(t, "vision", swallow)
		held.release()
		s.billed(t)
		mend()
		s.ends(t, ending{status: picture.Annotated, bills: 2, shown: 1})
		s.retried(t, waiting{picture.AnnotateStep, picture.Unavailable, "unreachable"})
	}},
	{name: "an_acknowledgement_of_Cosmos_DB_that_never_comes_is_one_record", slow: true, run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtAzure(t, p)
		mend := p.poison(t, "cosmos", swallow)
		held.release()
		first := s.kept(t)
		s.givenUp(t, picture.PersistStep, enumspb.TIMEOUT_TYPE_START_TO_CLOSE)
		mend()
		if kept := s.ends(t, annotated); !kept.Steps[2].StartedAt.Equal(first.Steps[2].StartedAt) {
			t.Error("the Record was written again")
		}
	}},
	{name: "an_acknowledgement_of_Cosmos_DB_cut_off_on_the_wire_is_one_record", run: func(t *testing.T, p *wholeStack) {
		var first picture.Record
		s := inItsWrite(t, p, func(s *shot, held *held) {
			mend := p.poison(t, "cosmos", swallow)
			held.release()
			first = s.kept(t)
			mend()
		})
		kept := s.ends(t, annotated)
		s.triedAgain(t, waiting{picture.PersistStep, picture.Unavailable, "could not be reached"})
		if !kept.Steps[2].StartedAt.Equal(first.Steps[2].StartedAt) {
			t.Error("the Record was written again")
		}
	}},
	{name: "a_worker_cut_off_from_Temporal_while_Google_looks_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtGoogle(t, p)
		mend := p.cut(t, "temporal")
		s.givenUp(t, picture.AnnotateStep, enumspb.TIMEOUT_TYPE_HEARTBEAT)
		mend()
		held.release()
		s.ends(t, ending{status: picture.Annotated, bills: 1, again: true, shown: 1})
	}},
	{name: "a_worker_cut_off_from_Temporal_in_the_Cosmos_write_saves_one_record", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtAzure(t, p)
		mend := p.cut(t, "temporal")
		held.release()
		s.kept(t)
		mend()
		s.ends(t, annotated)
	}},
}

// wire is a case of a toxic on the wire to a part, and of what the picture waits for meanwhile.
func wire(name, part, toxic string, shown int, w waiting) fault {
	return fault{name: name, run: func(t *testing.T, p *wholeStack) {
		s := p.across(t, part)
		mend := p.poison(t, part, toxic)
		s.upload(t)
		s.waits(t, w)
		mend()
		s.ends(t, ending{status: picture.Annotated, bills: 1, shown: shown})
	}}
}

// cutWire is the same with the wire unplugged.
func cutWire(name, part string, shown int, w waiting) fault {
	return fault{name: name, run: func(t *testing.T, p *wholeStack) {
		s := p.across(t, part)
		mend := p.cut(t, part)
		s.upload(t)
		s.waits(t, w)
		mend()
		s.ends(t, ending{status: picture.Annotated, bills: 1, shown: shown})
	}}
}

func slowWire(name, part string) fault {
	return fault{name: name, run: func(t *testing.T, p *wholeStack) {
		s := p.across(t, part)
		p.poison(t, part, slow)
		s.upload(t)
		s.ends(t, annotated)
		s.first(t, picture.AnnotateStep)
		s.first(t, picture.PersistStep)
	}}
}

// across gets a grant for a portrait that goes over the wire to a part. That to S3 is used only if Google really fetches it.
func (p *wholeStack) across(t *testing.T, part string) *shot {
	t.Helper()
	if part != "s3" {
		return p.easy(t)
	}
	s := p.ask(t, portrait(t))
	s.bytes(atOnce)
	return s
}

// heldAtAzure uploads a picture whose first Record Cosmos DB takes to write until it is released.
func heldAtAzure(t *testing.T, p *wholeStack) (*shot, *held) {
	t.Helper()
	s, h := p.easy(t), meet(t)
	s.azure(cosmosdb.Fault{Method: http.MethodPost, OnMatch: h.meet, Times: 1})
	s.upload(t)
	h.wait(t)
	return s, h
}

package fault

import (
	"net/http"
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/internal/pipeline"
	"triptych/picture"
)

// azure gives every answer that Cosmos DB may give to a Record.
func azure() (faults []fault) {
	for _, c := range []struct {
		name   string
		answer cosmosdb.Fault
		kind   picture.Kind
		says   string
	}{
		{"a_503_of_Cosmos_DB_is_waited_for", cosmosdb.Fault{Status: 503}, picture.Unavailable, "unavailable"},
		{"a_401_of_Cosmos_DB_is_waited_for", cosmosdb.Fault{Status: 401}, picture.Forbidden, "COSMOS_KEY"},
		{"a_403_of_Cosmos_DB_is_waited_for", cosmosdb.Fault{Status: 403}, picture.Forbidden, "Data Contributor"},
		{"a_missing_container_is_waited_for", cosmosdb.Fault{Status: 404, SubStatus: 1003, Method: http.MethodPost}, picture.Misconfigured, "create it"},
	} {
		faults = append(faults, fault{name: c.name, run: func(t *testing.T, p *wholeStack) {
			s := p.easy(t)
			s.azure(c.answer)
			s.upload(t)
			s.waits(t, waiting{picture.PersistStep, c.kind, c.says})
			s.azure(cosmosdb.Fault{Method: c.answer.Method})
			s.ends(t, annotated)
		}})
	}
	for _, c := range []struct {
		name   string
		answer cosmosdb.Fault
		says   string
	}{
		{"a_408_of_Cosmos_DB_after_it_applied_is_one_Record", cosmosdb.Fault{Status: 408, AfterApply: true}, "perhaps after saving"},
		{"a_connection_cut_after_Cosmos_DB_applied_is_one_Record", cosmosdb.Fault{AfterApply: true}, "could not be reached"},
	} {
		faults = append(faults, fault{name: c.name, run: func(t *testing.T, p *wholeStack) {
			s := p.easy(t)
			c.answer.Method, c.answer.Times = http.MethodPost, 1
			s.azure(c.answer)
			s.upload(t)
			s.ends(t, annotated)
			s.triedAgain(t, waiting{picture.PersistStep, picture.Unavailable, c.says})
		}})
	}
	for _, c := range []struct {
		name    string
		age     time.Duration // of the Record that came between
		remains bool
	}{
		{"a_412_of_Cosmos_DB_leaves_a_Record_that_is_newer", 0, true},
		{"a_412_of_Cosmos_DB_has_an_older_Record_replaced_all_the_same", time.Hour, false},
	} {
		faults = append(faults, fault{name: c.name, run: func(t *testing.T, p *wholeStack) {
			s, held := heldInItsReplacement(t, p)
			between, etag, err := s.records.Read(patient(t), s.ID)
			if err != nil {
				t.Fatal(err)
			}
			between.Key, between.RunID = "between", s.describe(t).WorkflowExecutionInfo.Execution.RunId
			between.Steps[2].StartedAt = time.Now().Add(-c.age)
			if err := s.records.Replace(patient(t), between, etag); err != nil {
				t.Fatal(err)
			}
			held.release()
			kept := s.ends(t, ending{status: picture.Annotated, bills: 2, shown: 1})
			s.retried(t, waiting{picture.PersistStep, picture.Unavailable, "changed meanwhile"})
			if remains := kept.Key == "between"; remains != c.remains {
				t.Errorf("the Record is that of %s", kept.Key)
			}
		}})
	}
	return append(faults, moreOfAzure...)
}

var moreOfAzure = []fault{
	{name: "a_429_of_Cosmos_DB_with_a_hint_of_2_min_is_obeyed_and_can_be_hurried", run: func(t *testing.T, p *wholeStack) {
		const patience = 2 * time.Minute // which nobody waits for
		s := throttled(t, p, patience)
		pending := s.waits(t, waiting{picture.PersistStep, picture.Throttled, "request units"})
		// Cosmos DB said so a moment before the activity's first attempt.
		if wait := pending.NextAttemptScheduleTime.AsTime().Sub(pending.LastAttemptCompleteTime.AsTime()); wait < patience-10*time.Second || wait > patience+time.Second {
			t.Errorf("it is tried again after %s, Cosmos DB said %s", wait, patience)
		}
		s.hurry(t, pending)
		s.ends(t, annotated)
	}},
	{name: "a_429_of_Cosmos_DB_with_a_hint_of_20_s_is_waited_for", slow: true, run: func(t *testing.T, p *wholeStack) {
		const patience = 20 * time.Second // far above the backoff
		s := throttled(t, p, patience)
		kept := s.ends(t, annotated)
		s.retried(t, waiting{picture.PersistStep, picture.Throttled, "request units"})
		if wait := kept.Steps[2].StartedAt.Sub(kept.Steps[1].FinishedAt); wait < patience {
			t.Errorf("it was tried again after %s", wait)
		}
	}},
	{name: "a_409_of_Cosmos_DB_leaves_the_Record_that_was_first", run: func(t *testing.T, p *wholeStack) {
		s, held := heldAtAzure(t, p)
		first := picture.Record{ID: s.ID, Schema: picture.Schema, Status: picture.Annotated, RunID: s.describe(t).WorkflowExecutionInfo.Execution.RunId, Key: "first"}
		if err := s.records.Create(patient(t), first); err != nil {
			t.Fatal(err)
		}
		held.release()
		if kept := s.ends(t, annotated); kept.Key != "first" {
			t.Errorf("it was replaced by %+v", kept)
		}
	}},
	{name: "a_413_of_Cosmos_DB_ends_in_a_Record_that_says_so", run: func(t *testing.T, p *wholeStack) {
		s := p.easy(t)
		s.azure(cosmosdb.Fault{Status: 413, Method: http.MethodPost, Times: 1})
		s.upload(t)
		kept := s.ends(t, ending{status: picture.Rejected, kind: picture.TooLarge, bills: 1, shown: 1})
		if why := kept.Rejection; why == nil || why.Step != picture.PersistStep {
			t.Errorf("it was rejected for %+v", why)
		}
	}},
}

// heldInItsReplacement has a picture annotated again, as a sweep does. Cosmos DB takes to replace its Record until it is
// released.
func heldInItsReplacement(t *testing.T, p *wholeStack) (*shot, *held) {
	t.Helper()
	s, h := p.easy(t), meet(t)
	s.upload(t)
	kept := s.ends(t, annotated)
	s.azure(cosmosdb.Fault{Method: http.MethodPost, Status: 503, Times: 1}) // within the workflow it would be given up after 3 s
	s.azure(cosmosdb.Fault{Method: http.MethodPut, OnMatch: h.meet, Times: 1})
	pic, err := picture.New(kept.Bucket, kept.Key, kept.VersionID, kept.ETag, kept.Size, kept.UploadedAt)
	if err != nil {
		t.Fatal(err)
	}
	if err := pipeline.Start(patient(t), p.temporal, picture.Order{Picture: pic, ReannotateBefore: time.Now()}, pipeline.BackfillPriority); err != nil {
		t.Fatal(err)
	}
	h.wait(t)
	return s, h
}

// throttled uploads a picture whose Record is refused with the hint, once: who came back sooner would be let in sooner.
func throttled(t *testing.T, p *wholeStack, patience time.Duration) *shot {
	t.Helper()
	s := p.easy(t)
	s.azure(cosmosdb.Fault{Status: 429, SubStatus: 3200, RetryAfter: patience, Method: http.MethodPost, Times: 1})
	s.upload(t)
	return s
}

package fault

import (
	"net/http"
	"testing"
	"time"

	"triptych/e2e/testenv"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func cosmosResponses() (cases []faultCase) {
	for _, c := range []struct {
		name     string
		response cosmosdb.Fault
		kind     picture.Kind
		message  string
	}{
		{"Cosmos_DB_status_503_is_retried", cosmosdb.Fault{Status: 503}, picture.Unavailable, "unavailable"},
		{"Cosmos_DB_status_401_is_retried", cosmosdb.Fault{Status: 401}, picture.Forbidden, "COSMOS_KEY"},
		{"Cosmos_DB_status_403_is_retried", cosmosdb.Fault{Status: 403}, picture.Forbidden, "assign the Cosmos DB roles"},
		{"missing_Cosmos_DB_container_is_retried", cosmosdb.Fault{Status: 404, SubStatus: 1003, Method: http.MethodPost}, picture.Misconfigured, "create it"},
	} {
		cases = append(cases, faultCase{name: c.name, run: func(t *testing.T, s *suite) {
			p := s.newStubbedPicture(t)
			p.setCosmosFault(c.response)
			p.upload(t)
			p.awaitRetry(t, stepFailure{picture.PersistStep, c.kind, c.message})
			p.setCosmosFault(cosmosdb.Fault{Method: c.response.Method})
			p.awaitOutcome(t, annotated)
		}})
	}
	for _, c := range []struct {
		name     string
		response cosmosdb.Fault
		message  string
	}{
		{"Cosmos_DB_status_408_after_the_write_keeps_one_record", cosmosdb.Fault{Status: 408, AfterApply: true}, "Cosmos DB timed out"},
		{"Cosmos_DB_connection_closed_after_the_write_keeps_one_record", cosmosdb.Fault{AfterApply: true}, "could not be reached"},
	} {
		cases = append(cases, faultCase{name: c.name, run: func(t *testing.T, s *suite) {
			p := s.newStubbedPicture(t)
			c.response.Method, c.response.Times = http.MethodPost, 1
			p.setCosmosFault(c.response)
			p.upload(t)
			p.awaitOutcome(t, annotated)
			p.checkSucceededAfterLocalFailure(t, stepFailure{picture.PersistStep, picture.Unavailable, c.message})
		}})
	}
	for _, c := range []struct {
		name     string
		age      time.Duration // of the concurrently written Record
		survives bool
	}{
		{"concurrently_written_newer_record_survives_a_reannotation", 0, true},
		{"concurrently_written_older_record_is_replaced_by_a_reannotation", time.Hour, false},
	} {
		cases = append(cases, faultCase{name: c.name, run: func(t *testing.T, s *suite) {
			p, blocker := blockCosmosReplace(t, s)
			concurrent, etag, err := s.Records.Read(testenv.Context(t), p.ID)
			if err != nil {
				t.Fatal(err)
			}
			concurrent.Key, concurrent.RunID = "concurrent", p.describeWorkflow(t).WorkflowExecutionInfo.Execution.RunId
			concurrent.Steps[2].StartedAt = time.Now().Add(-c.age)
			if err := s.Records.Replace(testenv.Context(t), concurrent, etag); err != nil {
				t.Fatal(err)
			}
			blocker.release() // the blocked replacement now gets status 412, because the ETag has changed
			record := p.awaitOutcome(t, outcome{status: picture.Annotated, bills: 2, wantAnnotateCalls: 1})
			p.checkRetriedOnceAfter(t, stepFailure{picture.PersistStep, picture.Unavailable, "changed concurrently"})
			if survives := record.Key == "concurrent"; survives != c.survives {
				t.Errorf("the concurrently written Record survives: %v, want %v", survives, c.survives)
			}
		}})
	}
	return append(cases, cosmosThrottling, cosmosThrottlingSlow, cosmosConflict, cosmosTooLarge)
}

var cosmosThrottling = faultCase{name: "Cosmos_DB_status_429_with_retry-after_2_min_delays_the_retry_until_an_activity_reset", run: func(t *testing.T, s *suite) {
	const retryAfter = 2 * time.Minute // the test does not wait for its end
	p := uploadWhileThrottled(t, s, retryAfter)
	pending := p.awaitRetry(t, stepFailure{picture.PersistStep, picture.Throttled, "request units"})
	wait := pending.NextAttemptScheduleTime.AsTime().Sub(pending.LastAttemptCompleteTime.AsTime())
	if wait < retryAfter-10*time.Second || wait > retryAfter+time.Second {
		t.Errorf("the next attempt is scheduled after %s, want %s", wait, retryAfter)
	}
	p.ResetActivity(t, p.ID, pending)
	p.awaitOutcome(t, annotated)
}}

var cosmosThrottlingSlow = faultCase{name: "Cosmos_DB_status_429_with_retry-after_20_s_delays_the_retry", slow: true, run: func(t *testing.T, s *suite) {
	const retryAfter = 20 * time.Second // much longer than the retry policy's backoff
	p := uploadWhileThrottled(t, s, retryAfter)
	record := p.awaitOutcome(t, annotated)
	p.checkRetriedOnceAfter(t, stepFailure{picture.PersistStep, picture.Throttled, "request units"})
	if wait := record.Steps[2].StartedAt.Sub(record.Steps[1].FinishedAt); wait < retryAfter {
		t.Errorf("the successful attempt started after %s, want at least %s", wait, retryAfter)
	}
}}

var cosmosConflict = faultCase{name: "Cosmos_DB_status_409_keeps_the_existing_record", run: func(t *testing.T, s *suite) {
	p, blocker := blockCosmosCreate(t, s)
	existing := picture.Record{ID: p.ID, Schema: picture.Schema, Status: picture.Annotated,
		RunID: p.describeWorkflow(t).WorkflowExecutionInfo.Execution.RunId, Key: "existing"}
	if err := s.Records.Create(testenv.Context(t), existing); err != nil {
		t.Fatal(err)
	}
	blocker.release()
	if record := p.awaitOutcome(t, annotated); record.Key != "existing" {
		t.Errorf("the existing Record was replaced by %+v", record)
	}
}}

var cosmosTooLarge = faultCase{name: "Cosmos_DB_status_413_rejects_the_picture_as_too_large", run: func(t *testing.T, s *suite) {
	p := s.newStubbedPicture(t)
	p.setCosmosFault(cosmosdb.Fault{Status: 413, Method: http.MethodPost, Times: 1})
	p.upload(t)
	record := p.awaitOutcome(t, outcome{status: picture.Rejected, rejection: picture.TooLarge, bills: 1, wantAnnotateCalls: 1})
	if r := record.Rejection; r == nil || r.Step != picture.PersistStep {
		t.Errorf("the rejection is %+v, want one of persist", r)
	}
}}

func uploadWhileThrottled(t *testing.T, s *suite, retryAfter time.Duration) *testPicture {
	t.Helper()
	p := s.newStubbedPicture(t)
	p.setCosmosFault(cosmosdb.Fault{Status: 429, SubStatus: 3200, RetryAfter: retryAfter, Method: http.MethodPost, Times: 1})
	p.upload(t)
	return p
}

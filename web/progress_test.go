package main

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/picture"
)

func TestGetProgress(t *testing.T) {
	l := newTestLink(time.Now())
	steps := []picture.Step{
		{Name: picture.PresignStep, Cloud: "aws", Status: picture.StepDone, Attempt: 1},
		{Name: picture.AnnotateStep, Cloud: "google", Status: picture.StepDone, Attempt: 3},
	}
	annotated := (picture.Picture{ID: l.picture, Bucket: "pictures", Key: "k", VersionID: "v", ETag: "e"}).AnnotatedRecord([]byte(`{"faceAnnotations":[]}`), time.Now(), steps, "run")
	withoutPresign := annotated
	withoutPresign.Steps = steps[1:]
	down := cosmosdb.Fault{Status: 503}
	for name, test := range map[string]struct {
		record       *picture.Record
		execution    string // recorded execution; "" for none
		cosmos       cosmosdb.Fault
		temporalDown bool
		status       int
		want         picture.Status
		steps        string
	}{
		"Record_precedes_a_running_workflow":                       {record: &annotated, execution: "annotate_running", status: 200, want: picture.Annotated, steps: "done done done"},
		"Record_suffices_while_Temporal_is_unavailable":            {record: &annotated, temporalDown: true, status: 200, want: picture.Annotated, steps: "done done done"},
		"steps_of_a_Record_are_found_by_name":                      {record: &withoutPresign, status: 200, want: picture.Annotated, steps: "waiting done done"},
		"tombstone_is_erased":                                      {record: new(picture.Tombstone(l.picture)), execution: "annotate_running", status: 200, want: picture.Erased, steps: "waiting waiting waiting"},
		"neither_Record_nor_workflow_is_waiting":                   {status: 200, want: picture.Waiting, steps: "waiting waiting waiting"},
		"open_workflow_is_running":                                 {execution: "annotate_running", status: 200, want: picture.Running, steps: "done running waiting"},
		"open_workflow_is_running_while_Cosmos_DB_is_unavailable":  {execution: "persist_waiting_for_retry", cosmos: down, status: 200, want: picture.Running, steps: "done done retrying"},
		"terminated_workflow_is_waiting":                           {execution: "workflow_terminated", status: 200, want: picture.Waiting, steps: "done failed waiting"},
		"expired_Record_uses_the_completed_workflow":               {execution: "completed", status: 200, want: picture.Annotated, steps: "done done done"},
		"no_workflow_while_Cosmos_DB_is_unavailable_is_503":        {cosmos: down, status: 503},
		"completed_workflow_while_Cosmos_DB_is_unavailable_is_503": {execution: "completed", cosmos: down, status: 503},
		"no_Record_while_Temporal_is_unavailable_is_503":           {temporalDown: true, status: 503},
		"both_clouds_unavailable_is_503":                           {cosmos: down, temporalDown: true, status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSite(t)
			if test.record != nil {
				s.store(t, *test.record)
			}
			s.temporal.use(t, test.execution)
			s.temporal.setDown(test.temporalDown)
			s.cosmos.SetFault(test.cosmos)
			resp := s.do(t, "GET", "/api/pictures/"+l.id, "", nil)
			if test.status != 200 {
				if resp.Header.Get("Retry-After") == "" {
					t.Error("the response has no Retry-After")
				}
				wantProblem(t, resp, test.status, "try again")
				return
			}
			got := decodeBody[picture.Progress](t, resp)
			if resp.StatusCode != 200 || got.ID != l.id || got.Reference != l.picture || got.Status != test.want || statuses(got.Steps) != test.steps {
				t.Errorf("%d, %s is %s: %s; want %s: %s", resp.StatusCode, got.ID, got.Status, statuses(got.Steps), test.want, test.steps)
			}
			if (got.Record != nil) != (test.record != nil) {
				t.Errorf("the Record is %v", got.Record)
			}
		})
	}
}

func TestGetProgressHidesTheAnnotationAfterTheRetention(t *testing.T) {
	for name, test := range map[string]struct {
		days   *int
		age    time.Duration
		erased bool
		want   picture.Status
	}{
		"annotation_is_shown_during_the_retention":  {&retention, 29 * 24 * time.Hour, false, picture.Annotated},
		"annotation_is_hidden_after_the_retention":  {&retention, 31 * 24 * time.Hour, false, picture.Waiting},
		"tombstone_is_shown_after_the_retention":    {&retention, 31 * 24 * time.Hour, true, picture.Erased},
		"annotation_without_a_retention_stays_open": {nil, 1000 * 24 * time.Hour, false, picture.Annotated},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTestSite(t, func(s *testSite) { s.retentionDays = test.days })
			l := newTestLink(time.Now().Add(-test.age))
			record := picture.Tombstone(l.picture)
			if !test.erased {
				record = picture.Picture{ID: l.picture, Bucket: "pictures", Key: keyOf(l)}.AnnotatedRecord([]byte("{}"), time.Now(), nil, "run")
			}
			s.store(t, record)
			got := decodeBody[picture.Progress](t, s.do(t, "GET", "/api/pictures/"+l.id, "", nil))
			if got.Status != test.want || got.ID != l.id || (got.Record != nil) != (test.want != picture.Waiting) {
				t.Errorf("%s is %s with the Record %v, want %s", got.ID, got.Status, got.Record, test.want)
			}
		})
	}
}

func TestProgressContainsOnlyPublicFields(t *testing.T) {
	now := time.Now()
	full := picture.Record{Schema: 1, Bucket: "b", Key: "k", VersionID: "v", ETag: "e", Size: 1, ContentType: "image/jpeg", UploadedAt: now, AnnotatedAt: now,
		Annotation: []byte("{}"), ReannotationRejectedAt: now, Rejection: &picture.Rejection{}, RunID: "run", Status: picture.Annotated,
		Steps: []picture.Step{{Name: picture.PresignStep, Attempt: 1, StartedAt: now, FinishedAt: now, NextAttemptAt: now, Error: "e", WaitingFor: "aws"}}}
	for i, field := range reflect.VisibleFields(reflect.TypeFor[picture.Record]()) {
		if field.Name != "ID" && reflect.ValueOf(full).Field(i).IsZero() {
			t.Errorf("the test does not set %s", field.Name)
		}
	}
	for name, want := range map[string]struct{ execution, fields string }{
		"record": {"", "id record reference status steps; annotatedAt annotation contentType reannotationRejectedAt rejection schema size status steps uploadedAt"},
		"run":    {"annotate_retrying", "id record reference status steps; "},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := newTestSite(t), newTestLink(now)
			full.ID = l.picture
			if want.execution == "" {
				s.store(t, full)
			}
			s.temporal.use(t, want.execution)
			got := decodeBody[map[string]any](t, s.do(t, "GET", "/api/pictures/"+l.id, "", nil))
			record, _ := got["record"].(map[string]any)
			fields := strings.Join(slices.Sorted(maps.Keys(got)), " ") + "; " + strings.Join(slices.Sorted(maps.Keys(record)), " ")
			if fields != want.fields {
				t.Errorf("the fields are %q, want %q", fields, want.fields)
			}
			for _, step := range got["steps"].([]any) {
				for field := range step.(map[string]any) {
					if !slices.Contains([]string{"name", "cloud", "status", "attempt", "startedAt", "finishedAt", "nextAttemptAt", "error", "waitingFor"}, field) {
						t.Errorf("a step contains %q", field)
					}
				}
			}
		})
	}
}

func TestGetProgressHasTheDurationOfTheWrite(t *testing.T) {
	now := time.Now().UTC().Truncate(time.Millisecond)
	for name, c := range map[string]struct {
		execution    string // recorded execution
		otherRun     bool   // the Record was written by a run that Temporal no longer has
		age          time.Duration
		temporalDown bool
		known        bool
	}{
		"local_activity":                        {execution: "completed_with_local_persist", known: true},
		"retried_activity":                      {execution: "completed", known: true},
		"running_workflow_has_none":             {execution: "persist_running_locally"},
		"workflow_past_retention_has_none":      {},
		"later_run_has_none":                    {execution: "completed", otherRun: true},
		"write_of_the_last_hour":                {execution: "completed", age: 50 * time.Minute, known: true},
		"older_write_has_none":                  {execution: "completed", age: 70 * time.Minute},
		"unavailable_Temporal_has_none":         {execution: "completed", temporalDown: true},
		"rejected_picture_whose_write_is_going": {execution: "rejection_running_persist"},
	} {
		t.Run(name, func(t *testing.T) {
			s, l := newTestSite(t), newTestLink(now)
			s.temporal.use(t, c.execution)
			s.temporal.setDown(c.temporalDown)
			runID := s.temporal.description.GetWorkflowExecutionInfo().GetExecution().GetRunId()
			if c.otherRun {
				runID = "earlier"
			}
			steps := []picture.Step{{Name: picture.PresignStep}, {Name: picture.AnnotateStep}, {Name: picture.PersistStep, StartedAt: now.Add(-c.age)}}
			s.store(t, (picture.Picture{ID: l.picture, Bucket: "b", Key: "k"}).AnnotatedRecord([]byte("{}"), now, steps, runID))
			step := decodeBody[picture.Progress](t, s.do(t, "GET", "/api/pictures/"+l.id, "", nil)).Steps[2]
			took := step.FinishedAt.Sub(step.StartedAt)
			if step.Status != picture.StepDone || !step.StartedAt.Equal(now.Add(-c.age)) || c.known && (took <= 0 || took > 2*time.Second) || !c.known && !step.FinishedAt.IsZero() {
				t.Errorf("persist is %s and took %s", step.Status, took)
			}
		})
	}
}

func TestGetProgressReadsTheRecordAgainAfterTheWorkflow(t *testing.T) {
	s := newTestSite(t)
	l := newTestLink(time.Now())
	s.temporal.use(t, "completed")
	s.temporal.onDescribe = func() {
		s.temporal.onDescribe = nil
		s.store(t, (picture.Picture{ID: l.picture, Bucket: "b", Key: "k"}).AnnotatedRecord([]byte("{}"), time.Now(), nil, "run"))
	}
	got := decodeBody[picture.Progress](t, s.do(t, "GET", "/api/pictures/"+l.id, "", nil))
	if got.Record == nil {
		t.Error("the progress does not contain the Record that was written after the first read")
	}
}

func statuses(steps []picture.Step) string {
	var words []string
	for _, step := range steps {
		words = append(words, string(step.Status))
	}
	return strings.Join(words, " ")
}

func TestUnreadableRecordIsNotCalledUnavailable(t *testing.T) {
	s, l := newTestSite(t), newTestLink(time.Now())
	s.store(t, picture.Record{ID: l.picture, Status: "strange"})
	for _, path := range []string{"", "/image"} {
		if res := s.do(t, "GET", "/api/pictures/"+l.id+path, "", nil); res.StatusCode != http.StatusInternalServerError {
			t.Errorf("GET %s has status %d", path, res.StatusCode)
		}
	}
}

package workflows_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.temporal.io/sdk/activity"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"triptych/activities"
	"triptych/picture"
	"triptych/workflows"
)

// script lists the errors of each activity: the n-th call returns the n-th error, and later calls return the last
// error.
type script struct {
	presign, annotate, persist, discard []error

	existing         picture.Status // status of a Record that the picture already has
	reannotateBefore time.Time
	beforeAttempt    map[picture.StepName]func() error // runs before each attempt of a step

	presignCalls int
	annotateSent []activities.Send
	persistIn    []activities.PersistInput
	discardIn    []activities.DiscardInput
}

func nth(errs []error, n int) error {
	if len(errs) == 0 {
		return nil
	}
	return errs[min(n, len(errs)-1)]
}

func failure(kind picture.Kind) error {
	return temporal.NewApplicationErrorWithOptions("Message of "+string(kind), string(kind),
		temporal.ApplicationErrorOptions{NonRetryable: !kind.Retries()})
}

func throttled(retryAfter time.Duration) error {
	return temporal.NewApplicationErrorWithOptions("Message of Throttled", string(picture.Throttled),
		temporal.ApplicationErrorOptions{NextRetryDelay: retryAfter})
}

var annotation = json.RawMessage(`{"faceAnnotations":[{"joyLikelihood":"VERY_LIKELY"}]}`)

func (s *script) runBefore(step picture.StepName) error {
	if before := s.beforeAttempt[step]; before != nil {
		return before()
	}
	return nil
}

func (s *script) Presign(context.Context, picture.Picture) (activities.PresignResult, error) {
	if err := s.runBefore(picture.PresignStep); err != nil {
		return activities.PresignResult{}, err
	}
	s.presignCalls++
	return activities.PresignResult{
		SignedURL: activities.SignedURL{URL: "http://s3/picture", ExpiresAt: time.Unix(0, 0).UTC()},
		Step:      picture.Step{Name: picture.PresignStep, Cloud: picture.AWS, Status: picture.StepDone, Attempt: s.presignCalls},
	}, nth(s.presign, s.presignCalls-1)
}

func (s *script) Annotate(_ context.Context, in activities.AnnotateInput) (activities.AnnotateResult, error) {
	if err := s.runBefore(picture.AnnotateStep); err != nil {
		return activities.AnnotateResult{}, err
	}
	s.annotateSent = append(s.annotateSent, in.Send)
	if s.existing != "" && s.existing != picture.Erased && in.ReannotateBefore.IsZero() {
		return activities.AnnotateResult{Existing: s.existing}, nil
	}
	return activities.AnnotateResult{
		Annotation: annotation,
		Step:       picture.Step{Name: picture.AnnotateStep, Cloud: picture.Google, Status: picture.StepDone, Attempt: len(s.annotateSent)},
	}, nth(s.annotate, len(s.annotateSent)-1)
}

func (s *script) Persist(_ context.Context, in activities.PersistInput) (picture.Outcome, error) {
	if err := s.runBefore(picture.PersistStep); err != nil {
		return picture.Outcome{}, err
	}
	s.persistIn = append(s.persistIn, in)
	status := in.Status
	if s.existing == picture.Erased {
		status = picture.Erased
	}
	return picture.Outcome{ID: in.ID, Status: status}, nth(s.persist, len(s.persistIn)-1)
}

func (s *script) Discard(_ context.Context, in activities.DiscardInput) (picture.Outcome, error) {
	s.discardIn = append(s.discardIn, in)
	return picture.Outcome{ID: in.ID, Status: picture.Erased}, nth(s.discard, len(s.discardIn)-1)
}

func (s *script) activities() map[string]any {
	return map[string]any{
		string(picture.PresignStep): s.Presign, string(picture.AnnotateStep): s.Annotate, string(picture.PersistStep): s.Persist,
		picture.DiscardActivity: s.Discard,
	}
}

type branch struct {
	script       script
	want         picture.Status
	sent         []activities.Send // one per attempt of annotate
	presignCalls int
	rejection    picture.Rejection // in the last Record passed to persist; zero if it is not rejected
	persisted    int               // calls of persist
	delayed      time.Duration     // until NotBefore of the last call of persist; 0 if NotBefore is not set
	discarded    int               // calls of discard
}

func branches() map[string]branch {
	url, bytes := activities.ByURL, activities.ByBytes
	return map[string]branch{
		"annotated": {
			want: picture.Annotated, sent: []activities.Send{url}, presignCalls: 1, persisted: 1,
		},
		"unfetchable_URL_sends_bytes": {
			script: script{annotate: []error{failure(picture.Unfetchable), nil}},
			want:   picture.Annotated, sent: []activities.Send{url, bytes}, presignCalls: 1, persisted: 1,
		},
		"bad_image_is_rejected": {
			script: script{annotate: []error{failure(picture.BadImage)}},
			want:   picture.Rejected, sent: []activities.Send{url}, presignCalls: 1, persisted: 1,
			rejection: picture.Rejection{Step: picture.AnnotateStep, Kind: picture.BadImage, Message: "Message of BadImage"},
		},
		"rejection_sets_search_attributes": {
			script: script{annotate: []error{failure(picture.BadImage)}},
			want:   picture.Rejected, sent: []activities.Send{url}, presignCalls: 1, persisted: 1,
			rejection: picture.Rejection{Step: picture.AnnotateStep, Kind: picture.BadImage, Message: "Message of BadImage"},
		},
		"missing_object_is_rejected": {
			script: script{annotate: []error{failure(picture.Unfetchable), failure(picture.Gone)}},
			want:   picture.Rejected, sent: []activities.Send{url, bytes}, presignCalls: 1, persisted: 1,
			rejection: picture.Rejection{Step: picture.AnnotateStep, Kind: picture.Gone, Message: "Message of Gone"},
		},
		"too_large_annotation_is_rejected": {
			script: script{annotate: []error{failure(picture.TooLarge)}},
			want:   picture.Rejected, sent: []activities.Send{url}, presignCalls: 1, persisted: 1,
			rejection: picture.Rejection{Step: picture.AnnotateStep, Kind: picture.TooLarge, Message: "Message of TooLarge"},
		},
		"record_too_large_for_Cosmos_DB_is_rejected": {
			script: script{persist: []error{failure(picture.TooLarge), nil}},
			want:   picture.Rejected, sent: []activities.Send{url}, presignCalls: 1, persisted: 2,
			rejection: picture.Rejection{Step: picture.PersistStep, Kind: picture.TooLarge, Message: "Message of TooLarge"},
		},
		"erased_before_persist_ends_as_erased": {
			script: script{existing: picture.Erased},
			want:   picture.Erased, sent: []activities.Send{url}, presignCalls: 1, persisted: 1,
		},
		"erased_before_annotate_is_discarded": {
			script: script{annotate: []error{failure(picture.WasErased)}, existing: picture.Erased},
			want:   picture.Erased, sent: []activities.Send{url}, presignCalls: 1, discarded: 1,
		},
		"discard_continues_as_durable_activity": {
			script: script{annotate: []error{failure(picture.WasErased)}, discard: []error{failure(picture.Unavailable), nil}, existing: picture.Erased},
			want:   picture.Erased, sent: []activities.Send{url}, presignCalls: 1, discarded: 2,
		},
		"existing_record_ends_the_workflow": {
			script: script{existing: picture.Rejected},
			want:   picture.Rejected, sent: []activities.Send{url}, presignCalls: 1,
		},
		"existing_record_is_reannotated": {
			script: script{existing: picture.Rejected, reannotateBefore: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)},
			want:   picture.Annotated, sent: []activities.Send{url}, presignCalls: 1, persisted: 1,
		},
		"annotate_is_retried": {
			script: script{annotate: []error{failure(picture.Unavailable), failure(picture.Throttled), failure(picture.Forbidden), failure(picture.Misconfigured), nil}},
			want:   picture.Annotated, sent: []activities.Send{url, url, url, url, url}, presignCalls: 1, persisted: 1,
		},
		"persist_continues_as_durable_activity": {
			script: script{persist: []error{failure(picture.Unavailable), failure(picture.Unavailable), nil}},
			want:   picture.Annotated, sent: []activities.Send{url}, presignCalls: 1, persisted: 3,
		},
		"throttled_persist_is_delayed": {
			script: script{persist: []error{throttled(2 * time.Second), nil}},
			want:   picture.Annotated, sent: []activities.Send{url}, presignCalls: 1, persisted: 2, delayed: 2 * time.Second,
		},
		"unexpected_error_is_retried": {
			script: script{annotate: []error{errors.New("unexpected"), nil}, persist: []error{errors.New("unexpected"), nil}},
			want:   picture.Annotated, sent: []activities.Send{url, url}, presignCalls: 1, persisted: 2,
		},
		"presign_continues_as_durable_activity": {
			script: script{presign: []error{failure(picture.Forbidden), failure(picture.Forbidden), nil}},
			want:   picture.Annotated, sent: []activities.Send{url}, presignCalls: 3, persisted: 1,
		},
	}
}

func TestAnnotatePicture(t *testing.T) {
	for name, b := range branches() {
		t.Run(name, func(t *testing.T) {
			s := b.script
			outcome, p := execute(t, &s)
			if outcome.Status != b.want || outcome.ID != p.ID {
				t.Errorf("outcome %+v, want %s of %s", outcome, b.want, p.ID)
			}
			if !slices.Equal(s.annotateSent, b.sent) {
				t.Errorf("annotate was called with %v, want %v", s.annotateSent, b.sent)
			}
			if s.presignCalls != b.presignCalls || len(s.persistIn) != b.persisted || len(s.discardIn) != b.discarded {
				t.Errorf("%d calls of presign, %d of persist, %d of discard, want %d, %d, %d",
					s.presignCalls, len(s.persistIn), len(s.discardIn), b.presignCalls, b.persisted, b.discarded)
			}
			for _, in := range s.discardIn {
				if in.Picture != p {
					t.Errorf("discarded %+v, want %+v", in.Picture, p)
				}
			}
			if len(s.persistIn) == 0 {
				return
			}
			last := s.persistIn[len(s.persistIn)-1]
			checkRecord(t, last.Record, p, b.rejection)
			if !last.ReannotateBefore.Equal(s.reannotateBefore) {
				t.Errorf("persist replaces Records before %s, want %s", last.ReannotateBefore, s.reannotateBefore)
			}
			if last.NotBefore.IsZero() != (b.delayed == 0) || b.delayed > 0 && last.NotBefore.Before(last.AnnotatedAt.Add(b.delayed)) {
				t.Errorf("persist waits until %s, want %s after %s", last.NotBefore, b.delayed, last.AnnotatedAt)
			}
		})
	}
}

func TestAnnotationOfAnotherPictureIsRefused(t *testing.T) {
	env := newEnvironment()
	s := &script{}
	s.register(env)
	env.RegisterActivityWithOptions(func(context.Context, activities.AnnotateInput) (activities.AnnotateResult, error) {
		return activities.AnnotateResult{ID: "another", Annotation: annotation}, nil
	}, activity.RegisterOptions{Name: string(picture.AnnotateStep), DisableAlreadyRegisteredCheck: true})
	env.ExecuteWorkflow(workflows.AnnotatePicture, picture.Order{Picture: picture.Picture{ID: "id"}})
	if err := env.GetWorkflowError(); err == nil || !strings.Contains(err.Error(), "it belongs to another") || len(s.persistIn) > 0 {
		t.Errorf("%v; persisted %v", err, s.persistIn)
	}
}

func newEnvironment() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(noLog)
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute) // the default, 3 s, is too short on a busy machine
	return env
}

var noLog = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))

func (s *script) register(env *testsuite.TestWorkflowEnvironment) {
	for name, f := range s.activities() {
		env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: name})
	}
}

func execute(t *testing.T, s *script) (picture.Outcome, picture.Picture) {
	t.Helper()
	env := newEnvironment()
	s.register(env)
	id := picture.NewID(time.Now(), rand.Text())
	key, err := id.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.New("bucket", key, "v1", "etag", 1234, time.Now().Round(0))
	if err != nil {
		t.Fatal(err)
	}
	env.ExecuteWorkflow(workflows.AnnotatePicture, picture.Order{Picture: p, ReannotateBefore: s.reannotateBefore})
	var outcome picture.Outcome
	if err := env.GetWorkflowResult(&outcome); err != nil {
		t.Fatalf("the workflow failed: %v", err)
	}
	return outcome, p
}

func checkRecord(t *testing.T, r picture.Record, p picture.Picture, rejection picture.Rejection) {
	t.Helper()
	if r.ID != p.ID || r.Bucket != p.Bucket || r.Key != p.Key || r.VersionID != p.VersionID || r.ETag != p.ETag || r.Schema != picture.Schema || r.Size != p.Size || r.ContentType != "image/jpeg" || !r.UploadedAt.Equal(p.UploadedAt) {
		t.Errorf("the Record does not describe the picture: %+v", r)
	}
	if r.RunID == "" || len(r.Steps) != 2 || r.Steps[0].Name != picture.PresignStep || r.Steps[1].Name != picture.AnnotateStep {
		t.Errorf("the Record has run ID %q and steps %+v", r.RunID, r.Steps)
	}
	if rejection == (picture.Rejection{}) {
		if r.Status != picture.Annotated || string(r.Annotation) != string(annotation) || r.AnnotatedAt.IsZero() || r.Rejection != nil {
			t.Errorf("the Record is not annotated: %+v", r)
		}
		return
	}
	if r.Status != picture.Rejected || r.Rejection == nil || *r.Rejection != rejection || r.Annotation != nil {
		t.Errorf("the Record is rejected with %+v, want %+v", r.Rejection, rejection)
	}
	if rejection.Step == picture.AnnotateStep && (r.Steps[1].Status != picture.StepFailed || r.Steps[1].Error != rejection.Message) {
		t.Errorf("the Record's failed step is %+v", r.Steps[1])
	}
}

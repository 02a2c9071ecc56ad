package workflows_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
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

// script answers for the three activities: each call takes the next answer, and the last one stays.
type script struct {
	presign  []error
	annotate []error
	persist  []error
	had      picture.Status                    // there is a Record already
	again    time.Time                         // what the order says
	before   map[picture.StepName]func() error // what each attempt of a step meets first

	presigned int
	sent      []activities.Send
	kept      []activities.PersistInput
}

func next(answers []error, n int) error {
	if len(answers) == 0 {
		return nil
	}
	return answers[min(n, len(answers)-1)]
}

// says is a failure as activities return it.
func says(kind picture.Kind) error {
	return temporal.NewApplicationErrorWithOptions("a sentence about "+string(kind), string(kind),
		temporal.ApplicationErrorOptions{NonRetryable: !kind.Retries()})
}

// throttled is a failure of a cloud that says when to come back.
func throttled(after time.Duration) error {
	return temporal.NewApplicationErrorWithOptions("a sentence about patience", string(picture.Throttled),
		temporal.ApplicationErrorOptions{NextRetryDelay: after})
}

var annotation = json.RawMessage(`{"faceAnnotations":[{"joyLikelihood":"VERY_LIKELY"}]}`)

func (s *script) meet(step picture.StepName) error {
	if meet := s.before[step]; meet != nil {
		return meet()
	}
	return nil
}

func (s *script) Presign(context.Context, picture.Picture) (activities.PresignResult, error) {
	if err := s.meet(picture.PresignStep); err != nil {
		return activities.PresignResult{}, err
	}
	s.presigned++
	return activities.PresignResult{
		SignedURL: activities.SignedURL{URL: "http://s3/picture", ExpiresAt: time.Unix(0, 0).UTC()},
		Step:      picture.Step{Name: picture.PresignStep, Cloud: "aws", Status: picture.StepDone, Attempt: s.presigned},
	}, next(s.presign, s.presigned-1)
}

func (s *script) Annotate(_ context.Context, in activities.AnnotateInput) (activities.AnnotateResult, error) {
	if err := s.meet(picture.AnnotateStep); err != nil {
		return activities.AnnotateResult{}, err
	}
	s.sent = append(s.sent, in.Send)
	if s.had != "" && s.had != picture.Erased && in.ReannotateBefore.IsZero() {
		return activities.AnnotateResult{Kept: s.had}, nil
	}
	return activities.AnnotateResult{
		Annotation: annotation,
		Step:       picture.Step{Name: picture.AnnotateStep, Cloud: "google", Status: picture.StepDone, Attempt: len(s.sent)},
	}, next(s.annotate, len(s.sent)-1)
}

func (s *script) Persist(_ context.Context, in activities.PersistInput) (picture.Outcome, error) {
	if err := s.meet(picture.PersistStep); err != nil {
		return picture.Outcome{}, err
	}
	s.kept = append(s.kept, in)
	status := in.Status
	if s.had == picture.Erased {
		status = picture.Erased
	}
	return picture.Outcome{ID: in.ID, Status: status}, next(s.persist, len(s.kept)-1)
}

// branch is one way a picture can go.
type branch struct {
	script    script
	want      picture.Status
	sent      []activities.Send
	presigned int
	rejection picture.Rejection // in the last Record handed to persist; zero for none
	unkept    bool              // persist is not called
}

// branches are all the ways; golden histories are recorded of them too.
func branches() map[string]branch {
	url, bytes := activities.ByURL, activities.ByBytes
	return map[string]branch{
		"a_picture_is_annotated": {
			want: picture.Annotated, sent: []activities.Send{url}, presigned: 1,
		},
		"a_picture_that_Google_cannot_fetch_is_sent_by_bytes": {
			script: script{annotate: []error{says(picture.Unfetchable), nil}},
			want:   picture.Annotated, sent: []activities.Send{url, bytes}, presigned: 1,
		},
		"a_bad_image_ends_in_a_Record_that_says_so": {
			script: script{annotate: []error{says(picture.BadImage)}},
			want:   picture.Rejected, sent: []activities.Send{url}, presigned: 1,
			rejection: picture.Rejection{Step: picture.AnnotateStep, Kind: picture.BadImage, Message: "a sentence about BadImage"},
		},
		"a_picture_that_is_gone_ends_in_a_Record_that_says_so": {
			script: script{annotate: []error{says(picture.Unfetchable), says(picture.Gone)}},
			want:   picture.Rejected, sent: []activities.Send{url, bytes}, presigned: 1,
			rejection: picture.Rejection{Step: picture.AnnotateStep, Kind: picture.Gone, Message: "a sentence about Gone"},
		},
		"an_annotation_too_large_to_keep_ends_in_a_Record_that_says_so": {
			script: script{annotate: []error{says(picture.TooLarge)}},
			want:   picture.Rejected, sent: []activities.Send{url}, presigned: 1,
			rejection: picture.Rejection{Step: picture.AnnotateStep, Kind: picture.TooLarge, Message: "a sentence about TooLarge"},
		},
		"a_Record_that_Cosmos_DB_finds_too_large_is_replaced_by_one_that_says_so": {
			script: script{persist: []error{says(picture.TooLarge), nil}},
			want:   picture.Rejected, sent: []activities.Send{url}, presigned: 1,
			rejection: picture.Rejection{Step: picture.PersistStep, Kind: picture.TooLarge, Message: "a sentence about TooLarge"},
		},
		"a_picture_erased_meanwhile_ends_as_erased": {
			script: script{had: picture.Erased},
			want:   picture.Erased, sent: []activities.Send{url}, presigned: 1,
		},
		"a_picture_erased_before_Google_was_asked_ends_as_erased": {
			script: script{annotate: []error{says(picture.WasErased)}, had: picture.Erased},
			want:   picture.Erased, sent: []activities.Send{url}, presigned: 1,
			rejection: picture.Rejection{Step: picture.AnnotateStep, Kind: picture.WasErased, Message: "a sentence about WasErased"},
		},
		"a_picture_that_has_its_Record_ends_as_that_says": {
			script: script{had: picture.Rejected},
			want:   picture.Rejected, sent: []activities.Send{url}, presigned: 1, unkept: true,
		},
		"a_picture_that_has_its_Record_is_annotated_again": {
			script: script{had: picture.Rejected, again: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)},
			want:   picture.Annotated, sent: []activities.Send{url}, presigned: 1,
		},
		"a_cloud_that_is_down_is_waited_for": {
			script: script{annotate: []error{says(picture.Unavailable), says(picture.Throttled), says(picture.Forbidden), says(picture.Misconfigured), nil}},
			want:   picture.Annotated, sent: []activities.Send{url, url, url, url, url}, presigned: 1,
		},
		"a_Record_that_cannot_be_written_at_once_is_written_by_an_activity": {
			script: script{persist: []error{says(picture.Unavailable), says(picture.Unavailable), nil}},
			want:   picture.Annotated, sent: []activities.Send{url}, presigned: 1,
		},
		"a_Record_that_Cosmos_DB_is_too_busy_for_is_written_when_it_says": {
			script: script{persist: []error{throttled(2 * time.Second), nil}},
			want:   picture.Annotated, sent: []activities.Send{url}, presigned: 1,
		},
		"an_error_nobody_foresaw_is_tried_again": {
			script: script{annotate: []error{errors.New("surprise"), nil}, persist: []error{errors.New("surprise"), nil}},
			want:   picture.Annotated, sent: []activities.Send{url, url}, presigned: 1,
		},
		"credentials_that_are_missing_for_a_moment_are_waited_for": {
			script: script{presign: []error{says(picture.Forbidden), says(picture.Forbidden), nil}},
			want:   picture.Annotated, sent: []activities.Send{url}, presigned: 3,
		},
	}
}

func TestAnnotatePicture(t *testing.T) {
	for name, c := range branches() {
		t.Run(name, func(t *testing.T) {
			s := c.script
			outcome, p := play(t, &s)
			if outcome.Status != c.want || outcome.ID != p.ID {
				t.Errorf("outcome %+v, want %s of %s", outcome, c.want, p.ID)
			}
			if !slices.Equal(s.sent, c.sent) {
				t.Errorf("sent by %v, want %v", s.sent, c.sent)
			}
			if s.presigned != c.presigned {
				t.Errorf("presigned %d times, want %d", s.presigned, c.presigned)
			}
			if c.unkept != (len(s.kept) == 0) {
				t.Fatalf("%d Records were handed to persist", len(s.kept))
			}
			if c.unkept {
				return
			}
			last := s.kept[len(s.kept)-1]
			checkRecord(t, last.Record, p, c.rejection)
			if !last.ReannotateBefore.Equal(s.again) {
				t.Errorf("persist shall replace what is from before %s, want %s", last.ReannotateBefore, s.again)
			}
		})
	}
}

func (s *script) register(env *testsuite.TestWorkflowEnvironment) {
	for name, f := range map[picture.StepName]any{picture.PresignStep: s.Presign, picture.AnnotateStep: s.Annotate, picture.PersistStep: s.Persist} {
		env.RegisterActivityWithOptions(f, activity.RegisterOptions{Name: string(name)})
	}
}

// discard keeps the SDK's log out of the tests'.
var discard = sdklog.NewStructuredLogger(slog.New(slog.DiscardHandler))

// environment is a test environment for a busy machine: the 3 s of real time that it usually waits for the next thing to
// happen may pass there without anything being wrong.
func environment() *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(discard)
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	return env
}

// play runs the workflow on the script; time that is only waited for passes at once.
func play(t *testing.T, s *script) (picture.Outcome, picture.Picture) {
	t.Helper()
	env := environment()
	s.register(env)
	id := picture.NewID(time.Now())
	key, err := id.Key("image/jpeg")
	if err != nil {
		t.Fatal(err)
	}
	p, err := picture.New("bucket", key, "v1", "etag", 1234, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	env.ExecuteWorkflow(workflows.AnnotatePicture, picture.Order{Picture: p, ReannotateBefore: s.again})
	var outcome picture.Outcome
	if err := env.GetWorkflowResult(&outcome); err != nil {
		t.Fatalf("the run failed: %v", err)
	}
	return outcome, p
}

func checkRecord(t *testing.T, r picture.Record, p picture.Picture, rejection picture.Rejection) {
	t.Helper()
	if r.ID != p.ID || r.Bucket != p.Bucket || r.Key != p.Key || r.VersionID != p.VersionID || r.ETag != p.ETag || r.Schema != picture.Schema || r.Size != p.Size || r.ContentType != "image/jpeg" || !r.UploadedAt.Equal(p.UploadedAt) {
		t.Errorf("the Record is not of the picture: %+v", r)
	}
	if r.RunID == "" || len(r.Steps) != 2 || r.Steps[0].Name != picture.PresignStep || r.Steps[1].Name != picture.AnnotateStep {
		t.Errorf("the Record does not tell its run and steps: %q, %+v", r.RunID, r.Steps)
	}
	if rejection == (picture.Rejection{}) {
		if r.Status != picture.Annotated || string(r.Annotation) != string(annotation) || r.AnnotatedAt.IsZero() || r.Rejection != nil {
			t.Errorf("the Record is not annotated: %+v", r)
		}
		return
	}
	if r.Status != picture.Rejected || r.Rejection == nil || *r.Rejection != rejection || r.Annotation != nil {
		t.Errorf("the Record is rejected as %+v, want %+v", r.Rejection, rejection)
	}
	if rejection.Step == picture.AnnotateStep && (r.Steps[1].Status != picture.StepFailed || r.Steps[1].Error != rejection.Message) {
		t.Errorf("the failed step is not told: %+v", r.Steps[1])
	}
}

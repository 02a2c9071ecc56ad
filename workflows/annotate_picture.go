// Package workflows says what happens to a picture, in order. It is deterministic: it calls no cloud, reads no
// clock but Temporal's, and old runs replay on new code (see testdata).
package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/picture"
)

// AnnotatePicture takes one picture through the three clouds. It ends when the picture has its Record:
// annotated, or rejected with a reason. A cloud that is down does not end it; it is waited for.
func AnnotatePicture(ctx workflow.Context, p picture.Picture) (picture.Outcome, error) {
	run := workflow.GetInfo(ctx).WorkflowExecution.RunID
	annotated, steps, err := annotate(ctx, p)
	if kind := kindOf(err); kind.Rejects() || kind == picture.WasErased { // persist leaves a tombstone as it is
		return persist(ctx, p.Rejected(reason(picture.Annotate, err), steps, run))
	}
	if err != nil {
		return picture.Outcome{}, err
	}
	outcome, err := persist(ctx, p.Annotated(annotated.Annotation, workflow.Now(ctx), steps, run))
	if kind := kindOf(err); kind.Rejects() {
		return persist(ctx, p.Rejected(reason(picture.Persist, err), steps, run))
	}
	return outcome, err
}

// annotate shows Google the picture by URL, and by bytes once Google could not fetch it. A URL that expired
// while Google was away is signed again.
func annotate(ctx workflow.Context, p picture.Picture) (activities.Annotated, []picture.Step, error) {
	for send := activities.ByURL; ; {
		signed, presigned, err := presign(ctx, p)
		if err != nil {
			return activities.Annotated{}, []picture.Step{presigned}, err
		}
		started := workflow.Now(ctx)
		var annotated activities.Annotated
		err = workflow.ExecuteActivity(annotateOptions(ctx), string(picture.Annotate),
			activities.AnnotateInput{Picture: p, Send: send, SignedURL: signed}).Get(ctx, &annotated)
		switch kindOf(err) {
		case picture.URLExpired:
		case picture.Unfetchable:
			send = activities.ByBytes
		default:
			if err != nil {
				annotated.Step = failed(ctx, picture.Annotate, started, err)
			}
			return annotated, []picture.Step{presigned, annotated.Step}, err
		}
	}
}

func presign(ctx workflow.Context, p picture.Picture) (activities.SignedURL, picture.Step, error) {
	started := workflow.Now(ctx)
	var signed activities.SignedURL
	err := workflow.ExecuteLocalActivity(presignOptions(ctx), string(picture.Presign), p).Get(ctx, &signed)
	if err != nil {
		return signed, failed(ctx, picture.Presign, started, err), err
	}
	return signed, picture.Step{
		Name: picture.Presign, Cloud: picture.Presign.Cloud(), Status: picture.StepDone,
		Attempt: 1, StartedAt: started, FinishedAt: workflow.Now(ctx),
	}, nil
}

func persist(ctx workflow.Context, r picture.Record) (picture.Outcome, error) {
	var outcome picture.Outcome
	err := workflow.ExecuteActivity(persistOptions(ctx), string(picture.Persist), r).Get(ctx, &outcome)
	return outcome, err
}

func failed(ctx workflow.Context, name picture.StepName, started time.Time, err error) picture.Step {
	return picture.Step{
		Name: name, Cloud: name.Cloud(), Status: picture.StepFailed, Attempt: 1,
		StartedAt: started, FinishedAt: workflow.Now(ctx), Error: reason(name, err).Message,
	}
}

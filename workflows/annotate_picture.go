// Package workflows says what happens to a picture, in order. It is deterministic: it calls no cloud, reads no
// clock but Temporal's, and old runs replay on new code (see testdata).
//
// A change to what a workflow schedules, or in which order, is made in one way: workflow.GetVersion keeps the old way for
// runs that are under way, the histories of testdata stay as they are, and the new way gets its own. TestVersioning is a
// worked example. What an activity takes and returns may only grow, by fields whose zero value is the old way.
package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/picture"
)

// AnnotatePicture takes one picture through the three clouds. It ends when the picture has its Record:
// annotated, or rejected with a reason. A cloud that is down does not end it; it is waited for.
func AnnotatePicture(ctx workflow.Context, order picture.Order) (picture.Outcome, error) {
	run := workflow.GetInfo(ctx).WorkflowExecution.RunID
	persist := persistHere
	if workflow.GetVersion(ctx, "persist is tried here first", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		persist = persistLater // asked for at the start, where the change costs no write of its own to the list of runs
	}
	annotated, steps, err := annotate(ctx, order)
	if annotated.Kept != "" { // an earlier run, which Temporal has forgotten, took it through
		return picture.Outcome{ID: order.ID, Status: annotated.Kept}, nil
	}
	if kind := kindOf(err); kind.Rejects() || kind == picture.WasErased { // persist leaves a tombstone as it is
		return persist(ctx, order, order.RejectedRecord(reason(picture.AnnotateStep, err), steps, run))
	}
	if err != nil {
		return picture.Outcome{}, err
	}
	outcome, err := persist(ctx, order, order.AnnotatedRecord(annotated.Annotation, workflow.Now(ctx), steps, run))
	if kind := kindOf(err); kind.Rejects() {
		return persist(ctx, order, order.RejectedRecord(reason(picture.PersistStep, err), steps, run))
	}
	return outcome, err
}

// annotate shows Google the picture by URL, and by bytes if Google could not fetch it.
func annotate(ctx workflow.Context, order picture.Order) (activities.AnnotateResult, []picture.Step, error) {
	signed, err := presign(ctx, order.Picture)
	if err != nil {
		return activities.AnnotateResult{}, nil, err
	}
	started := workflow.Now(ctx)
	annotated, err := show(ctx, activities.AnnotateInput{Picture: order.Picture, Send: activities.ByURL, SignedURL: signed.SignedURL, ReannotateBefore: order.ReannotateBefore})
	if kindOf(err) == picture.Unfetchable {
		annotated, err = show(ctx, activities.AnnotateInput{Picture: order.Picture, Send: activities.ByBytes, ReannotateBefore: order.ReannotateBefore})
	}
	if err != nil {
		annotated.Step = failed(ctx, picture.AnnotateStep, started, err)
	}
	return annotated, []picture.Step{signed.Step, annotated.Step}, err
}

// presign needs no network, so it is tried where the workflow runs, at no cost. When the worker has no credentials
// it waits for them as a durable activity, where describe shows why and no history grows.
func presign(ctx workflow.Context, p picture.Picture) (activities.PresignResult, error) {
	var signed activities.PresignResult
	err := workflow.ExecuteLocalActivity(here(ctx), string(picture.PresignStep), p).Get(ctx, &signed)
	if err != nil {
		err = workflow.ExecuteActivity(quick(ctx), string(picture.PresignStep), p).Get(ctx, &signed)
	}
	return signed, err
}

func show(ctx workflow.Context, in activities.AnnotateInput) (activities.AnnotateResult, error) {
	var annotated activities.AnnotateResult
	err := workflow.ExecuteActivity(rateLimited(ctx), string(picture.AnnotateStep), in).Get(ctx, &annotated)
	return annotated, err
}

// persistHere writes the Record where the workflow runs, and once: that spares three of a run's ten transactions. What
// does not succeed at once goes on as a durable activity, no sooner than Cosmos DB says; writing it a second time does
// no harm.
func persistHere(ctx workflow.Context, order picture.Order, r picture.Record) (picture.Outcome, error) {
	var outcome picture.Outcome
	in := activities.PersistInput{Record: r, ReannotateBefore: order.ReannotateBefore}
	err := workflow.ExecuteLocalActivity(here(ctx), string(picture.PersistStep), in).Get(ctx, &outcome)
	if err == nil || kindOf(err).Rejects() {
		return outcome, err
	}
	if patience := patienceOf(err); patience > 0 {
		in.NotBefore = workflow.Now(ctx).Add(patience)
	}
	return persistUntil(ctx, in)
}

// persistLater is how runs persist that began before it was tried here first.
func persistLater(ctx workflow.Context, order picture.Order, r picture.Record) (picture.Outcome, error) {
	return persistUntil(ctx, activities.PersistInput{Record: r, ReannotateBefore: order.ReannotateBefore})
}

// persistUntil waits for Cosmos DB for as long as it takes, where describe shows why.
func persistUntil(ctx workflow.Context, in activities.PersistInput) (picture.Outcome, error) {
	var outcome picture.Outcome
	err := workflow.ExecuteActivity(quick(ctx), string(picture.PersistStep), in).Get(ctx, &outcome)
	return outcome, err
}

func failed(ctx workflow.Context, name picture.StepName, started time.Time, err error) picture.Step {
	return picture.Step{
		Name: name, Cloud: name.Cloud(), Status: picture.StepFailed,
		StartedAt: started, FinishedAt: workflow.Now(ctx), Error: reason(name, err).Message,
	}
}

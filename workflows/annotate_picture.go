// Package workflows defines the order of the activities for a picture. Workflow code must be deterministic.
//
// New code replays the histories of open workflows. Guard each change to the activities or timers of a workflow with
// workflow.GetVersion, as in TestVersioning, and list it in released.go one release later. Never change a golden history
// in testdata, but record a new one for each new order of steps.
// Inputs and results of activities may only gain fields whose zero value keeps the old behaviour.
package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"triptych/activities"
	"triptych/picture"
)

// AnnotatePicture ends when the picture is annotated, rejected or erased. It waits while a cloud is unavailable.
func AnnotatePicture(ctx workflow.Context, order picture.Order) (picture.Outcome, error) {
	runID := workflow.GetInfo(ctx).WorkflowExecution.RunID
	result, steps, err := annotate(ctx, order)
	switch kind := kindOf(err); {
	case kind == picture.WasErased:
		return localFirst[picture.Outcome](ctx, picture.DiscardActivity, activities.DiscardInput{Picture: order.Picture})
	case kind.Rejects():
		return reject(ctx, order, picture.AnnotateStep, err, steps, runID)
	case err != nil:
		return picture.Outcome{}, err
	case result.Existing != "": // an earlier workflow stored the Record: its history is past retention, or it was terminated later
		return picture.Outcome{ID: order.ID, Status: result.Existing}, nil
	}
	outcome, err := persist(ctx, order, order.AnnotatedRecord(result.Annotation, workflow.Now(ctx), steps, runID))
	if kindOf(err).Rejects() { // the Record is too large
		return reject(ctx, order, picture.PersistStep, err, steps, runID)
	}
	return outcome, err
}

// Without the search attributes, nobody could list the rejected pictures, because histories and Records cannot be searched.
// Other pictures set none, because each history would get three more events.
func reject(ctx workflow.Context, order picture.Order, step picture.StepName, reason error, steps []picture.Step, runID string) (picture.Outcome, error) {
	outcome, err := persist(ctx, order, order.RejectedRecord(rejection(step, reason), steps, runID))
	if err != nil || outcome.Status != picture.Rejected ||
		workflow.GetVersion(ctx, "search-rejected", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return outcome, err
	}
	return outcome, workflow.UpsertTypedSearchAttributes(ctx,
		temporal.NewSearchAttributeKeyKeyword(picture.StatusAttribute).ValueSet(string(outcome.Status)),
		temporal.NewSearchAttributeKeyKeyword(picture.ReasonAttribute).ValueSet(string(kindOf(reason))))
}

func annotate(ctx workflow.Context, order picture.Order) (activities.AnnotateResult, []picture.Step, error) {
	signed, err := localFirst[activities.PresignResult](ctx, string(picture.PresignStep), order.Picture)
	if err != nil {
		return activities.AnnotateResult{}, nil, err
	}
	started := workflow.Now(ctx)
	in := activities.AnnotateInput{Picture: order.Picture, Send: activities.ByURL, SignedURL: signed.SignedURL, ReannotateBefore: order.ReannotateBefore}
	result, err := callGoogle(ctx, in)
	if kindOf(err) == picture.Unfetchable {
		in.Send, in.SignedURL = activities.ByBytes, activities.SignedURL{}
		result, err = callGoogle(ctx, in)
	}
	if err != nil {
		result.Step = failedStep(ctx, picture.AnnotateStep, started, err)
	}
	return result, []picture.Step{signed.Step, result.Step}, err
}

func callGoogle(ctx workflow.Context, in activities.AnnotateInput) (activities.AnnotateResult, error) {
	var result activities.AnnotateResult
	err := workflow.ExecuteActivity(annotateOptions(ctx), string(picture.AnnotateStep), in).Get(ctx, &result)
	if result.ID != "" && result.ID != in.Picture.ID {
		return result, fmt.Errorf("reading the annotation of %s: it belongs to %s", in.Picture.ID, result.ID)
	}
	return result, err
}

func persist(ctx workflow.Context, order picture.Order, r picture.Record) (picture.Outcome, error) {
	in := activities.PersistInput{Record: r, ReannotateBefore: order.ReannotateBefore}
	return localFirst[picture.Outcome](ctx, string(picture.PersistStep), in)
}

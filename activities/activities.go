// Package activities contains the Temporal activities. Temporal may repeat an activity, so each one is idempotent.
package activities

import (
	"context"
	"time"

	visionapi "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/semaphore"

	"triptych/internal/records"
	"triptych/picture"
)

// All fields of Activities except VisionParent are required.
type Activities struct {
	S3           *s3.Client
	Bucket       string // the bucket that web uploads to
	Vision       *visionapi.ImageAnnotatorClient
	VisionParent string // projects/PROJECT/locations/LOCATION; "" lets Google choose the location
	Records      *records.Container
	DailyLimit   *records.DailyLimit
	Features     []*visionpb.Feature // requested from Google
	InlineBytes  *semaphore.Weighted // capacity: InlineBytesLimit
}

func (a *Activities) RegisterMain(r worker.ActivityRegistry) {
	for name, method := range map[string]any{
		string(picture.PresignStep):       a.Presign,
		string(picture.PersistStep):       a.Persist,
		picture.DiscardActivity:           a.Discard,
		picture.SweepPageActivity:         a.SweepPage,
		picture.WriteTombstoneActivity:    a.WriteTombstone,
		picture.TerminateWorkflowActivity: a.TerminateWorkflow,
		picture.DeleteObjectActivity:      a.DeleteObject,
		picture.DeleteHistoryActivity:     a.DeleteHistory,
	} {
		// Never change an activity's name, because workflow histories contain the name.
		r.RegisterActivityWithOptions(method, activity.RegisterOptions{Name: name})
	}
}

func (a *Activities) RegisterAnnotate(r worker.ActivityRegistry) {
	r.RegisterActivityWithOptions(a.Annotate, activity.RegisterOptions{Name: string(picture.AnnotateStep)})
}

func doneStep(ctx context.Context, name picture.StepName, started time.Time) picture.Step {
	return picture.Step{Name: name, Cloud: name.Cloud(), Status: picture.StepDone,
		Attempt: int(activity.GetInfo(ctx).Attempt), StartedAt: started, FinishedAt: time.Now().UTC()}
}

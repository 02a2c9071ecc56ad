// Package activities contains the three steps of a picture (presign, annotate and persist), its erasure, and the sweep.
// All writes to the clouds happen here, and all are idempotent. Package workflows decides the order of the activities, and
// what follows an error.
package activities

import (
	visionapi "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/semaphore"

	"triptych/internal/records"
	"triptych/picture"
)

// Activities contains the dependencies of the activities. All fields are required, and all are safe for concurrent use.
type Activities struct {
	S3          *s3.Client
	Bucket      string // the bucket that web uploads to
	Vision      *visionapi.ImageAnnotatorClient
	Records     *records.Container
	Features    []*visionpb.Feature // requested from Google
	InlineBytes *semaphore.Weighted // of size InlineBytesLimit: limits the memory for pictures sent as bytes
}

// RegisterMain registers the activities of PicturesQueue.
func (a *Activities) RegisterMain(r worker.ActivityRegistry) {
	register(r, string(picture.PresignStep), a.Presign)
	register(r, string(picture.PersistStep), a.Persist)
	register(r, picture.DiscardActivity, a.Discard)
	register(r, picture.SweepPageActivity, a.SweepPage)
	register(r, picture.WriteTombstoneActivity, a.WriteTombstone)
	register(r, picture.TerminateWorkflowActivity, a.TerminateWorkflow)
	register(r, picture.DeleteObjectActivity, a.DeleteObject)
	register(r, picture.DeleteHistoryActivity, a.DeleteHistory)
}

// RegisterAnnotate registers the activity of AnnotateQueue.
func (a *Activities) RegisterAnnotate(r worker.ActivityRegistry) {
	register(r, string(picture.AnnotateStep), a.Annotate)
}

// register sets the activity's name explicitly, because histories contain the name: renaming the method must not change it.
func register(r worker.ActivityRegistry, name string, method any) {
	r.RegisterActivityWithOptions(method, activity.RegisterOptions{Name: name})
}

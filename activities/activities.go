// Package activities takes the three steps of a picture: presign it in AWS, have Google annotate it, persist
// the Record in Azure; and those that erase it again. Every write to a cloud happens here, and each may be
// repeated harmlessly. What comes next, and what an error means for the order of things, is decided in workflows.
package activities

import (
	vision "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/worker"
	"golang.org/x/sync/semaphore"

	"triptych/internal/records"
	"triptych/picture"
)

// Activities is what the steps need. All fields are required and safe for use by many at once.
type Activities struct {
	S3          *s3.Client
	Bucket      string                       // where web uploads to
	Vision      *vision.ImageAnnotatorClient // without retries of its own: see OpenVision
	Records     *records.Container
	Features    []*visionpb.Feature // what is asked of Google, see ParseFeatures
	InlineBytes *semaphore.Weighted // of InlineBytesLimit: what pictures that are sent by bytes may take in memory
}

// RegisterQuick registers what PicturesQueue carries.
func (a *Activities) RegisterMain(r worker.ActivityRegistry) {
	register(r, string(picture.PresignStep), a.Presign)
	register(r, string(picture.PersistStep), a.Persist)
	register(r, picture.SweepPageActivity, a.Sweep)
	register(r, picture.WriteTombstoneActivity, a.Bury)
	register(r, picture.TerminateWorkflowActivity, a.Terminate)
	register(r, picture.DeleteObjectActivity, a.Delete)
	register(r, picture.DeleteHistoryActivity, a.Forget)
}

// RegisterAnnotate registers what AnnotateQueue carries.
func (a *Activities) RegisterAnnotate(r worker.ActivityRegistry) {
	register(r, string(picture.AnnotateStep), a.Annotate)
}

// register names the activity whatever its method is called: the name stands in histories that outlive this
// code.
func register(r worker.ActivityRegistry, name string, method any) {
	r.RegisterActivityWithOptions(method, activity.RegisterOptions{Name: name})
}

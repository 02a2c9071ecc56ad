package e2e

import (
	"context"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"

	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

// Temporal removes the reason from a failure of more than 4 KiB.
func TestPageNamesTheReasonOfAFailureWithALongMessage(t *testing.T) {
	env := testenv.Start(t)
	env.Vision.SetFault(annotator.Fault{Code: codes.Unavailable, Message: strings.Repeat("<html>", 2000)})
	g := env.Upload(t, testenv.Portrait(t))
	var step picture.Step
	ctx, stop := context.WithCancel(testenv.Context(t))
	defer stop()
	env.Site.Follow(ctx, g.Link, func(p picture.Progress) {
		if step = p.Steps[1]; step.Status == picture.StepRetrying {
			stop()
		}
	})
	if step.Error != "Cloud Vision is unavailable or unreachable; Triptych tries again" || step.WaitingFor != picture.Google {
		t.Errorf("the step is %+v", step)
	}
}

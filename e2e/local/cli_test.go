package local

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	enumspb "go.temporal.io/api/enums/v1"
	"google.golang.org/grpc/codes"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
	"triptych/emulators/vision/annotator"
	"triptych/internal/pipeline"
	"triptych/picture"
)

func TestTemporalCLI(t *testing.T) {
	env := testenv.Start(t)
	stacktest.PauseSweeps(t, env.Stack)
	p := env.PutObject(t, "cli/me.jpg", testenv.Portrait(t))
	env.Vision.SetFault(annotator.Fault{Code: codes.Unavailable, Message: "a fault for the CLI"})
	if err := pipeline.Start(testenv.Context(t), env.Temporal, picture.Order{Picture: p}, pipeline.LivePriority); err != nil {
		t.Fatal(err)
	}
	profile := filepath.Join(env.Dir(), "temporal.toml")
	cli := func(t *testing.T, config string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(testenv.Context(t), env.Executable("temporal"), args...)
		cmd.Env = append(os.Environ(), "TEMPORAL_CONFIG_FILE="+config)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	awaitRetry(t, env, p)
	t.Run("describe_shows_the_failure_of_a_waiting_picture", func(t *testing.T) {
		if out := cli(t, profile, "workflow", "describe", "-w", p.ID.WorkflowID()); !strings.Contains(out, "Cloud Vision is unavailable") {
			t.Errorf("describe prints %s", out)
		}
	})
	env.Vision.SetFault(annotator.Fault{})
	if err := env.Temporal.GetWorkflow(testenv.Context(t), p.ID.WorkflowID(), "").Get(testenv.Context(t), nil); err != nil {
		t.Fatal(err)
	}
	show := []string{"workflow", "show", "--detailed", "-w", p.ID.WorkflowID()}
	contents := []string{
		p.Key, "X-Amz-Signature=", "ActivityType: presign", "activityType.name: annotate", "ActivityType: persist",
		"faceAnnotations", "joyLikelihood", "Cloud Vision is unavailable", "a fault for the CLI", "status: annotated",
	}
	t.Run("show_prints_the_whole_history_through_the_codec", func(t *testing.T) {
		out := cli(t, profile, show...)
		for _, want := range contents {
			if !strings.Contains(out, want) {
				t.Errorf("show does not print %s: %s", want, out)
			}
		}
		if strings.Contains(out, "encryption-key-id") {
			t.Errorf("show prints an encrypted payload: %s", out)
		}
	})
	t.Run("show_prints_nothing_readable_without_the_codec", func(t *testing.T) {
		out := cli(t, os.DevNull, append(show, "--address", env.Endpoints.Temporal)...)
		for _, secret := range contents {
			if secret != "activityType.name: annotate" && strings.Contains(out, secret) {
				t.Errorf("show prints %s: %s", secret, out)
			}
		}
		if !strings.Contains(out, enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED.String()) {
			t.Errorf("show prints %s", out)
		}
	})
}

func awaitRetry(t *testing.T, env *testenv.Env, p picture.Picture) {
	t.Helper()
	retries := func(ctx context.Context) bool {
		d, err := env.Temporal.DescribeWorkflowExecution(ctx, p.ID.WorkflowID(), "")
		return err == nil && len(d.PendingActivities) == 1 && d.PendingActivities[0].Attempt >= 2 && d.PendingActivities[0].LastFailure != nil
	}
	if !stacktest.Eventually(t, retries) {
		t.Fatal("annotate did not fail")
	}
}

package local

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
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
	temporal := stacktest.TemporalCLI(t)
	run := func(t *testing.T, config, program string, args ...string) (string, error) {
		t.Helper()
		cmd := exec.CommandContext(testenv.Context(t), program, args...)
		cmd.Env = append(os.Environ(), "TEMPORAL_CONFIG_FILE="+config)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	cli := func(t *testing.T, config string, args ...string) string {
		t.Helper()
		out, err := run(t, config, temporal, args...)
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return out
	}
	checkStory := func(t *testing.T, reference string, sentences ...string) {
		t.Helper()
		out, err := run(t, profile, env.Executable("worker"), "-story", reference)
		if err != nil {
			t.Errorf("%v", err)
		}
		for _, sentence := range sentences {
			if !strings.Contains(out, sentence) {
				t.Errorf("the story does not contain %q:\n%s", sentence, out)
			}
		}
	}
	awaitRetry(t, env, p)
	t.Run("story_of_a_waiting_picture_says_why_and_when_it_is_tried_again", func(t *testing.T) {
		checkStory(t, string(p.ID), "AnnotatePicture started on", "for cli/me.jpg", "presign succeeded in",
			"Now: annotate ", " failed: Cloud Vision is unavailable", "; Triptych tries again (Unavailable: a fault for the CLI)")
	})
	t.Run("describe_shows_the_failure_of_a_waiting_picture", func(t *testing.T) {
		if out := cli(t, profile, "workflow", "describe", "-w", p.ID.WorkflowID()); !strings.Contains(out, "Cloud Vision is unavailable") {
			t.Errorf("describe prints %s", out)
		}
	})
	env.Vision.SetFault(annotator.Fault{})
	if err := env.Temporal.GetWorkflow(testenv.Context(t), p.ID.WorkflowID(), "").Get(testenv.Context(t), nil); err != nil {
		t.Fatal(err)
	}
	t.Run("story_of_an_annotated_picture_contains_each_step", func(t *testing.T) {
		description, err := env.Temporal.DescribeWorkflowExecution(testenv.Context(t), p.ID.WorkflowID(), "")
		if err != nil {
			t.Fatal(err)
		}
		runID := description.GetWorkflowExecutionInfo().GetExecution().GetRunId()
		checkRun := func(ctx context.Context) bool { // the visibility store lags
			out, err := run(t, profile, env.Executable("worker"), "-story", runID)
			return err == nil && strings.HasPrefix(out, p.ID.WorkflowID()+", run "+runID)
		}
		if !stacktest.Eventually(t, checkRun) {
			t.Error("the run ID is not accepted as a reference")
		}
		checkStory(t, p.ID.WorkflowID(), "presign succeeded in", "annotate began attempt ", "annotate succeeded in", "persist succeeded in",
			"The workflow ended: the picture is annotated")
	})
	t.Run("story_is_decrypted_by_a_codec_that_demands_authorization", func(t *testing.T) {
		codec := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "127.0.0.1:" + port(t, env.Stack, "codec")})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer operator" || r.Header.Get("X-Namespace") != "default" {
				http.Error(w, "no authorization", http.StatusUnauthorized)
				return
			}
			codec.ServeHTTP(w, r)
		}))
		defer server.Close()
		t.Setenv("TEMPORAL_CODEC_ENDPOINT", server.URL)
		out, err := run(t, profile, env.Executable("worker"), "-story", string(p.ID))
		if err == nil || !strings.Contains(out, "TEMPORAL_CODEC_AUTH") {
			t.Errorf("without authorization: %v, %s", err, out)
		}
		t.Setenv("TEMPORAL_CODEC_ENDPOINT", "http://127.0.0.1:1")
		if out, err := run(t, profile, env.Executable("worker"), "-story", string(p.ID)); err == nil || !strings.Contains(out, "start it (go run ./codec)") {
			t.Errorf("without a codec: %v, %s", err, out)
		}
		t.Setenv("TEMPORAL_CODEC_ENDPOINT", server.URL)
		t.Setenv("TEMPORAL_CODEC_AUTH", "Bearer operator")
		checkStory(t, string(p.ID), "The workflow ended: the picture is annotated")
	})
	t.Run("story_of_an_unknown_picture_says_what_to_do", func(t *testing.T) {
		out, err := run(t, profile, env.Executable("worker"), "-story", "01a20518-02ef-7d99-935b-f2bfae16edc9")
		if err == nil || !strings.Contains(out, "no workflow in Temporal has the reference 01a20518-02ef-7d99-935b-f2bfae16edc9") || !strings.Contains(out, "docs/operations.md") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("story_without_Temporal_gives_the_cause_once", func(t *testing.T) {
		t.Setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
		out, err := run(t, profile, env.Executable("worker"), "-story", string(p.ID))
		if err == nil || !strings.Contains(out, "check TEMPORAL_ADDRESS") || strings.Count(out, "connection refused") != 1 {
			t.Errorf("%v: %s", err, out)
		}
	})
	show := []string{"workflow", "show", "--detailed", "-w", p.ID.WorkflowID()}
	contents := []string{
		p.Key, "X-Amz-Signature=", "ActivityType: presign", "activityType.name: annotate", "ActivityType: persist",
		"send the picture to Cloud Vision", "faceAnnotations", "joyLikelihood", "Cloud Vision is unavailable", "a fault for the CLI", "status: annotated",
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
	t.Run("describe_shows_the_summary_through_the_codec", func(t *testing.T) {
		if out := cli(t, profile, "workflow", "describe", "-w", p.ID.WorkflowID()); !strings.Contains(out, "annotate picture "+string(p.ID)) {
			t.Errorf("describe prints %s", out)
		}
	})
	t.Run("story_of_an_erased_picture_is_the_erasure", func(t *testing.T) {
		if err := pipeline.Erase(testenv.Context(t), env.Temporal, p.ID); err != nil {
			t.Fatal(err)
		}
		if err := env.Temporal.GetWorkflow(testenv.Context(t), p.ID.EraseWorkflowID(), "").Get(testenv.Context(t), nil); err != nil {
			t.Fatal(err)
		}
		checkStory(t, string(p.ID), p.ID.EraseWorkflowID()+", run ", "ErasePicture started on", "write-tombstone succeeded in", "delete-history succeeded in")
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

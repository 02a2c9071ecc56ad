package main

import (
	"context"
	"errors"
	"os/exec"
	"strings"
	"testing"

	"triptych/e2e/checktest"
	"triptych/e2e/s3test"
	"triptych/e2e/stacktest"
	"triptych/picture"
)

func TestCheck(t *testing.T) {
	s := stacktest.Start(t)
	const wrongKey = "d3Jvbmc="
	closed := s3test.FreeAddress()
	for name, test := range map[string]struct {
		settings []string // override those of the worker
		failed   []string // starts of the names of the calls that fail
		reason   string   // part of each of their lines
	}{
		"working_deployment_has_exit_status_0": {},
		"missing_setting_is_named":             {[]string{"TRIPTYCH_BUCKET="}, []string{"settings"}, "set TRIPTYCH_BUCKET"},
		"unreachable_SSM_is_named": {[]string{"TRIPTYCH_SSM_PATH=/triptych/worker", "AWS_ENDPOINT_URL_SSM=http://" + closed, "AWS_MAX_ATTEMPTS=1"},
			[]string{"settings"}, "the role needs ssm:GetParametersByPath on /triptych/worker"},
		"wrong_bucket_is_named":            {[]string{"TRIPTYCH_BUCKET=no-such-bucket"}, []string{"S3,"}, "check TRIPTYCH_BUCKET"},
		"wrong_AWS_secret_key_is_named":    {[]string{"AWS_SECRET_ACCESS_KEY=wrong"}, []string{"S3,"}, "check its secret key and clock"},
		"unreachable_Vision_is_named":      {[]string{"VISION_EMULATOR_HOST=" + closed}, []string{"Google,"}, "Cloud Vision is unavailable or unreachable"},
		"unreachable_Cosmos_DB_is_named":   {[]string{"COSMOS_ENDPOINT=http://" + closed}, []string{"Cosmos DB,"}, "Cosmos DB could not be reached"},
		"wrong_Cosmos_DB_key_is_named":     {[]string{"COSMOS_KEY=" + wrongKey}, []string{"Cosmos DB,"}, "check COSMOS_KEY"},
		"unreachable_Temporal_is_named":    {[]string{"TEMPORAL_ADDRESS=" + closed}, []string{"Temporal,"}, "check TEMPORAL_ADDRESS"},
		"missing_namespace_is_named":       {[]string{"TEMPORAL_NAMESPACE=missing"}, []string{"Temporal,"}, "check TEMPORAL_NAMESPACE"},
		"two_broken_clouds_are_both_named": {[]string{"COSMOS_KEY=" + wrongKey, "AWS_SECRET_ACCESS_KEY=wrong"}, []string{"S3,", "Cosmos DB,"}, "check "},
	} {
		t.Run(name, func(t *testing.T) {
			worker := exec.CommandContext(t.Context(), s.Executable("worker"), "-check")
			worker.Env = append(s.ProgramEnvironment("worker"), test.settings...)
			var stderr strings.Builder
			worker.Stderr = &stderr
			out, err := worker.Output()
			status := 0
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				status = exit.ExitCode()
			} else if err != nil {
				t.Fatal(err)
			}
			if want := min(len(test.failed), 1); status != want {
				t.Errorf("the exit status is %d, want %d", status, want)
			}
			t.Log(&stderr)
			checktest.Verify(t, string(out), test.failed, test.reason)
			if test.failed == nil && !strings.HasSuffix(string(out), "done    18 calls, 0 failed\n") {
				t.Error("the report does not have 18 calls")
			}
		})
	}
	t.Run("failed_health_check_prints_its_reason", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), s.Executable("worker"), "-healthy", closed).CombinedOutput()
		if err == nil || !strings.Contains(string(out), "The worker does not serve yet, or has stopped: dial tcp "+closed) {
			t.Errorf("%v\n%s", err, out)
		}
	})
	for name, args := range map[string][]string{
		"forgotten_dash": {"check"}, "empty_reference": {"-story", ""}, "empty_address": {"-healthy", ""},
	} {
		t.Run(name+"_does_not_start_a_worker", func(t *testing.T) {
			worker := exec.CommandContext(t.Context(), s.Executable("worker"), args...)
			worker.Env = []string{"TRIPTYCH_SSM_PATH="} // without settings, a worker would end with status 1
			if out, _ := worker.CombinedOutput(); worker.ProcessState.ExitCode() != 2 || !strings.Contains(string(out), "see -h") {
				t.Errorf("%s\n%s", worker.ProcessState, out)
			}
		})
	}
	t.Run("missing_search_attribute_is_named_and_created_by_the_next_worker", func(t *testing.T) {
		remove := exec.CommandContext(t.Context(), stacktest.TemporalCLI(t), "operator", "search-attribute", "remove", "--yes",
			"--name", picture.ReasonAttribute, "--address", s.Endpoints.Temporal)
		if out, err := remove.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var out []byte
		reports := func(want string) func(context.Context) bool {
			return func(ctx context.Context) bool { // the Temporal server caches search attributes
				worker := exec.CommandContext(ctx, s.Executable("worker"), "-check")
				worker.Env = s.ProgramEnvironment("worker")
				out, _ = worker.Output()
				return strings.Contains(string(out), want)
			}
		}
		if !stacktest.Eventually(t, reports("FAILED  Temporal, query the search attributes: The search attributes do not exist: start a worker")) {
			t.Errorf("the report does not name the missing attribute:\n%s", out)
		}
		s.StopProgram("worker")()
		if !stacktest.Eventually(t, reports("ok      Temporal, query the search attributes")) {
			t.Errorf("the worker has not created the attribute:\n%s", out)
		}
	})
	t.Run("paused_schedule_is_named", func(t *testing.T) {
		stacktest.PauseSweeps(t, s)
		worker := exec.CommandContext(t.Context(), s.Executable("worker"), "-check")
		worker.Env = s.ProgramEnvironment("worker")
		if out, err := worker.Output(); err == nil || strings.Count(string(out), "FAILED") != 2 || !strings.Contains(string(out), "The schedule is paused") {
			t.Errorf("%v\n%s", err, out)
		}
	})
}

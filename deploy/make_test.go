package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recorder replaces `go` and `terraform`: it logs the arguments and prints the output that the Makefile expects.
const recorder = `#!/bin/sh
echo "$(basename "$0") $* region=$AWS_REGION" >>"$CALLS"
case "$*" in
"$FAILS") exit 1 ;;
*"output -raw force_destroy") printf %s "$FORCE_DESTROY"; test "$FORCE_DESTROY" ;;
*"output -raw registry") echo registry.example/triptych-worker ;;
*"output -raw "*) echo "the-$4" ;;
"run ./deploy push "*) echo "$4@sha256:0123" ;;
esac
`

func TestMake(t *testing.T) {
	if _, err := exec.LookPath("make"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip("make is not installed")
	}
	bin := t.TempDir()
	for _, tool := range []string{"go", "terraform"} {
		if err := os.WriteFile(filepath.Join(bin, tool), []byte(recorder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	run := func(t *testing.T, failingCall string, target ...string) (calls []string, out string, err error) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "calls")
		cmd := exec.CommandContext(t.Context(), "make", append([]string{"-C", "..", "--no-print-directory"}, target...)...)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CALLS="+file, "FAILS="+failingCall, "AWS_REGION=", "MAKEFLAGS=")
		output, err := cmd.CombinedOutput()
		recorded, readErr := os.ReadFile(file)
		if readErr != nil && !os.IsNotExist(readErr) {
			t.Fatal(readErr)
		}
		for call := range strings.Lines(string(recorded)) {
			if !strings.Contains(call, "output -raw") {
				calls = append(calls, strings.TrimSpace(call))
			}
		}
		return calls, string(output), err
	}
	const push = "run ./deploy push registry.example/triptych-worker"
	deployed := []string{
		"go run ./deploy build region=",
		"terraform -chdir=terraform apply -target=aws_ecr_repository.worker region=",
		"go " + push + " region=",
		"terraform -chdir=terraform apply -var worker_image=registry.example/triptych-worker@sha256:0123 region=",
		"go run ./deploy site the-site_bucket the-distribution region=the-region",
	}
	t.Run("deploy_creates_the_registry_then_the_rest_then_uploads_the_page", func(t *testing.T) {
		calls, out, err := run(t, "", "deploy")
		if err != nil || !slices.Equal(calls, deployed) {
			t.Errorf("%s: %v\n%s", strings.Join(calls, "\n"), err, out)
		}
	})
	t.Run("failed_push_stops_the_deployment", func(t *testing.T) {
		calls, out, err := run(t, push, "deploy")
		if err == nil || !slices.Equal(calls, deployed[:3]) {
			t.Errorf("%s: %v\n%s", strings.Join(calls, "\n"), err, out)
		}
	})
	t.Run("failed_apply_stops_before_the_page_upload", func(t *testing.T) {
		calls, out, err := run(t, strings.TrimSuffix(strings.TrimPrefix(deployed[3], "terraform "), " region="), "deploy")
		if err == nil || !slices.Equal(calls, deployed[:4]) {
			t.Errorf("%s: %v\n%s", strings.Join(calls, "\n"), err, out)
		}
	})
	for name, test := range map[string]struct {
		forceDestroy, wantOutput string
		wantCalls                []string
	}{
		"destroy_runs_terraform_destroy_if_force_destroy_is_applied": {"true", "", []string{"terraform -chdir=terraform destroy region="}},
		"destroy_deletes_nothing_before_force_destroy_is_applied":    {"false", "set force_destroy = true", nil},
		"destroy_deletes_nothing_if_Terraform_fails":                 {"", "run terraform init", nil},
		"destroy_deletes_nothing_if_the_state_is_empty":              {"Warning: No outputs found", "run terraform init", nil}, // exit status 0
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("FORCE_DESTROY", test.forceDestroy)
			calls, out, err := run(t, "", "destroy")
			if (err != nil) != (test.wantCalls == nil) || !slices.Equal(calls, test.wantCalls) || !strings.Contains(out, test.wantOutput) {
				t.Errorf("%q: %v\n%s", calls, err, out)
			}
		})
	}
	t.Run("make_without_a_target_only_prints_help", func(t *testing.T) {
		calls, out, err := run(t, "")
		for _, target := range []string{"make build", "make deploy", "make destroy"} {
			if err != nil || len(calls) > 0 || !strings.Contains(out, target) {
				t.Errorf("%q: %v\n%s", calls, err, out)
			}
		}
	})
}

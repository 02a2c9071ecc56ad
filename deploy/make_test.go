package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// recorder stands in for go and terraform: it writes down how it was called, and answers what the recipe reads.
const recorder = `#!/bin/sh
echo "$(basename "$0") $* region=$AWS_REGION" >>"$CALLS"
case "$*" in
"$FAILS") exit 1 ;;
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
	run := func(t *testing.T, fails string, target ...string) (calls []string, out string, err error) {
		t.Helper()
		log := filepath.Join(t.TempDir(), "calls")
		cmd := exec.CommandContext(t.Context(), "make", append([]string{"-C", "..", "--no-print-directory"}, target...)...)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CALLS="+log, "FAILS="+fails, "AWS_REGION=", "MAKEFLAGS=")
		said, err := cmd.CombinedOutput()
		written, readErr := os.ReadFile(log)
		if readErr != nil && !os.IsNotExist(readErr) {
			t.Fatal(readErr)
		}
		for call := range strings.Lines(string(written)) {
			if !strings.Contains(call, "output -raw") {
				calls = append(calls, strings.TrimSpace(call))
			}
		}
		return calls, string(said), err
	}
	const push = "run ./deploy push registry.example/triptych-worker"
	deployed := []string{
		"go run ./deploy build region=",
		"terraform -chdir=terraform apply -target=aws_ecr_repository.worker region=",
		"go " + push + " region=",
		"terraform -chdir=terraform apply -var worker_image=registry.example/triptych-worker@sha256:0123 region=",
		"go run ./deploy site the-site_bucket the-distribution region=the-region",
	}
	t.Run("deploy_makes_the_registry_then_all_with_the_image_by_digest_and_then_the_page", func(t *testing.T) {
		calls, out, err := run(t, "", "deploy")
		if err != nil || !slices.Equal(calls, deployed) {
			t.Errorf("%s: %v\n%s", strings.Join(calls, "\n"), err, out)
		}
	})
	t.Run("an_image_that_could_not_be_pushed_is_not_deployed", func(t *testing.T) {
		calls, out, err := run(t, push, "deploy")
		if err == nil || !slices.Equal(calls, deployed[:3]) {
			t.Errorf("%s: %v\n%s", strings.Join(calls, "\n"), err, out)
		}
	})
	t.Run("what_Terraform_did_not_make_gets_no_page", func(t *testing.T) {
		calls, out, err := run(t, strings.TrimSuffix(strings.TrimPrefix(deployed[3], "terraform "), " region="), "deploy")
		if err == nil || !slices.Equal(calls, deployed[:4]) {
			t.Errorf("%s: %v\n%s", strings.Join(calls, "\n"), err, out)
		}
	})
	t.Run("destroy_is_Terraform's", func(t *testing.T) {
		calls, out, err := run(t, "", "destroy")
		if err != nil || !slices.Equal(calls, []string{"terraform -chdir=terraform destroy region="}) {
			t.Errorf("%q: %v\n%s", calls, err, out)
		}
	})
	t.Run("make_alone_says_what_there_is_and_does_nothing", func(t *testing.T) {
		calls, out, err := run(t, "")
		for _, target := range []string{"make build", "make deploy", "make destroy"} {
			if err != nil || len(calls) > 0 || !strings.Contains(out, target) {
				t.Errorf("%q: %v\n%s", calls, err, out)
			}
		}
	})
}

package workflows_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"triptych/e2e/statustest"
	"triptych/workflows"
)

var previous = flag.String("previous", "", "the `revision` of the worker that is deployed; default: the last release before HEAD")

// A worker of the previous release must continue the workflows of this one after a rollback.
func TestRollback(t *testing.T) {
	if *previous == "" {
		tag, err := exec.Command("git", "describe", "--tags", "--abbrev=0", "--match=v*", "HEAD^").Output()
		if err != nil {
			t.Skip("no earlier release exists")
		}
		*previous = strings.TrimSpace(string(tag))
	}
	dir := t.TempDir()
	extract := exec.Command("sh", "-c", `git -C .. archive "$1" | tar -x -C "$2"`, "sh", *previous, dir)
	if out, err := extract.CombinedOutput(); err != nil {
		t.Fatalf("extracting %s: %v\n%s", *previous, err, out)
	}
	paths, err := filepath.Glob("testdata/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		if !recordedByThisRelease(t, path) {
			continue
		}
		history, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(dir, "workflows", path)
		if err := os.MkdirAll(filepath.Dir(copied), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(copied, history, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replay := exec.Command("go", "test", "./workflows", "-run", "TestGolden$", "-v")
	replay.Dir = dir
	out, err := replay.CombinedOutput()
	if err != nil {
		t.Errorf("after a rollback to %s, workflows with these histories would get stuck: release the change in two steps, see released.go\n%s", *previous, out)
	} else if !strings.Contains(string(out), "--- PASS: TestGolden/") {
		t.Errorf("%s has no TestGolden, so no history was replayed\n%s", *previous, out)
	}
}

func recordedByThisRelease(t *testing.T, path string) bool {
	t.Helper()
	for _, event := range statustest.LoadHistory(t, path).Events {
		marker := event.GetMarkerRecordedEventAttributes()
		if marker.GetMarkerName() != "Version" {
			continue
		}
		in := worker.PreferredVersionProviderInput{MinSupported: workflow.DefaultVersion}
		var version workflow.Version
		decode(t, marker.Details["change-id"], &in.ChangeID)
		decode(t, marker.Details["version"], &version)
		if version > workflows.PreferredVersion(in).Version {
			return false
		}
	}
	return true
}

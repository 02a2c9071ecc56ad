package supervisor

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestTemporalite runs the tests of the tools module, because `go test ./...` ignores nested modules. They run without
// the race detector, because compiling Temporal once more takes minutes.
func TestTemporalite(t *testing.T) {
	if testing.Short() {
		t.Skip("the tests of the Temporal server take a minute")
	}
	root, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "./temporalite/...")
	cmd.Dir = filepath.Join(root, "tools")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

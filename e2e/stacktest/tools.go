package stacktest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"triptych/local/supervisor"
)

// TemporalCLI returns the path of the Temporal CLI. A lock keeps two packages from compiling it at the same time, and the server
// is built first, because both need mostly the same packages.
func TemporalCLI(t testing.TB) string {
	t.Helper()
	now := make(chan struct{})
	close(now)
	if _, err := supervisor.BuildServer(t.Context(), now, func(int, int) {}, t.Output()); err != nil {
		t.Fatal(err)
	}
	lock, err := supervisor.LockBuilds(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	module, err := exec.CommandContext(t.Context(), "go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	tools := filepath.Join(filepath.Dir(string(module)), "tools", "go.mod")
	path, err := exec.CommandContext(t.Context(), "go", "tool", "-n", "-modfile="+tools, "temporal").Output()
	if err != nil {
		t.Fatal("building the Temporal CLI:", err)
	}
	return strings.TrimSpace(string(path))
}

// RequireTools skips a test of a document if a program that the document uses is missing. With CI=true, the test fails.
func RequireTools(t testing.TB, document string, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatalf("the commands of %s need %s: install it with apt-get", document, tool)
			}
			t.Skipf("the commands of %s need %s", document, tool)
		}
	}
}

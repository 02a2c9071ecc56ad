package stacktest

import (
	"os"
	"os/exec"
	"testing"

	"triptych/local/supervisor"
)

func TemporalCLI(t testing.TB) string {
	t.Helper()
	path, err := supervisor.BuildTool(t.Context(), "temporal", t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return path
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

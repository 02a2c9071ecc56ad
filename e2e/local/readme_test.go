package local

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"triptych/e2e/stacktest"
)

func TestREADME(t *testing.T) {
	stacktest.RequireTools(t, "README.md", "bash", "curl", "jq", "openssl")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(readme), "```sh\n")
	script, _, closed := strings.Cut(after, "```")
	if !found || !closed {
		t.Fatal("the README contains no block of shell commands")
	}
	s := stacktest.Start(t)
	t.Run("commands_upload_a_photo_that_is_annotated", func(t *testing.T) {
		cmd := exec.CommandContext(t.Context(), "bash", "-euo", "pipefail", "-c",
			strings.ReplaceAll(script, "http://127.0.0.1:8080", s.Endpoints.Site))
		cmd.Dir = "../.."
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var last string
		for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				last = data
			}
		}
		if !strings.Contains(last, `"status":"annotated"`) || !strings.Contains(last, "joyLikelihood") {
			t.Errorf("the last event is %s, want an annotation with a face", last)
		}
	})
	t.Run("temporal_commands_reach_this_stack_despite_the_settings_of_a_deployment", func(t *testing.T) {
		_, debug, _ := strings.Cut(string(readme), "## Debug it\n")
		var setup []string
		for line := range strings.Lines(debug) {
			command, ok := strings.CutPrefix(line, "    $ ")
			if !ok {
				continue
			}
			if setup = append(setup, command); strings.HasPrefix(command, "temporal workflow list") {
				break
			}
		}
		script := strings.NewReplacer(".triptych", s.Dir(), "go tool -modfile=tools/go.mod temporal", stacktest.TemporalCLI(t)).Replace(strings.Join(setup, ""))
		var out []byte
		lists := func(ctx context.Context) bool {
			cmd := exec.CommandContext(ctx, "bash", "-uc", script)
			cmd.Env = append(os.Environ(), "TEMPORAL_ADDRESS=127.0.0.1:1", "TEMPORAL_NAMESPACE=elsewhere", "TEMPORAL_API_KEY=key", "TEMPORAL_CODEC_ENDPOINT=http://127.0.0.1:1")
			out, _ = cmd.CombinedOutput()
			return strings.Contains(string(out), "AnnotatePicture") // the visibility store lags
		}
		if !stacktest.Eventually(t, lists) {
			t.Errorf("the list is %s", out)
		}
	})
}

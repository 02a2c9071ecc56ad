package local

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
)

// TestDebuggingGuide injects the faults of docs/debugging.md, and compares what its commands print with the document.
func TestDebuggingGuide(t *testing.T) {
	stacktest.RequireTools(t, "docs/debugging.md", "bash")
	guide, err := os.ReadFile("../../docs/debugging.md")
	if err != nil {
		t.Fatal(err)
	}
	env := testenv.Start(t)
	for _, c := range []struct {
		section, cloud, fault string
		photo                 []byte
		cleared               int // the fault is cleared before this command; 0 if never
		commands              int
	}{
		{"A slow picture", "google", "slow", testenv.Portrait(t), 0, 1},
		{"A stuck picture", "azure", "down", testenv.Portrait(t), 2, 3},
		{"A rejected picture", "google", "none", []byte("not an image"), 0, 2},
	} {
		t.Run(strings.ReplaceAll(c.section, " ", "_")+"_is_debugged_as_the_document_says", func(t *testing.T) {
			_, section, found := strings.Cut(string(guide), "## "+c.section+"\n")
			section, _, _ = strings.Cut(section, "\n## ")
			commands := regexp.MustCompile(`(?m)^    \$ (.+)\n((?:    .*\n)+)`).FindAllStringSubmatch(section, -1)
			id := regexp.MustCompile(`-story (\S+)`).FindStringSubmatch(section)
			if !found || id == nil || len(commands) != c.commands {
				t.Fatalf("the section has %d commands, want %d", len(commands), c.commands)
			}
			setFault(t, env, c.cloud, c.fault)
			defer setFault(t, env, c.cloud, "none")
			g := env.Upload(t, c.photo)
			if c.cleared == 0 {
				env.Follow(t, g.Link)
			}
			for i, command := range commands {
				if i > 0 && i == c.cleared {
					setFault(t, env, c.cloud, "none")
					env.Follow(t, g.Link)
				}
				script := strings.NewReplacer("go run ./worker", env.Executable("worker"), "temporal workflow", stacktest.TemporalCLI(t)+" workflow",
					id[1], string(g.ID)).Replace(command[1])
				var out string
				prints := func(ctx context.Context) bool { // the visibility store lags, and an attempt may run at this moment
					cmd := exec.CommandContext(ctx, "bash", "-c", script)
					cmd.Env = append(os.Environ(), "TEMPORAL_CONFIG_FILE="+filepath.Join(env.Dir(), "temporal.toml"))
					b, err := cmd.CombinedOutput()
					out = string(b)
					return err == nil && hasShape(out, command[2])
				}
				if !stacktest.Eventually(t, prints) {
					t.Errorf("%s prints\n%s\nwhich has another shape than\n%s", command[1], out, command[2])
				}
			}
		})
	}
}

var varying = []struct {
	pattern *regexp.Regexp
	name    string
}{
	{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "ID"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`\b(\d+(\.\d+)?(ms|s|m|h))+\b`), "DURATION"},
	{regexp.MustCompile(`\d+ (second|minute)s? ago`), "AGO"},
	{regexp.MustCompile(`\(\d+ bytes\)|attempt \d+|Attempt \d+`), "NUMBER"},
	{regexp.MustCompile(`[ \t]+`), " "},
}

// hasShape reports whether the output contains the document's lines in their order. A busy machine may add lines about
// waiting. In the document, … stands for any text.
func hasShape(out, documented string) bool {
	for _, v := range varying {
		out, documented = v.pattern.ReplaceAllString(out, v.name), v.pattern.ReplaceAllString(documented, v.name)
	}
	for _, part := range strings.FieldsFunc(documented, func(r rune) bool { return r == '…' || r == '\n' }) {
		_, after, found := strings.Cut(out, strings.TrimSpace(part))
		if !found {
			return false
		}
		out = after
	}
	return true
}

package terraform_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckCommand runs the script of the output check with an aws command that answers like a deployment.
func TestCheckCommand(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil {
		t.Skip("jq is not installed")
	}
	script, _ := lookup(mustPlan(t, readSources(t), nil).resource("output.check").values, "value").(string)
	const webPrelude = `{"statusCode":200,"headers":{"Content-Type":"text/plain"}}` + `\0\0\0\0\0\0\0\0`
	for name, test := range map[string]struct {
		worker, trigger, web, exitCode string
		fails                          bool
		wants                          []string // lines
	}{
		"working_deployment_has_exit_status_0": {"ok      S3", `["ok      settings"]`, webPrelude + `ok      settings\n`, "0", false,
			[]string{"trigger:", "ok      settings", "web:", "ok      settings", "worker:", "ok      S3"}},
		"failure_of_the_worker_has_exit_status_1": {"FAILED  S3: reason", `["ok      settings"]`, webPrelude + `ok      settings\n`, "1", true,
			[]string{"FAILED  S3: reason"}},
		"failure_of_the_trigger_has_exit_status_1": {"ok      S3", `["ok      settings","FAILED  Temporal: reason, \"quoted\""]`, webPrelude + `ok      settings\n`, "0", true,
			[]string{`FAILED  Temporal: reason, "quoted"`}},
		"failure_of_web_has_exit_status_1": {"ok      S3", `["ok      settings"]`, webPrelude + `ok      settings\nFAILED  S3: reason\n`, "0", true,
			[]string{"ok      settings", "FAILED  S3: reason"}},
		"crashed_trigger_has_exit_status_1": {"ok      S3", `{"errorMessage":"timed out"}`, webPrelude + `ok      settings\n`, "0", true,
			[]string{"FAILED  timed out"}},
		"crashed_web_has_exit_status_1": {"ok      S3", `["ok      settings"]`, `{"errorMessage":"timed out"}`, "0", true,
			[]string{`FAILED  {"errorMessage":"timed out"}`}},
		"task_that_never_started_has_exit_status_1": {"", `["ok      settings"]`, webPrelude + `ok      settings\n`, "None", true,
			[]string{"CannotPullContainerError"}},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			writeScript(t, bin, "aws", `case "$1 $2 $*" in
"ecs run-task "*\"-check\"*) echo arn:aws:ecs:eu-central-1:123456789012:task/triptych/0123 ;;
"lambda invoke "*triptych:Check*) printf "$TRIGGER" >"${@: -1}" ;;
"lambda invoke "*rawPath*) printf "$WEB" >"${@: -1}" ;;
"ecs wait "*) ;;
"logs get-log-events "*worker/worker/0123*) test -n "$WORKER" && echo "$WORKER" ;;
"ecs describe-tasks "*stoppedReason*) echo CannotPullContainerError ;;
"ecs describe-tasks "*exitCode*) echo "$EXIT_CODE" ;;
*) echo "unexpected: $*" >&2; exit 2 ;;
esac`)
			command := exec.CommandContext(t.Context(), "sh", "-c", script)
			command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+filepath.Join(t.TempDir()),
				"WORKER="+test.worker, "TRIGGER="+strings.ReplaceAll(test.trigger, `\`, `\\`), "WEB="+test.web, "EXIT_CODE="+test.exitCode)
			out, err := command.CombinedOutput()
			if (err != nil) != test.fails {
				t.Errorf("the error is %v, want one: %t", err, test.fails)
			}
			rest := string(out)
			for _, want := range test.wants {
				_, after, found := strings.Cut(rest, want+"\n")
				if !found {
					t.Fatalf("%q is missing or in the wrong order:\n%s", want, out)
				}
				rest = after
			}
			if strings.Contains(string(out), "unexpected") || strings.Contains(string(out), "statusCode") {
				t.Errorf("%s", out)
			}
		})
	}
}

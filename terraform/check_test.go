package terraform_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"triptych/e2e/checktest"
)

// TestCheckCommand runs the script of the output check with an aws command that answers like a deployment.
func TestCheckCommand(t *testing.T) {
	if _, err := exec.LookPath("jq"); err != nil && os.Getenv("CI") == "" {
		t.Skip("jq is not installed")
	}
	script, _ := lookup(mustPlan(t, readSources(t), nil).resource("output.check").values, "value").(string)
	for _, payload := range []string{checktest.TriggerPayload, checktest.WebPayload} {
		if !strings.Contains(script, "--payload '"+payload+"' ") {
			t.Errorf("the script does not send %s:\n%s", payload, script)
		}
	}
	const (
		task       = `arn:aws:ecs:eu-central-1:123456789012:task/triptych/0123\tNone`
		worker     = `{"msg":"connecting"}\nok      S3\ndone    1 calls, 0 failed\n`
		trigger    = `["ok      settings","done    1 calls, 0 failed"]`
		webPrelude = `{"statusCode":200,"headers":{"Content-Type":"text/plain"}}\0\0\0\0\0\0\0\0`
		web        = webPrelude + `ok      settings\ndone    1 calls, 0 failed\n`
	)
	for name, test := range map[string]struct {
		env   map[string]string // answers that differ from those of a working deployment
		fails bool
		wants []string // lines, in this order
	}{
		"working_deployment_has_exit_status_0": {nil, false, []string{
			"trigger:", "ok      settings", "done    1 calls, 0 failed",
			"web:", "ok      settings", "done    1 calls, 0 failed",
			"worker:", "ok      S3", "done    1 calls, 0 failed"}},
		"late_log_of_the_worker_is_awaited": {map[string]string{"LATE": "1"}, false,
			[]string{"worker:", "ok      S3", "done    1 calls, 0 failed"}},

		"failure_of_the_worker_is_reported": {map[string]string{"WORKER": `FAILED  S3: reason\ndone    1 calls, 1 failed\n`, "STOPPED": `1\tEssential container in task exited\tNone`}, true,
			[]string{"done    1 calls, 0 failed", "FAILED  S3: reason", "done    1 calls, 1 failed"}},
		"crash_of_the_worker_is_reported": {map[string]string{"WORKER": `ok      settings\n`, "STOPPED": `137\tEssential container in task exited\tOutOfMemoryError`}, true,
			[]string{"ok      settings", "FAILED  worker: exit code, reason of the task, reason of the container: 137,Essential container in task exited,OutOfMemoryError"}},
		"worker_without_a_complete_log_is_reported": {map[string]string{"WORKER": `ok      settings\n`}, true,
			[]string{"FAILED  worker: no complete answer"}},
		"worker_without_a_log_is_reported": {map[string]string{"WORKER": ""}, true,
			[]string{"worker:", "FAILED  worker: no complete answer"}},
		"task_that_never_started_is_reported": {map[string]string{"WORKER": "", "STOPPED": `None\tCannotPullContainerError\tNone`}, true,
			[]string{"FAILED  worker: exit code, reason of the task, reason of the container: None,CannotPullContainerError,None"}},
		"refused_task_is_reported": {map[string]string{"TASK": `None\tRESOURCE:ENI`}, true,
			[]string{"trigger:", "done    1 calls, 0 failed", "web:", "done    1 calls, 0 failed", "FAILED  worker: aws ecs run-task started no task: RESOURCE:ENI"}},
		"failed_run_task_does_not_hide_the_functions": {map[string]string{"BROKEN": "ecs run-task"}, true,
			[]string{"done    1 calls, 0 failed", "done    1 calls, 0 failed", "FAILED  worker: aws ecs run-task started no task: "}},
		"failed_waiting_for_the_worker_is_reported": {map[string]string{"BROKEN": "ecs wait"}, true,
			[]string{"FAILED  worker: the task does not stop"}},
		"failed_reading_of_the_task_is_reported": {map[string]string{"BROKEN": "ecs describe-tasks"}, true,
			[]string{"FAILED  worker: aws ecs describe-tasks failed", "ok      S3"}},
		"failed_reading_of_the_log_is_reported": {map[string]string{"BROKEN": "logs get-log-events"}, true,
			[]string{"the command failed", "FAILED  worker: no complete answer"}},

		"failure_of_the_trigger_is_reported": {map[string]string{"TRIGGER": `["FAILED  Temporal: reason, \\"quoted\\"","done    1 calls, 1 failed"]`}, true,
			[]string{`FAILED  Temporal: reason, "quoted"`, "web:", "done    1 calls, 0 failed", "worker:", "done    1 calls, 0 failed"}},
		"crash_of_the_trigger_is_reported": {map[string]string{"TRIGGER": `{"errorMessage":"timed out"}`}, true,
			[]string{"FAILED  timed out", "FAILED  trigger: no complete answer"}},
		"truncated_answer_of_the_trigger_is_reported": {map[string]string{"TRIGGER": `["ok      settings"]`}, true,
			[]string{"ok      settings", "FAILED  trigger: no complete answer"}},
		"empty_answer_of_the_trigger_is_reported": {map[string]string{"TRIGGER": ""}, true,
			[]string{"trigger:", "FAILED  trigger: no complete answer", "done    1 calls, 0 failed"}},
		"answer_of_the_trigger_that_is_not_JSON_is_reported": {map[string]string{"TRIGGER": "<html>"}, true,
			[]string{"FAILED  trigger: no complete answer", "done    1 calls, 0 failed", "done    1 calls, 0 failed"}},
		"failed_invocation_of_the_trigger_does_not_hide_the_others": {map[string]string{"BROKEN": "lambda invoke trigger"}, true,
			[]string{"FAILED  trigger: aws lambda invoke failed", "web:", "done    1 calls, 0 failed", "worker:", "done    1 calls, 0 failed"}},

		"failure_of_web_is_reported": {map[string]string{"WEB": webPrelude + `ok      settings\nFAILED  S3: reason\ndone    2 calls, 1 failed\n`}, true,
			[]string{"ok      settings", "FAILED  S3: reason", "worker:", "done    1 calls, 0 failed"}},
		"crash_of_web_is_reported": {map[string]string{"WEB": `{"errorMessage":"timed out"}`}, true,
			[]string{`FAILED  {"errorMessage":"timed out"}`}},
		"answer_of_web_without_bytes_is_reported": {map[string]string{"WEB": ""}, true,
			[]string{"web:", "FAILED  web: no complete answer", "worker:"}},
		"empty_answer_of_web_is_reported": {map[string]string{"WEB": webPrelude}, true,
			[]string{"web:", "FAILED  web: no complete answer", "worker:"}},
		"truncated_answer_of_web_is_reported": {map[string]string{"WEB": webPrelude + `ok      settings\n`}, true,
			[]string{"web:", "ok      settings", "FAILED  web: no complete answer", "worker:"}},
		"problem_of_web_is_reported": {map[string]string{"WEB": webPrelude + `{"status":503,"detail":"reason"}`}, true,
			[]string{"web:", `{"status":503,"detail":"reason"}`, "FAILED  web: no complete answer", "worker:"}},
		"failed_invocation_of_web_does_not_hide_the_others": {map[string]string{"BROKEN": "lambda invoke web"}, true,
			[]string{"trigger:", "done    1 calls, 0 failed", "FAILED  web: aws lambda invoke failed", "worker:", "done    1 calls, 0 failed"}},
	} {
		t.Run(name, func(t *testing.T) {
			bin := t.TempDir()
			writeScript(t, bin, "sleep", `touch "$CALLED"`)
			writeScript(t, bin, "aws", `call="$1 $2"
case "$*" in
*'--payload {"Event"'*) call="lambda invoke trigger" ;;
*'--payload {"rawPath"'*) call="lambda invoke web" ;;
esac
if [ "$call" = "$BROKEN" ]; then echo "the command failed" >&2; exit 254; fi
case "$call $*" in
"ecs run-task "*\"-check\"*) printf "$TASK\n" ;;
"lambda invoke trigger "*) printf "$TRIGGER" >"${@: -1}" ;;
"lambda invoke web "*) printf "$WEB" >"${@: -1}" ;;
"ecs wait "*) ;;
"logs get-log-events "*worker/worker/0123*) if [ -z "$LATE" ] || [ -f "$CALLED" ]; then printf "$WORKER"; fi ;;
"ecs describe-tasks "*) printf "$STOPPED\n" ;;
*) echo "unexpected: $*" >&2; exit 2 ;;
esac`)
			answers := map[string]string{"TASK": task, "STOPPED": `0\tEssential container in task exited\tNone`, "WORKER": worker, "TRIGGER": trigger, "WEB": web}
			maps.Copy(answers, test.env)
			command := exec.CommandContext(t.Context(), "sh", "-c", script)
			command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TMPDIR="+t.TempDir(), "CALLED="+filepath.Join(bin, "called"))
			for name, value := range answers {
				command.Env = append(command.Env, name+"="+value)
			}
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
			if failed := strings.Contains(string(out), "FAILED"); failed != test.fails {
				t.Errorf("a line starts with FAILED: %t, want %t:\n%s", failed, test.fails, out)
			}
		})
	}
}

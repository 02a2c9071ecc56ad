package runbook

import (
	"context"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"triptych/e2e/stacktest"
	"triptych/e2e/testenv"
)

// No emulator has the services of these commands.
var needsDeployment = set(
	`make deploy`,
	`aws ce get-cost-and-usage --time-period Start=FROM,End=TO --granularity DAILY --metrics UnblendedCost --group-by Type=DIMENSION,Key=SERVICE`,
	`aws cloudwatch list-metrics --region us-east-1 --namespace AWS/WAFV2 --metric-name BlockedRequests`,
	`aws ecs describe-services --cluster triptych --services triptych-worker --query 'services[0].[runningCount,events[:5].message]'`,
	`aws ecs describe-tasks --cluster triptych --tasks $(aws ecs list-tasks --cluster triptych --desired-status STOPPED --query 'taskArns[]' --output text) --query 'tasks[].[stoppedReason,containers[0].reason]'`,
	`aws ecs update-service --cluster triptych --service triptych-worker --force-new-deployment`,
	`aws lambda delete-function-concurrency --function-name triptych-web`,
	`aws lambda get-account-settings --query AccountLimit`,
	`aws logs tail /triptych/trigger --since 1h --filter-pattern errorMessage`,
	`aws logs tail /triptych/web --since 1h --filter-pattern '"request failed"'`,
	`aws logs tail /triptych/worker --since 1d --filter-pattern '{ $.msg = "annotations reserved" }'`,
	`aws logs tail /triptych/worker --since 1h`,
	`aws logs tail /triptych/worker --since 1h --filter-pattern '"Failed to process workflow task."'`,
	`aws logs tail /triptych/worker --since 1h --filter-pattern '{ $.outcome = "Throttled" }'`,
	`aws s3 ls --recursive s3://triptych-logs-ACCOUNT-REGION/s3/`,
	`sh -c "$(terraform -chdir=terraform output -raw check)"`,
	`sh -c "$(terraform -chdir=terraform output -raw redrive)"`,
	`sh -c "$(terraform -chdir=terraform output -raw redrive | sed s/--enabled/--no-enabled/)"`,
	`terraform -chdir=terraform plan -var worker_image=$(terraform -chdir=terraform output -raw worker_image)`,
	`terraform -chdir=terraform state show 'temporalcloud_apikey.program["worker"]'`,
)

type fault struct {
	entry string
	// decision is the entry that the section "Start here" names, if it is another one: a fault can have several alarms.
	decision string
	cloud    string // whose fault switch the remedy resets, if not the one in the runbook
	inject   func(*testing.T, *operator)
}

// inject uploads a picture that waits because of the fault.
var faults = map[string]fault{
	"Google_is_down": {entry: "waiting", inject: func(t *testing.T, o *operator) {
		o.setFault(t, "google", "down")
		o.upload(t)
	}},
	"S3_is_down": {entry: "waiting", cloud: "aws", inject: func(t *testing.T, o *operator) {
		o.setFault(t, "google", "down")
		o.upload(t)
		o.setFault(t, "aws", "down")
		o.setFault(t, "google", "none")
	}},
	"Cosmos_DB_is_down": {entry: "site-errors", decision: "waiting", inject: func(t *testing.T, o *operator) {
		o.upload(t)
		o.checkAnnotated(t)
		o.AwaitWorkflowEnd(t, o.picture.ID, "") // only Cosmos DB knows the result
		o.setFault(t, "azure", "down")
		res, err := http.Get(o.Endpoints.Site + "/api/pictures/" + o.picture.Link)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		o.upload(t)
	}},
	"Google_refuses_the_credentials": {entry: "refused", inject: func(t *testing.T, o *operator) {
		o.setFault(t, "google", "refuse")
		o.upload(t)
	}},
	"Cosmos_DB_throttles": {entry: "cosmos-throttled", inject: func(t *testing.T, o *operator) {
		o.setFault(t, "azure", "throttle")
		o.upload(t)
	}},
	"annotations_of_the_day_are_used_up": {entry: "annotations", inject: func(t *testing.T, o *operator) {
		o.upload(t)
		o.checkAnnotated(t) // uses up the limit
		o.restart("TRIPTYCH_ANNOTATIONS_PER_DAY=1")
		o.upload(t)
	}},
	"Temporal_is_down": {entry: "trigger-errors", inject: func(t *testing.T, o *operator) {
		o.setFault(t, "temporal", "down")
		o.upload(t)
	}},
	"S3_event_is_a_dead_letter": {entry: "dead-letters", inject: func(t *testing.T, o *operator) {
		o.loseEvent(t)
		o.writeDeadLetter(t)
	}},
	"S3_event_is_lost": {entry: "lost-event", inject: func(t *testing.T, o *operator) { o.loseEvent(t) }},
	"worker_lacks_the_key_of_the_workflow_data": {entry: "workflow-task-failures", inject: func(t *testing.T, o *operator) {
		o.StopProgram("worker")
		o.StartProgram("worker", "worker", []string{"TRIPTYCH_PAYLOAD_KEYS=other:" + strings.Repeat("A", 43) + "="})
		o.upload(t)
	}},
	"worker_hangs": {entry: "worker-silent", inject: func(t *testing.T, o *operator) {
		if err := o.Signal("worker", syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		o.upload(t)
	}},
	"step_is_paused": {entry: "paused-step", inject: func(t *testing.T, o *operator) {
		o.setFault(t, "google", "down")
		o.upload(t)
		o.awaitFailure(t)
		o.mustRun(t, "temporal activity pause -w picture/$ID --activity-type annotate")
		o.setFault(t, "google", "none")
	}},
	"queue_is_stopped": {entry: "stopped-queue", inject: func(t *testing.T, o *operator) {
		o.mustRun(t, o.controls["stop Google spending"].locally...)
		o.upload(t)
	}},
}

func TestRunbook(t *testing.T) {
	stacktest.RequireTools(t, "docs/runbook.md", "bash", "curl", "jq", "pgrep")
	o := newOperator(t)
	stacktest.PauseSweeps(t, o.Stack)
	t.Run("ID_of_a_waiting_picture_is_found", func(t *testing.T) {
		o.setFault(t, "google", "down")
		o.upload(t)
		for _, c := range o.ids {
			o.ran[c.line] = true
			var out string
			if !stacktest.Eventually(t, func(ctx context.Context) bool { // the visibility store lags
				out, _ = o.run(ctx, "ID=\n"+c.line+"\necho $ID")
				return strings.TrimSpace(out) == string(o.picture.ID)
			}) {
				t.Errorf("%s prints %s, want %s", c.line, out, o.picture.ID)
			}
		}
		o.setFault(t, "google", "none")
		o.checkAnnotated(t)
	})
	for _, name := range slices.Sorted(maps.Keys(faults)) {
		t.Run(name+"_is_found_and_fixed", func(t *testing.T) { o.findAndFix(t, faults[name]) })
	}
	for name, c := range o.controls {
		if len(c.locally) == 0 { // needs a deployment
			continue
		}
		t.Run("control_"+strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			check := checks[name]
			if check == nil {
				t.Fatalf("no test uses %q", c.locally)
			}
			check(t, o, c)
		})
	}
	t.Run("every_command_was_run_or_needs_a_deployment", func(t *testing.T) { o.checkCommands(t) })
}

func (o *operator) findAndFix(t *testing.T, f fault) {
	defer func() {
		if t.Failed() { // the fault may still be injected
			for _, cloud := range []string{"aws", "google", "azure", "temporal"} {
				o.setFault(t, cloud, "none")
			}
		}
	}()
	f.inject(t, o)
	if f.decision == "" {
		f.decision = f.entry
	}
	decided := ""
	if !stacktest.Eventually(t, func(ctx context.Context) bool { decided = o.decide(ctx); return decided == f.decision }) {
		t.Errorf(`"Start here" names the entry %q, want %q`, decided, f.decision)
	}
	for _, c := range o.entries[f.entry].diagnosis {
		if !needsDeployment[c.line] {
			o.diagnose(t, c)
		}
	}
	for _, c := range o.entries[f.entry].remedy {
		if !needsDeployment[c.line] {
			o.ran[c.line] = true
			o.remedy(t, c.forCloud(f.cloud))
		}
	}
	o.checkAnnotated(t)
}

func (o *operator) checkCommands(t *testing.T) {
	all := slices.Concat(o.ids, o.start)
	for _, e := range o.entries {
		all = slices.Concat(all, e.diagnosis, e.remedy)
	}
	for _, c := range o.controls {
		for _, line := range slices.Concat(c.locally, c.undo) {
			all = append(all, command{line: line})
		}
	}
	inRunbook := map[string]bool{}
	for _, c := range all {
		inRunbook[c.line] = true
		if o.ran[c.line] == needsDeployment[c.line] {
			t.Errorf("ran: %t, needs a deployment: %t: %s", o.ran[c.line], needsDeployment[c.line], c.line)
		}
	}
	for line := range needsDeployment {
		if !inRunbook[line] {
			t.Errorf("not in the runbook: %s", line)
		}
	}
	for name, f := range faults {
		if len(o.entries[f.entry].diagnosis) == 0 {
			t.Errorf("%s: the runbook has no entry %q", name, f.entry)
		}
	}
}

func (o *operator) loseEvent(t *testing.T) {
	t.Helper()
	o.InjectS3Fault(t, `{"events":"drop"}`)
	o.upload(t)
	o.InjectS3Fault(t, `{}`)
}

func (o *operator) writeDeadLetter(t *testing.T) {
	t.Helper()
	letter := testenv.DeadLetter(testenv.S3Event(t, o.LatestVersion(t, o.picture.ID)))
	if err := os.WriteFile(filepath.Join(o.Dir(), "lambda", "dead-letters", "letter.json"), letter, 0o600); err != nil {
		t.Fatal(err)
	}
}

func set(lines ...string) map[string]bool {
	s := map[string]bool{}
	for _, line := range lines {
		s[line] = true
	}
	return s
}

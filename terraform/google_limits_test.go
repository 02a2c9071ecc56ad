package terraform_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestGoogleLimits(t *testing.T) {
	quotaCalls := []string{
		"beta quotas info list --project=some-project --service=vision.googleapis.com --filter=metric=vision.googleapis.com/default AND refreshInterval=minute --format=value(quotaId)",
		"beta quotas preferences update triptych-vision --allow-missing --project=some-project --service=vision.googleapis.com --quota-id=PerMinute --preferred-value=60 --allow-high-percentage-quota-decrease --allow-quota-decrease-below-usage",
	}
	listBudgets := "billing budgets list --billing-account=012345-6789AB-CDEF01 --filter=displayName=triptych --format=value(name)"
	for name, test := range map[string]struct {
		limits, quotas, budgets string
		wantCalls               []string
		wantOutput              string
		wantFailure             bool
	}{
		"lowers_the_quota_and_creates_a_budget": {
			limits: "some-project 60 012345-6789AB-CDEF01 100 triptych", quotas: "PerMinute",
			wantCalls: append(quotaCalls[:2:2], listBudgets, "billing budgets create --billing-account=012345-6789AB-CDEF01 --display-name=triptych --budget-amount=100 --filter-projects=projects/some-project --threshold-rule=percent=0.8 --threshold-rule=percent=1.0,basis=forecasted-spend"),
		},
		"updates_an_existing_budget": {
			limits: "some-project 60 012345-6789AB-CDEF01 250 triptych", quotas: "PerMinute", budgets: "billingAccounts/1/budgets/2",
			wantCalls: append(quotaCalls[:2:2], listBudgets, "billing budgets update billingAccounts/1/budgets/2 --budget-amount=250"),
		},
		"creates_no_budget_without_a_billing_account": {
			limits: "some-project 60 - 100 triptych", quotas: "PerMinute", wantCalls: quotaCalls,
			wantOutput: "google_billing_account is not set, so Google sends no budget alert",
		},
		"fails_with_manual_instructions_if_it_finds_no_quota": {
			limits: "some-project 60 - 100 triptych", quotas: "", wantCalls: quotaCalls[:1], wantFailure: true,
			wantOutput: "Set it to 60 by hand:\nhttps://console.cloud.google.com/apis/api/vision.googleapis.com/quotas?project=some-project",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bin, log := t.TempDir(), filepath.Join(t.TempDir(), "calls")
			writeScript(t, bin, "terraform", `printf %s "$LIMITS"`) // output -raw prints no final newline
			writeScript(t, bin, "gcloud", `echo "$*" >>"$CALLS"; case $* in *"info list"*) echo "$QUOTAS";; *"budgets list"*) echo "$BUDGETS";; esac`)
			script := exec.CommandContext(t.Context(), "./google-limits.sh")
			script.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CALLS="+log, "LIMITS="+test.limits, "QUOTAS="+test.quotas, "BUDGETS="+test.budgets)
			out, err := script.CombinedOutput()
			if (err != nil) != test.wantFailure || !strings.Contains(string(out), test.wantOutput) {
				t.Errorf("%v\n%s", err, out)
			}
			calls, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := string(calls), strings.Join(test.wantCalls, "\n")+"\n"; got != want {
				t.Errorf("gcloud was called with\n%s, want\n%s", got, want)
			}
		})
	}
}

func writeScript(t *testing.T, dir, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/usr/bin/env bash\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

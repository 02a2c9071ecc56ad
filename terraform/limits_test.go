package terraform_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLimits runs google-limits.sh with a gcloud that writes down what it is asked for, and answers as told.
func TestLimits(t *testing.T) {
	quota := []string{
		"beta quotas info list --project=some-project --service=vision.googleapis.com --filter=metric=vision.googleapis.com/default AND refreshInterval=minute --format=value(quotaId)",
		"beta quotas preferences update triptych-vision --allow-missing --project=some-project --service=vision.googleapis.com --quota-id=PerMinute --preferred-value=60 --allow-high-percentage-quota-decrease --allow-quota-decrease-below-usage",
	}
	lookup := "billing budgets list --billing-account=012345-6789AB-CDEF01 --filter=displayName=triptych --format=value(name)"
	for name, test := range map[string]struct {
		limits, quotas, budgets string
		asked                   []string
		says                    string // and fails, if it could not go on
	}{
		"lowers_the_quota_and_makes_a_budget": {
			limits: "some-project 60 012345-6789AB-CDEF01 100 triptych", quotas: "PerMinute",
			asked: append(quota[:2:2], lookup, "billing budgets create --billing-account=012345-6789AB-CDEF01 --display-name=triptych --budget-amount=100 --filter-projects=projects/some-project --threshold-rule=percent=0.8 --threshold-rule=percent=1.0,basis=forecasted-spend"),
		},
		"changes_the_budget_that_is_there": {
			limits: "some-project 60 012345-6789AB-CDEF01 250 triptych", quotas: "PerMinute", budgets: "billingAccounts/1/budgets/2",
			asked: append(quota[:2:2], lookup, "billing budgets update billingAccounts/1/budgets/2 --budget-amount=250"),
		},
		"makes_no_budget_without_a_billing_account": {
			limits: "some-project 60 - 100 triptych", quotas: "PerMinute", asked: quota,
			says: "google_billing_account is not set, so Google sends no alert about the budget.",
		},
		"says_what_to_do_by_hand_when_the_quota_cannot_be_told": {
			limits: "some-project 60 - 100 triptych", quotas: "", asked: quota[:1],
			says: "Set it to 60 by hand:\nhttps://console.cloud.google.com/apis/api/vision.googleapis.com/quotas?project=some-project",
		},
	} {
		t.Run(name, func(t *testing.T) {
			bin, log := t.TempDir(), filepath.Join(t.TempDir(), "asked")
			program(t, bin, "terraform", `printf %s "$LIMITS"`) // output -raw ends without a newline
			program(t, bin, "gcloud", `echo "$*" >>"$ASKED"; case $* in *"info list"*) echo "$QUOTAS";; *"budgets list"*) echo "$BUDGETS";; esac`)
			script := exec.CommandContext(t.Context(), "./google-limits.sh")
			script.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "ASKED="+log, "LIMITS="+test.limits, "QUOTAS="+test.quotas, "BUDGETS="+test.budgets)
			out, err := script.CombinedOutput()
			if (err != nil) != (test.asked[len(test.asked)-1] == quota[0]) || !strings.Contains(string(out), test.says) {
				t.Errorf("%v\n%s", err, out)
			}
			asked, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if have, want := string(asked), strings.Join(test.asked, "\n")+"\n"; have != want {
				t.Errorf("gcloud was asked\n%s, not\n%s", have, want)
			}
		})
	}
}

func program(t *testing.T, dir, name, body string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/usr/bin/env bash\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

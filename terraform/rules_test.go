// Package terraform_test checks rules on the planned infrastructure, and checks that each rule rejects wrong
// configurations. The tests need neither Terraform nor a cloud, because interpreter_test.go evaluates the
// configuration.
package terraform_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// `check` returns one message per violation.
type rule struct {
	check     func(plan) []string
	mutations []mutation
}

type mutation struct{ name, file, old, new string }

var requiredVariables = map[string]cty.Value{
	"alarm_email":        cty.StringVal("owner@example.com"),
	"google_project":     cty.StringVal("some-project"),
	"azure_subscription": cty.StringVal("00000000-0000-0000-0000-000000000000"),
	"worker_image":       cty.StringVal("example.com/triptych-worker@sha256:" + strings.Repeat("0", 64)),
}

func TestPlan(t *testing.T) {
	files := readSources(t)
	p := mustPlan(t, files, nil)
	for _, rules := range []map[string]rule{
		bucketRules, policyRules, permissionRules, lambdaRules, monitoringRules, alarmRules, runbookRules, logRules, siteRules, workerRules, trustRules, cosmosRules, settingRules, budgetRules, wiringRules, gatewayRules,
	} {
		for name, rule := range rules {
			t.Run(name, func(t *testing.T) { rule.verify(t, p, files, nil) })
		}
	}
}

func (r rule) verify(t *testing.T, p plan, files sources, variables map[string]cty.Value) {
	if errs := r.check(p); len(errs) > 0 {
		t.Errorf("%s", strings.Join(errs, "\n"))
	}
	for _, m := range r.mutations {
		t.Run("rejects_"+m.name, func(t *testing.T) {
			if errs := r.check(mustPlan(t, m.apply(t, files), variables)); len(errs) == 0 {
				t.Error("the rule accepted the mutation")
			}
		})
	}
}

func (m mutation) apply(t *testing.T, files sources) sources {
	t.Helper()
	mutated := maps.Clone(files)
	mutated[m.file] = strings.Replace(files[m.file], m.old, m.new, 1)
	if mutated[m.file] == files[m.file] {
		t.Fatalf("%s does not contain %q, so the mutation changed nothing", m.file, m.old)
	}
	return mutated
}

func mustPlan(t *testing.T, files sources, variables map[string]cty.Value) plan {
	t.Helper()
	all := maps.Clone(requiredVariables)
	maps.Copy(all, variables)
	p, err := newPlan(files, all)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// forEach rejects a plan without resources of this type. Otherwise a misspelled type would pass every check.
func forEach(typ string, check func(p plan, r resource) []string) func(plan) []string {
	return func(p plan) []string {
		all := p.ofType(typ)
		if len(all) == 0 {
			return []string{"the plan contains no " + typ}
		}
		var errs []string
		for _, r := range all {
			errs = append(errs, check(p, r)...)
		}
		return errs
	}
}

func expect(r resource, want any, path ...any) []string {
	if got := lookup(r.values, path...); !reflect.DeepEqual(got, want) {
		return []string{fmt.Sprintf("%s: %v is %v, want %v", r.address, path, got, want)}
	}
	return nil
}

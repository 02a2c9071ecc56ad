// Package terraform_test checks rules on the planned infrastructure, and checks that each rule rejects wrong changes
// to the configuration. The tests need neither Terraform nor a cloud, because interpreter_test.go evaluates the
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

// rule is a property that the plan must have. The function `check` returns one message per violation, so it returns
// none for the real configuration. Each mutation makes the configuration wrong, and `check` must return at least one
// message for it.
type rule struct {
	check     func(plan) []string
	mutations []mutation
}

// mutation replaces the first occurrence of the text `old` by the text `new` in one file.
type mutation struct{ name, file, old, new string }

// requiredVariables are the variables without a default.
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
		bucketRules, policyRules, lambdaRules, monitoringRules, siteRules, workerRules, trustRules, cosmosRules, settingRules, budgetRules, wiringRules,
	} {
		for name, rule := range rules {
			t.Run(name, func(t *testing.T) { rule.verify(t, p, files, nil) })
		}
	}
}

// verify fails the test if the rule rejects the plan p, or if it accepts a mutated plan.
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

// apply returns a copy of the sources in which the text of the mutation is replaced.
func (m mutation) apply(t *testing.T, files sources) sources {
	t.Helper()
	mutated := maps.Clone(files)
	mutated[m.file] = strings.Replace(files[m.file], m.old, m.new, 1)
	if mutated[m.file] == files[m.file] {
		t.Fatalf("%s does not contain %q, so the mutation changed nothing", m.file, m.old)
	}
	return mutated
}

// mustPlan returns the plan for the given sources and variables. It adds values for the variables that have no
// default.
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

// forEach returns a check that applies `check` to all resources of the type `typ`. If the plan contains no such
// resource, the returned check reports a violation.
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

// expect returns an error message if the value at the path in the resource r differs from the parameter `want`.
func expect(r resource, want any, path ...any) []string {
	if got := lookup(r.values, path...); !reflect.DeepEqual(got, want) {
		return []string{fmt.Sprintf("%s: %v is %v, want %v", r.address, path, got, want)}
	}
	return nil
}

// Package terraform_test holds rules over all that is planned, and breaks the root on purpose to see each rule refuse it.
// It needs neither Terraform nor a cloud: the root is evaluated here. What depends on variables is in tests/, for
// terraform test.
package terraform_test

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// rule looks at all that is planned and complains. Each breach is a change to the root that it must not let pass.
type rule struct {
	complaints func(planned) []string
	breaches   []breach
}

type breach struct{ name, file, old, new string }

// required are the variables without a default.
var required = map[string]cty.Value{
	"alarm_email":        cty.StringVal("owner@example.com"),
	"google_project":     cty.StringVal("some-project"),
	"azure_subscription": cty.StringVal("00000000-0000-0000-0000-000000000000"),
	"worker_image":       cty.StringVal("example.com/triptych-worker@sha256:" + strings.Repeat("0", 64)),
}

func TestPlan(t *testing.T) {
	files := read(t)
	for _, rules := range []map[string]rule{bucketRules, policyRules, lambdaRules, siteRules, workerRules, trustRules, recordRules, settingRules, budgetRules} {
		for name, rule := range rules {
			t.Run(name, func(t *testing.T) {
				if complaints := rule.complaints(mustPlan(t, files)); len(complaints) > 0 {
					t.Errorf("%s", strings.Join(complaints, "\n"))
				}
				for _, b := range rule.breaches {
					t.Run("refuses_"+b.name, func(t *testing.T) {
						broken := maps.Clone(files)
						broken[b.file] = strings.Replace(files[b.file], b.old, b.new, 1)
						if broken[b.file] == files[b.file] {
							t.Fatalf("%s does not hold %q, so nothing was broken", b.file, b.old)
						}
						if complaints := rule.complaints(mustPlan(t, broken)); len(complaints) == 0 {
							t.Error("let it pass")
						}
					})
				}
			})
		}
	}
}

// TestVariants holds the rules that no variable may loosen against other values than the defaults.
func TestVariants(t *testing.T) {
	files := read(t)
	for name, changed := range map[string]map[string]cty.Value{
		"keys_instead_of_federation": {"azure_federation": cty.False},
		"a_NAT_gateway":              {"nat": cty.True},
		"a_domain":                   {"domain": cty.StringVal("pictures.example.com"), "zone_id": cty.StringVal("Z0123456789")},
		"a_Temporal_of_ones_own":     {"temporal_address": cty.StringVal("temporal.example.com:7233"), "temporal_api_key": cty.StringVal("key")},
		"provisioned_throughput":     {"cosmos_throughput": cty.NumberIntVal(4000)},
		"what_destroy_may_take":      {"force_destroy": cty.True},
	} {
		t.Run(name, func(t *testing.T) {
			variables := maps.Clone(required)
			maps.Copy(variables, changed)
			p, err := plan(files, variables)
			if err != nil {
				t.Fatal(err)
			}
			for _, rules := range []map[string]rule{bucketRules, policyRules, lambdaRules, settingRules, budgetRules} {
				for rule, r := range rules {
					if name == "a_domain" && rule == "a_browser_may_use_a_grant_from_the_site_alone" {
						continue // the site's origin is the domain then, see tests/plan.tftest.hcl
					}
					if complaints := r.complaints(p); len(complaints) > 0 {
						t.Errorf("%s: %s", rule, strings.Join(complaints, "\n"))
					}
				}
			}
		})
	}
}

func mustPlan(t *testing.T, files sources) planned {
	t.Helper()
	p, err := plan(files, required)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRetention(t *testing.T) {
	files := read(t)
	for _, days := range []int64{1, 2, 13, 14, 15, 30, 89, 90, 91, 365, 3650} {
		t.Run(fmt.Sprintf("of_%d_days", days), func(t *testing.T) {
			variables := maps.Clone(required)
			variables["retention_days"] = cty.NumberIntVal(days)
			p, err := plan(files, variables)
			if err != nil {
				t.Fatal(err)
			}
			const day = 24 * 60 * 60
			rule := at(p.one("aws_s3_bucket_lifecycle_configuration.pictures"), "rule", 0)
			objects := at(rule, "expiration", 0, "days").(float64)
			rest := at(rule, "noncurrent_version_expiration", 0, "noncurrent_days").(float64)
			uploads := at(rule, "abort_incomplete_multipart_upload", 0, "days_after_initiation").(float64)
			records := at(p.one("azurerm_cosmosdb_sql_container.records"), "default_ttl").(float64) / day
			runs := at(p.one("temporalcloud_namespace.this[0]"), "retention_days").(float64)
			letters := at(p.one("aws_sqs_queue.dead_letters"), "message_retention_seconds").(float64) / day
			switch {
			case objects != float64(days) || rest > 1 || uploads > 1: // and a day, because S3 deletes at midnight
				t.Errorf("objects are kept for %v days, versions %v more, incomplete uploads %v", objects, rest, uploads)
			case records != float64(days)+7:
				t.Errorf("Records are kept for %v days", records)
			case runs != min(float64(days), 90):
				t.Errorf("runs are kept for %v days", runs)
			case runs < letters || letters > 14:
				t.Errorf("dead letters are kept for %v days, runs for %v", letters, runs)
			}
		})
	}
}

// planned is all that would be made.
type planned []resource

func (p planned) of(kind string) planned {
	var found planned
	for _, r := range p {
		if r.kind == kind {
			found = append(found, r)
		}
	}
	return found
}

// one is the resource at an address; nil values if there is none, so that every rule about it complains.
func (p planned) one(address string) map[string]any {
	for _, r := range p {
		if r.address == address {
			return r.values
		}
	}
	return nil
}

// about is those whose attribute refers to target.
func (p planned) about(kind, attribute, target string) planned {
	var found planned
	for _, r := range p.of(kind) {
		if at(r.values, attribute) == target {
			found = append(found, r)
		}
	}
	return found
}

// at walks down blocks and attributes; nil where there is nothing.
func at(v any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	default: // JSON policies write a list of one without its brackets
		return []any{v}
	}
}

// mustBe complains unless an attribute is as wanted.
func mustBe(r resource, want any, path ...any) []string {
	if have := at(r.values, path...); !reflect.DeepEqual(have, want) {
		return []string{fmt.Sprintf("%s: %v is %v, not %v", r.address, path, have, want)}
	}
	return nil
}

// each gathers the complaints about all resources of a kind, of which there must be one at least.
func each(kind string, complaints func(p planned, r resource) []string) func(planned) []string {
	return func(p planned) []string {
		all := p.of(kind)
		if len(all) == 0 {
			return []string{"there is no " + kind}
		}
		var c []string
		for _, r := range all {
			c = append(c, complaints(p, r)...)
		}
		return c
	}
}

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
	p := mustPlan(t, files, nil)
	for _, rules := range []map[string]rule{bucketRules, policyRules, lambdaRules, siteRules, workerRules, trustRules, recordRules, settingRules, budgetRules, wiringRules} {
		for name, rule := range rules {
			t.Run(name, func(t *testing.T) { rule.hold(t, p, files, nil) })
		}
	}
}

// hold sees that a rule has nothing to complain of, and that each breach makes it.
func (r rule) hold(t *testing.T, p planned, files sources, given map[string]cty.Value) {
	if complaints := r.complaints(p); len(complaints) > 0 {
		t.Errorf("%s", strings.Join(complaints, "\n"))
	}
	for _, b := range r.breaches {
		t.Run("refuses_"+b.name, func(t *testing.T) {
			if complaints := r.complaints(mustPlan(t, b.in(t, files), given)); len(complaints) == 0 {
				t.Error("let it pass")
			}
		})
	}
}

// in is the root with the breach.
func (b breach) in(t *testing.T, files sources) sources {
	t.Helper()
	broken := maps.Clone(files)
	broken[b.file] = strings.Replace(files[b.file], b.old, b.new, 1)
	if broken[b.file] == files[b.file] {
		t.Fatalf("%s does not hold %q, so nothing was broken", b.file, b.old)
	}
	return broken
}

// mustPlan is what is planned with the given variables beside the required ones.
func mustPlan(t *testing.T, files sources, given map[string]cty.Value) planned {
	t.Helper()
	variables := maps.Clone(required)
	maps.Copy(variables, given)
	p, err := plan(files, variables)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRetention(t *testing.T) {
	files := read(t)
	given := func(days int64) map[string]cty.Value {
		return map[string]cty.Value{"retention_days": cty.NumberIntVal(days)}
	}
	lengths := []int64{1, 2, 13, 14, 15, 30, 89, 90, 91, 365, 3650}
	for _, days := range lengths {
		t.Run(fmt.Sprintf("of_%d_days", days), func(t *testing.T) {
			for _, complaint := range keptWrongly(mustPlan(t, files, given(days)), float64(days)) {
				t.Error(complaint)
			}
		})
	}
	for _, b := range []breach{
		{"runs_longer_than_Temporal_Cloud_keeps_any", "locals.tf", "max(min(var.retention_days, 90), local.dead_letter_days)", "max(var.retention_days, local.dead_letter_days)"},
		{"runs_forgotten_before_their_dead_letters", "locals.tf", "dead_letter_days = min(var.retention_days, 14)\n  temporal_days    = max(min(var.retention_days, 90), local.dead_letter_days)", "dead_letter_days = 14\n  temporal_days    = min(var.retention_days, 90)"},
		{"letters_about_pictures_that_are_gone", "locals.tf", "dead_letter_days = min(var.retention_days, 14)", "dead_letter_days = 14"},
		{"letters_longer_than_SQS_keeps_any", "locals.tf", "dead_letter_days = min(var.retention_days, 14)", "dead_letter_days = var.retention_days"},
		{"Records_that_go_with_the_picture", "locals.tf", "var.retention_days + 7", "var.retention_days"},
		{"pictures_that_S3_rounds_up", "upload.tf", "days = max(1, var.retention_days - 1)", "days = var.retention_days"},
		{"old_versions_that_stay", "upload.tf", "noncurrent_days = 1", "noncurrent_days = 2"},
		{"incomplete_uploads_that_stay", "upload.tf", "days_after_initiation = 1", "days_after_initiation = 2"},
		{"an_output_that_tells_less", "outputs.tf", "max(var.retention_days, 2) + 2", "var.retention_days"},
	} {
		t.Run("refuses_"+b.name, func(t *testing.T) {
			broken := b.in(t, files)
			for _, days := range lengths {
				if len(keptWrongly(mustPlan(t, broken, given(days)), float64(days))) > 0 {
					return
				}
			}
			t.Error("let it pass")
		})
	}
}

// keptWrongly complains of what is kept for another time than the issue of retention says.
func keptWrongly(p planned, days float64) (c []string) {
	const day = 24 * 60 * 60
	rule := at(p.one("aws_s3_bucket_lifecycle_configuration.pictures"), "rule", 0)
	number := func(v any) float64 { n, _ := v.(float64); return n }
	// S3 rounds each of these up to the next midnight; a version's days begin with the marker that hides it.
	hidden := number(at(rule, "expiration", 0, "days")) + 1
	gone := hidden + number(at(rule, "noncurrent_version_expiration", 0, "noncurrent_days")) + 1
	uploads := number(at(rule, "abort_incomplete_multipart_upload", 0, "days_after_initiation")) + 1
	if hidden > max(days, 2) || gone > max(days, 2)+2 || uploads > 2 {
		c = append(c, fmt.Sprintf("pictures are seen for %v days, kept for %v, incomplete uploads for %v", hidden, gone, uploads))
	}
	if hidden < days {
		c = append(c, fmt.Sprintf("pictures may go after less than %v days", days-1))
	}
	if told := number(at(p.one("output.retention"), "value", "pictures")); told != gone {
		c = append(c, fmt.Sprintf("pictures are kept for %v days, told are %v", gone, told))
	}
	if records := number(at(p.one("azurerm_cosmosdb_sql_container.records"), "default_ttl")) / day; records != days+7 || records <= gone {
		c = append(c, fmt.Sprintf("Records are kept for %v days", records))
	}
	letters := number(at(p.one("aws_sqs_queue.dead_letters"), "message_retention_seconds")) / day
	if letters < 1 || letters > min(days, 14) {
		c = append(c, fmt.Sprintf("dead letters are kept for %v days", letters))
	}
	if runs := number(at(p.one("temporalcloud_namespace.this[0]"), "retention_days")); runs != min(days, 90) || runs < letters {
		c = append(c, fmt.Sprintf("runs are kept for %v days, dead letters for %v", runs, letters))
	}
	return c
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

// region is AWS's.
func (p planned) region() string {
	return fmt.Sprint(at(p.one("provider.aws"), "region"))
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

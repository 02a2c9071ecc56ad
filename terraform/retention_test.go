package terraform_test

import (
	"fmt"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

func TestRetention(t *testing.T) {
	files := readSources(t)
	variables := func(days int64) map[string]cty.Value {
		return map[string]cty.Value{"retention_days": cty.NumberIntVal(days)}
	}
	lengths := []int64{1, 2, 13, 14, 15, 30, 89, 90, 91, 365, 3650}
	for _, days := range lengths {
		t.Run(fmt.Sprintf("retention_of_%d_days_applies_to_all_stores", days), func(t *testing.T) {
			for _, err := range retentionErrors(mustPlan(t, files, variables(days)), float64(days)) {
				t.Error(err)
			}
		})
	}
	for _, m := range []mutation{
		{"workflow_retention_above_Temporal_Clouds_90_days", "locals.tf", "max(min(var.retention_days, 90), local.dead_letter_days)", "max(var.retention_days, local.dead_letter_days)"},
		{"workflow_retention_below_dead_letter_retention", "locals.tf", "dead_letter_days = min(var.retention_days, 14)\n  temporal_days    = max(min(var.retention_days, 90), local.dead_letter_days)", "dead_letter_days = 14\n  temporal_days    = min(var.retention_days, 90)"},
		{"dead_letters_kept_longer_than_pictures", "locals.tf", "dead_letter_days = min(var.retention_days, 14)", "dead_letter_days = 14"},
		{"dead_letter_retention_above_SQS_limit_of_14_days", "locals.tf", "dead_letter_days = min(var.retention_days, 14)", "dead_letter_days = var.retention_days"},
		{"Records_that_expire_with_the_picture", "locals.tf", "var.retention_days + 7", "var.retention_days"},
		{"picture_expiration_without_allowance_for_S3_rounding", "upload.tf", "days = max(1, var.retention_days - 1)", "days = var.retention_days"},
		{"hidden_versions_kept_for_two_days", "upload.tf", "noncurrent_days = 1", "noncurrent_days = 2"},
		{"incomplete_uploads_kept_for_two_days", "upload.tf", "days_after_initiation = 1", "days_after_initiation = 2"},
		{"output_with_a_shorter_picture_retention", "outputs.tf", "max(var.retention_days, 2) + 2", "var.retention_days"},
	} {
		t.Run("rejects_"+m.name, func(t *testing.T) {
			mutated := m.apply(t, files)
			for _, days := range lengths {
				if len(retentionErrors(mustPlan(t, mutated, variables(days)), float64(days))) > 0 {
					return
				}
			}
			t.Error("the rule accepted the mutation for every retention")
		})
	}
}

func retentionErrors(p plan, days float64) (errs []string) {
	const day = 24 * 60 * 60
	rule := lookup(p.resource("aws_s3_bucket_lifecycle_configuration.pictures").values, "rule", 0)
	number := func(v any) float64 { n, _ := v.(float64); return n }
	hidden := number(lookup(rule, "expiration", 0, "days")) + 1
	deleted := hidden + number(lookup(rule, "noncurrent_version_expiration", 0, "noncurrent_days")) + 1
	uploads := number(lookup(rule, "abort_incomplete_multipart_upload", 0, "days_after_initiation")) + 1
	if hidden > max(days, 2) || deleted > max(days, 2)+2 || uploads > 2 {
		errs = append(errs, fmt.Sprintf("pictures are visible for %v days and deleted after %v, incomplete uploads after %v", hidden, deleted, uploads))
	}
	if hidden < days {
		errs = append(errs, fmt.Sprintf("pictures may be hidden after less than %v days", days-1))
	}
	if output := number(lookup(p.resource("output.retention").values, "value", "pictures")); output != deleted {
		errs = append(errs, fmt.Sprintf("pictures are deleted after %v days, the output says %v", deleted, output))
	}
	if records := number(lookup(p.resource("azurerm_cosmosdb_sql_container.records").values, "default_ttl")) / day; records != days+7 || records <= deleted {
		errs = append(errs, fmt.Sprintf("Records are kept for %v days", records))
	}
	letters := number(lookup(p.resource("aws_sqs_queue.dead_letters").values, "message_retention_seconds")) / day
	if letters < 1 || letters > min(days, 14) {
		errs = append(errs, fmt.Sprintf("dead letters are kept for %v days", letters))
	}
	if workflows := number(lookup(p.resource("temporalcloud_namespace.this[0]").values, "retention_days")); workflows != min(days, 90) || workflows < letters {
		errs = append(errs, fmt.Sprintf("workflows are kept for %v days, dead letters for %v", workflows, letters))
	}
	return errs
}

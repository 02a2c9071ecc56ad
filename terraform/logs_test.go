package terraform_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

var logRules = map[string]rule{
	"CloudFront_and_the_pictures_bucket_log_requests": {
		func(p plan) (errs []string) {
			site := p.resource("aws_cloudfront_distribution.site")
			errs = append(errs, expect(site, "aws_s3_bucket.logs.bucket_domain_name", "logging_config", 0, "bucket")...)
			errs = append(errs, expect(site, "cloudfront/", "logging_config", 0, "prefix")...)
			errs = append(errs, expect(site, false, "logging_config", 0, "include_cookies")...)
			pictures := p.resource("aws_s3_bucket_logging.pictures")
			errs = append(errs, expect(pictures, "aws_s3_bucket.pictures.bucket", "bucket")...)
			errs = append(errs, expect(pictures, "aws_s3_bucket.logs.bucket", "target_bucket")...)
			return append(errs, expect(pictures, "s3/", "target_prefix")...)
		}, []mutation{
			{"cookies_in_logs", "site.tf", "include_cookies = false", "include_cookies = true"},
			{"a_distribution_that_logs_into_the_bucket_of_the_page", "site.tf", "aws_s3_bucket.logs.bucket_domain_name", "aws_s3_bucket.site.bucket_domain_name"},
			{"logs_of_the_log_bucket", "logs.tf", "bucket        = aws_s3_bucket.pictures.bucket", "bucket        = aws_s3_bucket.logs.bucket"},
			{"logs_among_the_pictures", "logs.tf", "target_bucket = aws_s3_bucket.logs.bucket", "target_bucket = aws_s3_bucket.pictures.bucket"},
		},
	},
	"only_CloudFront_and_S3_are_granted_access_to_the_log_bucket": {
		func(p plan) (errs []string) {
			acl := p.resource("aws_s3_bucket_acl.logs")
			errs = append(errs, expect(acl, "aws_s3_bucket.logs.bucket", "bucket")...)
			var grantees []any
			for _, grant := range asList(lookup(acl.values, "access_control_policy", 0, "grant")) {
				grantees = append(grantees, lookup(grant, "grantee", 0, "id"))
			}
			if want := []any{"data.aws_canonical_user_id.current.id", "data.aws_cloudfront_log_delivery_canonical_user_id.current.id"}; !reflect.DeepEqual(grantees, want) {
				errs = append(errs, fmt.Sprintf("the ACL grants access to %v, want %v", grantees, want))
			}
			bucket := "arn:aws:s3:::triptych-logs-" + accountID + "-" + p.region()
			for _, s := range statements(p.resource("aws_s3_bucket_policy.logs"), "policy") {
				delete(s.(map[string]any), "Sid")
				want := map[string]any{
					"Effect": "Allow", "Principal": map[string]any{"Service": "logging.s3.amazonaws.com"}, "Action": "s3:PutObject", "Resource": bucket + "/s3/*",
					"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": accountID, "aws:SourceArn": "arn:aws:s3:::triptych-pictures-" + accountID + "-" + p.region()}},
				}
				if lookup(s, "Effect") == "Allow" && !reflect.DeepEqual(s, want) {
					errs = append(errs, fmt.Sprintf("the policy allows %v, want %v", s, want))
				}
			}
			return errs
		}, []mutation{
			{"logs_that_everybody_with_an_AWS_account_may_read", "logs.tf", "          type = \"CanonicalUser\"\n          id   = grant.value", "          type = \"Group\"\n          uri  = \"http://acs.amazonaws.com/groups/global/AuthenticatedUsers\""},
			{"a_third_account_in_the_ACL", "logs.tf", "for_each = [data.", "for_each = [\"0123\", data."},
			{"an_ACL_of_the_pictures", "logs.tf", "resource \"aws_s3_bucket_acl\" \"logs\" {\n  bucket     = aws_s3_bucket.logs.bucket", "resource \"aws_s3_bucket_acl\" \"logs\" {\n  bucket     = aws_s3_bucket.pictures.bucket"},
			{"S3_logs_of_other_buckets", "logs.tf", `, "aws:SourceArn" = local.pictures_arn`, ""},
			{"S3_logs_of_other_accounts", "logs.tf", `"aws:SourceAccount" = local.account, `, ""},
			{"a_service_that_may_read_logs", "logs.tf", `Action    = "s3:PutObject"`, `Action    = ["s3:PutObject", "s3:GetObject"]`},
		},
	},
	"access_logs_are_deleted": {
		func(p plan) (errs []string) {
			logs := p.resource("aws_s3_bucket_lifecycle_configuration.logs")
			errs = append(errs, expect(logs, "aws_s3_bucket.logs.bucket", "bucket")...)
			errs = append(errs, expect(logs, 30., "rule", 0, "expiration", 0, "days")...)
			return append(errs, expect(logs, 1., "rule", 0, "abort_incomplete_multipart_upload", 0, "days_after_initiation")...)
		}, []mutation{
			{"logs_that_are_kept_as_long_as_pictures", "logs.tf", "days = var.log_retention_days", "days = var.retention_days + 1"},
			{"incomplete_uploads_kept_forever", "logs.tf", "\n    abort_incomplete_multipart_upload {\n      days_after_initiation = 1\n    }\n", ""},
		},
	},
	"log_delivery_is_set_up_after_its_permissions": {
		func(p plan) (errs []string) {
			for address, need := range map[string]string{
				"aws_s3_bucket_acl.logs":           "aws_s3_bucket_ownership_controls.logs",
				"aws_s3_bucket_policy.logs":        "aws_s3_bucket_public_access_block.logs",
				"aws_s3_bucket_logging.pictures":   "aws_s3_bucket_policy.logs",
				"aws_cloudfront_distribution.site": "aws_s3_bucket_acl.logs",
			} {
				if !slices.Contains(asList(lookup(p.resource(address).values, "depends_on")), any(need)) {
					errs = append(errs, fmt.Sprintf("%s may be created before %s", address, need))
				}
			}
			return errs
		}, []mutation{
			{"a_distribution_before_the_ACL", "site.tf", "  depends_on          = [aws_s3_bucket_acl.logs]", "  depends_on          = []"},
			{"an_ACL_before_the_bucket_accepts_ACLs", "logs.tf", "  depends_on = [aws_s3_bucket_ownership_controls.logs]\n", ""},
			{"a_policy_before_the_public_access_block", "logs.tf", "  depends_on = [aws_s3_bucket_public_access_block.logs]\n", ""},
			{"logging_before_the_policy", "logs.tf", "  depends_on    = [aws_s3_bucket_policy.logs]\n", ""},
		},
	},
}

func TestAllLogsHaveTheLogRetention(t *testing.T) {
	files := readSources(t)
	variables := map[string]cty.Value{"log_retention_days": cty.NumberIntVal(7)}
	rule{func(p plan) (errs []string) {
		for _, r := range p.ofType("aws_cloudwatch_log_group") {
			errs = append(errs, expect(r, 7., "retention_in_days")...)
		}
		return append(errs, expect(p.resource("aws_s3_bucket_lifecycle_configuration.logs"), 7., "rule", 0, "expiration", 0, "days")...)
	}, []mutation{
		{"access_logs_with_a_fixed_retention", "logs.tf", "days = var.log_retention_days", "days = 30"},
		{"access_logs_with_the_retention_of_pictures", "logs.tf", "days = var.log_retention_days", "days = var.retention_days"},
		{"program_logs_with_a_fixed_retention", "settings.tf", "retention_in_days = var.log_retention_days", "retention_in_days = 30"},
	}}.verify(t, mustPlan(t, files, variables), files, variables)
}

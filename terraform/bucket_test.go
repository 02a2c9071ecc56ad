package terraform_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

func perBucket(typ string, check func(resource) []string) func(plan) []string {
	return forEach("aws_s3_bucket", func(p plan, bucket resource) []string {
		found := p.where(typ, "bucket", bucket.address+".bucket")
		if len(found) != 1 {
			return []string{fmt.Sprintf("%s has %d %s, want 1", bucket.address, len(found), typ)}
		}
		return check(found[0])
	})
}

var bucketRules = map[string]rule{
	"every_bucket_blocks_public_access": {
		perBucket("aws_s3_bucket_public_access_block", func(r resource) (errs []string) {
			for _, attribute := range []string{"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"} {
				errs = append(errs, expect(r, true, attribute)...)
			}
			return errs
		}), []mutation{
			{"public_policies", "upload.tf", "block_public_policy     = true", "block_public_policy     = false"},
			{"a_missing_restrict_public_buckets", "upload.tf", "restrict_public_buckets = true\n", ""},
			{"a_public_access_block_on_the_wrong_bucket", "site.tf", `resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.bucket`, `resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.pictures.bucket`},
			{"a_new_bucket_without_a_public_access_block", "upload.tf", `resource "aws_s3_bucket" "pictures" {`, `resource "aws_s3_bucket" "more" {
}

resource "aws_s3_bucket" "pictures" {`},
		},
	},
	"only_the_log_bucket_has_ACLs": {
		perBucket("aws_s3_bucket_ownership_controls", func(r resource) []string {
			want := "BucketOwnerEnforced"
			if r.address == "aws_s3_bucket_ownership_controls.logs" {
				want = "BucketOwnerPreferred" // CloudFront delivers logs only to a bucket with ACLs
			}
			return expect(r, want, "rule", 0, "object_ownership")
		}), []mutation{
			{"an_object_writer_that_owns_its_objects", "site.tf", `"BucketOwnerEnforced"`, `"ObjectWriter"`},
			{"a_log_bucket_that_CloudFront_refuses", "logs.tf", `"BucketOwnerPreferred"`, `"BucketOwnerEnforced"`},
			{"pictures_with_ACLs", "upload.tf", `"BucketOwnerEnforced"`, `"BucketOwnerPreferred"`},
		},
	},
	"every_bucket_is_encrypted": {
		perBucket("aws_s3_bucket_server_side_encryption_configuration", func(r resource) []string {
			return expect(r, "AES256", "rule", 0, "apply_server_side_encryption_by_default", 0, "sse_algorithm")
		}),
		[]mutation{{"a_bucket_without_encryption", "upload.tf", `"AES256"`, `""`}},
	},
	"every_bucket_denies_plain_HTTP": {
		perBucket("aws_s3_bucket_policy", func(r resource) []string {
			for _, s := range statements(r, "policy") {
				if lookup(s, "Effect") == "Deny" && lookup(s, "Principal") == "*" && lookup(s, "Action") == "s3:*" && lookup(s, "Condition", "Bool", "aws:SecureTransport") == "false" && len(asList(lookup(s, "Resource"))) == 2 {
					return nil
				}
			}
			return []string{r.address + " allows plain HTTP"}
		}), []mutation{
			{"a_statement_that_allows_instead_of_denying", "upload.tf", `Effect    = "Deny"`, `Effect    = "Allow"`},
			{"a_policy_for_the_bucket_without_its_objects", "site.tf", `Resource  = ["arn:aws:s3:::${local.site_bucket}", "arn:aws:s3:::${local.site_bucket}/*"]`, `Resource  = ["arn:aws:s3:::${local.site_bucket}"]`},
		},
	},
	"the_pictures_bucket_has_versioning": {
		forEach("aws_s3_bucket_versioning", func(_ plan, r resource) []string {
			return expect(r, "Enabled", "versioning_configuration", 0, "status")
		}),
		[]mutation{{"suspended_versioning", "upload.tf", `status = "Enabled"
  }`, `status = "Suspended"
  }`}},
	},
	"lifecycle_rules_delete_pictures_versions_and_incomplete_uploads": {
		func(p plan) (errs []string) {
			for _, r := range p.ofType("aws_s3_bucket_lifecycle_configuration") {
				for _, rule := range asList(lookup(r.values, "rule")) {
					if lookup(rule, "status") != "Enabled" || len(asList(lookup(rule, "filter"))) != 1 || len(lookup(rule, "filter", 0).(map[string]any)) > 0 {
						errs = append(errs, fmt.Sprintf("%s: the rule %v is disabled or does not apply to all objects", r.address, lookup(rule, "id")))
					}
				}
			}
			r := p.resource("aws_s3_bucket_lifecycle_configuration.pictures")
			errs = append(errs, expect(r, 29., "rule", 0, "expiration", 0, "days")...)
			errs = append(errs, expect(r, 1., "rule", 0, "noncurrent_version_expiration", 0, "noncurrent_days")...)
			errs = append(errs, expect(r, 1., "rule", 0, "abort_incomplete_multipart_upload", 0, "days_after_initiation")...)
			return append(errs, expect(r, true, "rule", 1, "expiration", 0, "expired_object_delete_marker")...)
		}, []mutation{
			{"a_disabled_lifecycle_rule_of_the_logs", "logs.tf", `status = "Enabled"`, `status = "Disabled"`},
			{"a_disabled_lifecycle_rule", "upload.tf", `status = "Enabled"
    filter {}

    expiration {
      days`, `status = "Disabled"
    filter {}

    expiration {
      days`},
			{"hidden_versions_kept_for_three_days", "upload.tf", "noncurrent_days = 1", "noncurrent_days = 3"},
			{"incomplete_uploads_kept_forever", "upload.tf", "abort_incomplete_multipart_upload {\n      days_after_initiation = 1\n    }", ""},
		},
	},
	"CORS_allows_uploads_from_the_site_only": {
		forEach("aws_s3_bucket_cors_configuration", func(_ plan, r resource) (errs []string) {
			if n := len(asList(lookup(r.values, "cors_rule"))); n != 1 {
				errs = append(errs, fmt.Sprintf("%s has %d rules, want 1", r.address, n))
			}
			errs = append(errs, expect(r, []any{"https://aws_cloudfront_distribution.site.domain_name"}, "cors_rule", 0, "allowed_origins")...)
			errs = append(errs, expect(r, []any{"PUT", "GET", "HEAD"}, "cors_rule", 0, "allowed_methods")...)
			errs = append(errs, expect(r, grantHeaders(), "cors_rule", 0, "allowed_headers")...)
			errs = append(errs, expect(r, []any{"ETag"}, "cors_rule", 0, "expose_headers")...)
			return append(errs, expect(r, 3600., "cors_rule", 0, "max_age_seconds")...)
		}), []mutation{
			{"any_origin", "upload.tf", "[local.site_origin]", `["*"]`},
			{"the_DELETE_method", "upload.tf", `["PUT", "GET", "HEAD"]`, `["PUT", "GET", "HEAD", "DELETE"]`},
			{"any_header", "upload.tf", `["content-type", "if-none-match", "x-amz-checksum-sha256"]`, `["*"]`},
			{"a_missing_header_of_the_upload_grant", "upload.tf", `"if-none-match", `, ``},
		},
	},
	"only_uploads_to_the_pictures_bucket_invoke_the_trigger": {
		func(p plan) (errs []string) {
			for _, r := range p.ofType("aws_s3_bucket_notification") {
				errs = append(errs, expect(r, "aws_s3_bucket.pictures.bucket", "bucket")...)
				errs = append(errs, expect(r, []any{"s3:ObjectCreated:*"}, "lambda_function", 0, "events")...)
				errs = append(errs, expect(r, "pictures/", "lambda_function", 0, "filter_prefix")...)
				errs = append(errs, expect(r, "aws_lambda_function.trigger.arn", "lambda_function", 0, "lambda_function_arn")...)
			}
			permissions := p.where("aws_lambda_permission", "function_name", "aws_lambda_function.trigger.function_name")
			if len(permissions) != 1 || len(p.ofType("aws_s3_bucket_notification")) != 1 {
				return append(errs, "the trigger must have exactly one notification and one permission")
			}
			errs = append(errs, expect(permissions[0], "s3.amazonaws.com", "principal")...)
			errs = append(errs, expect(permissions[0], "aws_s3_bucket.pictures.arn", "source_arn")...)
			return append(errs, expect(permissions[0], accountID, "source_account")...)
		}, []mutation{
			{"a_permission_without_the_source_account", "upload.tf", "  source_account = local.account\n", ""},
			{"a_permission_without_the_source_bucket", "upload.tf", "  source_arn     = aws_s3_bucket.pictures.arn\n", ""},
			{"events_for_keys_outside_the_pictures_prefix", "upload.tf", `filter_prefix       = "pictures/"`, `filter_prefix       = ""`},
			{"events_for_PUT_only_without_copies", "upload.tf", "s3:ObjectCreated:*", "s3:ObjectCreated:Put"},
		},
	},
}

// grantHeaders parses the web program's source to find the headers that an upload must send.
func grantHeaders() []any {
	_, after, _ := strings.Cut(goSource("../web"), "Headers = map[string]string{")
	literal, _, _ := strings.Cut(after, "}")
	var names []any
	for _, m := range regexp.MustCompile(`"([a-z0-9-]+)":`).FindAllStringSubmatch(literal, -1) {
		names = append(names, m[1])
	}
	slices.SortFunc(names, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	return names
}

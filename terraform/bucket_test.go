package terraform_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// partner demands that every bucket has exactly one resource of a kind, and looks at it.
func partner(kind string, complaints func(resource) []string) func(planned) []string {
	return each("aws_s3_bucket", func(p planned, bucket resource) []string {
		found := p.about(kind, "bucket", bucket.address+".bucket")
		if len(found) != 1 {
			return []string{fmt.Sprintf("%s has %d %s", bucket.address, len(found), kind)}
		}
		return complaints(found[0])
	})
}

var bucketRules = map[string]rule{
	"every_bucket_blocks_the_public": {
		partner("aws_s3_bucket_public_access_block", func(r resource) (c []string) {
			for _, door := range []string{"block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets"} {
				c = append(c, mustBe(r, true, door)...)
			}
			return c
		}), []breach{
			{"an_open_door", "upload.tf", "block_public_policy     = true", "block_public_policy     = false"},
			{"a_door_that_is_forgotten", "upload.tf", "restrict_public_buckets = true\n", ""},
			{"a_block_on_another_bucket", "site.tf", `resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.site.bucket`, `resource "aws_s3_bucket_public_access_block" "site" {
  bucket                  = aws_s3_bucket.pictures.bucket`},
			{"a_new_bucket_without_one", "upload.tf", `resource "aws_s3_bucket" "pictures" {`, `resource "aws_s3_bucket" "more" {
}

resource "aws_s3_bucket" "pictures" {`},
		},
	},
	"no_bucket_has_access_lists": {
		partner("aws_s3_bucket_ownership_controls", func(r resource) []string {
			return mustBe(r, "BucketOwnerEnforced", "rule", 0, "object_ownership")
		}),
		[]breach{{"lists", "site.tf", `"BucketOwnerEnforced"`, `"ObjectWriter"`}},
	},
	"every_bucket_is_encrypted": {
		partner("aws_s3_bucket_server_side_encryption_configuration", func(r resource) []string {
			return mustBe(r, "AES256", "rule", 0, "apply_server_side_encryption_by_default", 0, "sse_algorithm")
		}),
		[]breach{{"a_bucket_in_the_clear", "upload.tf", `"AES256"`, `""`}},
	},
	"every_bucket_takes_TLS_alone": {
		partner("aws_s3_bucket_policy", func(r resource) []string {
			for _, s := range statements(r, "policy") {
				if at(s, "Effect") == "Deny" && at(s, "Principal") == "*" && at(s, "Action") == "s3:*" && at(s, "Condition", "Bool", "aws:SecureTransport") == "false" && len(list(at(s, "Resource"))) == 2 {
					return nil
				}
			}
			return []string{r.address + " lets plain HTTP in"}
		}), []breach{
			{"a_policy_that_allows_it", "upload.tf", `Effect    = "Deny"`, `Effect    = "Allow"`},
			{"a_policy_for_the_bucket_but_not_its_objects", "site.tf", `Resource  = ["arn:aws:s3:::${local.site_bucket}", "arn:aws:s3:::${local.site_bucket}/*"]`, `Resource  = ["arn:aws:s3:::${local.site_bucket}"]`},
		},
	},
	"pictures_have_versions": {
		each("aws_s3_bucket_versioning", func(_ planned, r resource) []string {
			return mustBe(r, "Enabled", "versioning_configuration", 0, "status")
		}),
		[]breach{{"suspended_versions", "upload.tf", `status = "Enabled"
  }`, `status = "Suspended"
  }`}},
	},
	"pictures_are_deleted_in_time": {
		each("aws_s3_bucket_lifecycle_configuration", func(_ planned, r resource) (c []string) {
			for _, rule := range list(at(r.values, "rule")) {
				if at(rule, "status") != "Enabled" || len(list(at(rule, "filter"))) != 1 || len(at(rule, "filter", 0).(map[string]any)) > 0 {
					c = append(c, fmt.Sprintf("%s: the rule %v leaves something out", r.address, at(rule, "id")))
				}
			}
			c = append(c, mustBe(r, 29., "rule", 0, "expiration", 0, "days")...)
			c = append(c, mustBe(r, 1., "rule", 0, "noncurrent_version_expiration", 0, "noncurrent_days")...)
			c = append(c, mustBe(r, 1., "rule", 0, "abort_incomplete_multipart_upload", 0, "days_after_initiation")...)
			return append(c, mustBe(r, true, "rule", 1, "expiration", 0, "expired_object_delete_marker")...)
		}), []breach{
			{"a_rule_that_is_off", "upload.tf", `status = "Enabled"
    filter {}

    expiration {
      days`, `status = "Disabled"
    filter {}

    expiration {
      days`},
			{"old_versions_that_stay", "upload.tf", "noncurrent_days = 1", "noncurrent_days = 3"},
			{"incomplete_uploads_that_stay", "upload.tf", "abort_incomplete_multipart_upload {\n      days_after_initiation = 1\n    }", ""},
		},
	},
	"a_browser_may_use_a_grant_from_the_site_alone": {
		each("aws_s3_bucket_cors_configuration", func(_ planned, r resource) (c []string) {
			if n := len(list(at(r.values, "cors_rule"))); n != 1 {
				c = append(c, fmt.Sprintf("%s has %d rules", r.address, n))
			}
			c = append(c, mustBe(r, []any{"https://aws_cloudfront_distribution.site.domain_name"}, "cors_rule", 0, "allowed_origins")...)
			c = append(c, mustBe(r, []any{"PUT", "GET", "HEAD"}, "cors_rule", 0, "allowed_methods")...)
			c = append(c, mustBe(r, granted(), "cors_rule", 0, "allowed_headers")...)
			c = append(c, mustBe(r, []any{"ETag"}, "cors_rule", 0, "expose_headers")...)
			return append(c, mustBe(r, 3600., "cors_rule", 0, "max_age_seconds")...)
		}), []breach{
			{"any_origin", "upload.tf", "[local.site_origin]", `["*"]`},
			{"another_method", "upload.tf", `["PUT", "GET", "HEAD"]`, `["PUT", "GET", "HEAD", "DELETE"]`},
			{"any_header", "upload.tf", `["content-type", "if-none-match", "x-amz-checksum-sha256"]`, `["*"]`},
			{"a_header_that_is_missing", "upload.tf", `"if-none-match", `, ``},
		},
	},
	"an_upload_wakes_the_trigger_and_nobody_else_can": {
		func(p planned) (c []string) {
			for _, r := range p.of("aws_s3_bucket_notification") {
				c = append(c, mustBe(r, "aws_s3_bucket.pictures.bucket", "bucket")...)
				c = append(c, mustBe(r, []any{"s3:ObjectCreated:*"}, "lambda_function", 0, "events")...)
				c = append(c, mustBe(r, "pictures/", "lambda_function", 0, "filter_prefix")...)
				c = append(c, mustBe(r, "aws_lambda_function.trigger.arn", "lambda_function", 0, "lambda_function_arn")...)
			}
			permissions := p.about("aws_lambda_permission", "function_name", "aws_lambda_function.trigger.function_name")
			if len(permissions) != 1 || len(p.of("aws_s3_bucket_notification")) != 1 {
				return append(c, "the trigger must have one notification and one permission")
			}
			c = append(c, mustBe(permissions[0], "s3.amazonaws.com", "principal")...)
			c = append(c, mustBe(permissions[0], "aws_s3_bucket.pictures.arn", "source_arn")...)
			return append(c, mustBe(permissions[0], account, "source_account")...)
		}, []breach{
			{"a_bucket_of_any_account", "upload.tf", "  source_account = local.account\n", ""},
			{"any_bucket_of_this_account", "upload.tf", "  source_arn     = aws_s3_bucket.pictures.arn\n", ""},
			{"events_of_everything_in_the_bucket", "upload.tf", `filter_prefix       = "pictures/"`, `filter_prefix       = ""`},
			{"copies_that_go_unnoticed", "upload.tf", "s3:ObjectCreated:*", "s3:ObjectCreated:Put"},
		},
	},
}

// granted is the headers that web's grant tells a browser to set.
func granted() []any {
	source, err := os.ReadFile("../web/grant.go")
	if err != nil {
		return nil
	}
	_, after, _ := strings.Cut(string(source), "Headers: map[string]string{")
	before, _, _ := strings.Cut(after, "}")
	var names []any
	for _, m := range regexp.MustCompile(`"([a-z0-9-]+)":`).FindAllStringSubmatch(before, -1) {
		names = append(names, m[1])
	}
	slices.SortFunc(names, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	return names
}

package terraform_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// statements are those of a policy, which is JSON in an attribute.
func statements(r resource, attribute string) []any {
	text, _ := r.values[attribute].(string)
	var policy struct{ Statement []any }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil
	}
	return policy.Statement
}

// everyPolicy looks at each statement of each policy of any kind, trust policies included.
func everyPolicy(complaints func(r resource, s any) []string) func(planned) []string {
	return func(p planned) (c []string) {
		seen := 0
		for _, r := range p {
			for _, attribute := range []string{"policy", "assume_role_policy"} {
				for _, s := range statements(r, attribute) {
					seen++
					c = append(c, complaints(r, s)...)
				}
			}
		}
		if seen < 10 {
			c = append(c, fmt.Sprintf("only %d statements were found", seen))
		}
		return c
	}
}

// boundless are the actions for which AWS knows no resource, and what else binds them.
var boundless = map[string]func(s any) bool{
	"ecr:GetAuthorizationToken": func(any) bool { return true },
	"sts:GetWebIdentityToken": func(s any) bool {
		return reflect.DeepEqual(at(s, "Condition", "ForAllValues:StringEquals", "sts:IdentityTokenAudience"), []any{"api://AzureADTokenExchange"}) &&
			at(s, "Condition", "Null", "sts:IdentityTokenAudience") == "false" && // an empty list of audiences is all of them, too
			at(s, "Condition", "NumericLessThanEquals", "sts:DurationSeconds") == 300.
	},
}

var policyRules = map[string]rule{
	"no_action_has_a_wildcard": {
		everyPolicy(func(r resource, s any) (c []string) {
			if at(s, "Effect") != "Allow" {
				return nil
			}
			for _, action := range list(at(s, "Action")) {
				if strings.ContainsAny(action.(string), "*?") {
					c = append(c, fmt.Sprintf("%s allows %s", r.address, action))
				}
			}
			if at(s, "NotAction") != nil || at(s, "NotResource") != nil || at(s, "NotPrincipal") != nil {
				c = append(c, r.address+" allows all but something")
			}
			return c
		}), []breach{
			{"all_of_a_service", "worker.tf", `["s3:ListBucket", "s3:ListBucketVersions"]`, `"s3:*"`},
			{"all_that_begins_alike", "trigger.tf", `"sqs:SendMessage"`, `"sqs:*"`},
			{"a_wildcard_in_what_all_share", "settings.tf", `"ssm:GetParametersByPath"`, `"ssm:Get*"`},
			{"all_but_something", "web.tf", `Action   = ["s3:PutObject"`, `NotAction = ["s3:PutObject"`},
		},
	},
	"every_resource_is_named": {
		everyPolicy(func(r resource, s any) (c []string) {
			if at(s, "Effect") != "Allow" || at(s, "Action") == "sts:AssumeRole" {
				return nil
			}
			for _, on := range list(at(s, "Resource")) {
				parts := strings.SplitN(on.(string), ":", 6)
				if len(parts) == 6 && !strings.Contains(strings.Join(parts[:5], ""), "*") && !strings.HasPrefix(parts[5], "*") {
					continue
				}
				for _, action := range list(at(s, "Action")) {
					if bound, known := boundless[action.(string)]; !known || !bound(s) {
						c = append(c, fmt.Sprintf("%s allows %s on %s", r.address, action, on))
					}
				}
			}
			if len(list(at(s, "Resource"))) == 0 {
				c = append(c, r.address+" names no resource")
			}
			return c
		}), []breach{
			{"every_bucket", "worker.tf", `Resource = "${local.pictures_arn}/pictures/*"`, `Resource = "*"`},
			{"every_queue", "trigger.tf", "Resource = \"arn:aws:sqs:${local.aws_region}:${local.account}:${var.name}-dead-letters\"", `Resource = "arn:aws:sqs:*:*:*"`},
			{"tokens_for_anyone", "azure.tf", `"ForAllValues:StringEquals" = { "sts:IdentityTokenAudience" = [audience] }`, ``},
			{"tokens_for_nobody_in_particular", "azure.tf", `Null                        = { "sts:IdentityTokenAudience" = "false" }`, ``},
			{"tokens_that_last", "azure.tf", `"sts:DurationSeconds" = 300`, `"sts:DurationSeconds" = 3600`},
		},
	},
	"nobody_is_everybody": {
		everyPolicy(func(r resource, s any) (c []string) {
			if at(s, "Effect") != "Allow" {
				return nil
			}
			principal := at(s, "Principal")
			if r.kind == "aws_iam_role_policy" && principal == nil {
				return nil // the role itself
			}
			service, _ := at(principal, "Service").(string)
			if m, ok := principal.(map[string]any); !ok || len(m) != 1 || !strings.HasSuffix(service, ".amazonaws.com") {
				return []string{fmt.Sprintf("%s lets in %v", r.address, principal)}
			}
			if service != "lambda.amazonaws.com" && at(s, "Condition", "StringEquals") == nil {
				return []string{fmt.Sprintf("%s lets %s act for anyone's account", r.address, service)}
			}
			return nil
		}), []breach{
			{"an_anonymous_reader", "site.tf", `Principal = { Service = "cloudfront.amazonaws.com" }`, `Principal = "*"`},
			{"an_anonymous_writer", "upload.tf", `Effect    = "Deny"`, `Effect    = "Allow"`},
			{"a_role_for_any_AWS_account", "settings.tf", `Principal = { Service = "lambda.amazonaws.com" }`, `Principal = { AWS = "*" }`},
			{"a_role_for_another_account's_tasks", "worker.tf", `StringEquals = { "aws:SourceAccount" = local.account }`, ``},
			{"anyone's_distribution", "site.tf", `Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.site.arn } }`, ``},
		},
	},
	"each_program_does_in_S3_what_it_does_and_no_more": {
		func(p planned) (c []string) {
			bucket := "arn:aws:s3:::triptych-pictures-123456789012-" + p.region()
			want := map[string]map[string][]string{
				"aws_iam_role_policy.trigger": {},
				"aws_iam_role_policy.web":     {bucket + "/pictures/*": {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}},
				"aws_iam_role_policy.worker": {
					bucket + "/pictures/*": {"s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectVersion"},
					bucket:                 {"s3:ListBucket", "s3:ListBucketVersions"},
				},
			}
			for address, allowed := range want {
				have := map[string][]string{}
				for _, s := range statements(resource{values: p.one(address)}, "policy") {
					for _, action := range list(at(s, "Action")) {
						if strings.HasPrefix(action.(string), "s3:") {
							on := at(s, "Resource").(string)
							have[on] = append(have[on], action.(string))
						}
					}
				}
				for _, actions := range have {
					slices.Sort(actions)
				}
				if !reflect.DeepEqual(have, allowed) {
					c = append(c, fmt.Sprintf("%s may %v, not %v", address, have, allowed))
				}
			}
			return c
		}, []breach{
			{"a_worker_that_cannot_tell_gone_from_forbidden", "worker.tf", `["s3:ListBucket", "s3:ListBucketVersions"]`, `["s3:ListBucketVersions"]`},
			{"a_worker_that_cannot_read_versions", "worker.tf", `"s3:GetObject", "s3:GetObjectVersion", `, `"s3:GetObject", `},
			{"a_site_that_deletes", "web.tf", `["s3:PutObject", `, `["s3:DeleteObject", "s3:PutObject", `},
			{"a_site_that_writes_elsewhere", "web.tf", "${local.pictures_arn}/pictures/*", "${local.pictures_arn}/*"},
		},
	},
	"each_program_reads_its_own_settings_alone": {
		func(p planned) (c []string) {
			for _, program := range []string{"web", "trigger", "worker"} {
				path := "arn:aws:ssm:" + p.region() + ":123456789012:parameter/triptych/" + program
				for _, s := range statements(resource{values: p.one("aws_iam_role_policy." + program)}, "policy") {
					if at(s, "Action") == "ssm:GetParametersByPath" && !reflect.DeepEqual(at(s, "Resource"), []any{path, path + "/*"}) {
						c = append(c, fmt.Sprintf("%s reads %v", program, at(s, "Resource")))
					}
				}
			}
			for _, r := range p.of("aws_ssm_parameter") {
				c = append(c, mustBe(r, "SecureString", "type")...)
				if strings.Contains(r.address, `"trigger/`) && !strings.Contains(r.address, "/TEMPORAL_") {
					c = append(c, r.address+" is none of the trigger's business")
				}
			}
			return c
		}, []breach{
			{"a_site_that_reads_the_worker's", "settings.tf", "parameter${local.settings_path[program]}${suffix}", "parameter/${var.name}${suffix}"},
			{"a_secret_in_the_clear", "settings.tf", `"SecureString"`, `"String"`},
			{"a_key_where_it_is_not_used", "settings.tf", "trigger = local.temporal_settings.trigger", "trigger = merge(local.temporal_settings.trigger, local.cosmos_settings.worker)"},
		},
	},
}

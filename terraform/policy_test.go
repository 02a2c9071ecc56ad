package terraform_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// statements returns nil if the attribute is not a valid JSON policy.
func statements(r resource, attribute string) []any {
	text, _ := r.values[attribute].(string)
	var policy struct{ Statement any }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil
	}
	return asList(policy.Statement)
}

func policies(r resource) []resource {
	var found []resource
	var search func(path string, v any)
	search = func(path string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				if (name == "policy" || name == "assume_role_policy") && value != nil {
					found = append(found, resource{address: path + "." + name, typ: r.typ, values: map[string]any{"policy": value}})
				}
				search(path+"."+name, value)
			}
		case []any:
			for _, value := range v {
				search(path, value)
			}
		}
	}
	if r.typ != "aws_ecr_lifecycle_policy" { // deletes images, gives no permissions
		search(r.address, r.values)
	}
	return found
}

func forEachStatement(check func(r resource, s any) []string) func(plan) []string {
	return func(p plan) (errs []string) {
		count := 0
		for _, r := range p {
			for _, policy := range policies(r) {
				all := statements(policy, "policy")
				if len(all) == 0 {
					errs = append(errs, policy.address+" is not a valid policy, so its permissions are unknown")
				}
				for _, s := range all {
					count++
					errs = append(errs, check(policy, s)...)
				}
			}
		}
		if count < 10 {
			errs = append(errs, fmt.Sprintf("found only %d statements", count))
		}
		return errs
	}
}

// IAM cannot restrict these actions to a resource. Each function reports whether the statement is acceptable anyway.
var actionsWithoutResource = map[string]func(s any) bool{
	"ecr:GetAuthorizationToken": func(any) bool { return true },
	"sts:GetWebIdentityToken": func(s any) bool {
		return reflect.DeepEqual(lookup(s, "Condition", "ForAllValues:StringEquals", "sts:IdentityTokenAudience"), []any{"api://AzureADTokenExchange"}) &&
			lookup(s, "Condition", "Null", "sts:IdentityTokenAudience") == "false" && // ForAllValues also matches a request without an audience
			lookup(s, "Condition", "NumericLessThanEquals", "sts:DurationSeconds") == 300.
	},
}

var accessResources = map[string]int{
	"aws_iam_role": 4, "aws_iam_role_policy": 4, "aws_s3_bucket_policy": 3, "aws_s3_bucket_acl": 1, "aws_lambda_permission": 3, "aws_sns_topic_policy": 1,
	"aws_iam_outbound_web_identity_federation": 1, "aws_ecr_lifecycle_policy": 1, "aws_appautoscaling_policy": 1,
	"aws_cloudfront_response_headers_policy": 1, "data.aws_caller_identity": 1, "data.aws_canonical_user_id": 1, "data.aws_cloudfront_log_delivery_canonical_user_id": 1, "data.aws_cloudfront_cache_policy": 2, "data.aws_cloudfront_origin_request_policy": 1,
	"google_service_account": 1, "google_project_iam_member": 1, "google_service_account_iam_member": 1,
	"google_iam_workload_identity_pool": 1, "google_iam_workload_identity_pool_provider": 1,
	"azurerm_user_assigned_identity": 2, "azurerm_federated_identity_credential": 2,
	"azurerm_cosmosdb_sql_role_definition": 3, "azurerm_cosmosdb_sql_role_assignment": 4,
	"temporalcloud_service_account": 3, "temporalcloud_apikey": 3,
}

var accessTypes = regexp.MustCompile(`iam_|_iam|polic|role|permission|identity|service_account|_key|bucket_acl|_user|_grant|_lock`)

var policyRules = map[string]rule{
	"no_resource_outside_the_known_list_grants_access": {
		func(p plan) (errs []string) {
			counts := map[string]int{}
			for _, r := range p {
				if accessTypes.MatchString(r.typ) {
					counts[r.typ]++
				}
				for _, attribute := range []string{"managed_policy_arns", "inline_policy", "policy_arn", "access_point", "grant"} {
					if lookup(r.values, attribute) != nil {
						errs = append(errs, fmt.Sprintf("%s has %s", r.address, attribute))
					}
				}
			}
			for typ, n := range counts {
				if n > accessResources[typ] {
					errs = append(errs, fmt.Sprintf("the plan contains %d %s, want at most %d", n, typ, accessResources[typ]))
				}
			}
			return errs
		}, []mutation{
			{"an_AWS_managed_policy", "worker.tf", "name               = local.role.worker\n  assume", "name               = local.role.worker\n  managed_policy_arns = [\"arn:aws:iam::aws:policy/AdministratorAccess\"]\n  assume"},
			{"an_inline_policy_in_a_role", "worker.tf", "name               = local.role.worker\n  assume", "name               = local.role.worker\n  inline_policy {\n    name   = \"more\"\n    policy = \"{}\"\n  }\n  assume"},
			{"a_policy_attachment_to_a_role", "web.tf", `resource "aws_iam_role" "web" {`, `resource "aws_iam_role_policy_attachment" "web" {
  role       = aws_iam_role.web.name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

resource "aws_iam_role" "web" {`},
			{"a_policy_attachment_to_several_roles", "web.tf", `resource "aws_iam_role" "web" {`, `resource "aws_iam_policy_attachment" "web" {
  name  = "more"
  roles = [aws_iam_role.web.name]
}

resource "aws_iam_role" "web" {`},
			{"an_unused_policy_document", "web.tf", `resource "aws_iam_role" "web" {`, `data "aws_iam_policy_document" "web" {
  statement {
    actions   = ["*"]
    resources = ["*"]
  }
}

resource "aws_iam_role" "web" {`},
			{"a_fifth_role", "web.tf", `resource "aws_iam_role" "web" {`, `resource "aws_iam_role" "more" {
  assume_role_policy = local.lambda_trust
}

resource "aws_iam_role" "web" {`},
			{"a_public_bucket_ACL", "upload.tf", `resource "aws_s3_bucket" "pictures" {`, `resource "aws_s3_bucket_acl" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket
  acl    = "public-read"
}

resource "aws_s3_bucket" "pictures" {`},
			{"a_public_binding_of_the_Google_project", "google.tf", `resource "google_project_iam_member" "worker" {`, `resource "google_project_iam_binding" "all" {
  project = var.google_project
  role    = "roles/editor"
  members = ["allUsers"]
}

resource "google_project_iam_member" "worker" {`},
			{"a_second_member_of_the_Google_project", "google.tf", `resource "google_project_iam_member" "worker" {`, `resource "google_project_iam_member" "more" {
  project = var.google_project
  role    = "roles/owner"
  member  = "allAuthenticatedUsers"
}

resource "google_project_iam_member" "worker" {`},
			{"an_Azure_role_assignment_as_owner", "azure.tf", `resource "azurerm_user_assigned_identity" "program" {`, `resource "azurerm_role_assignment" "owner" {
  for_each             = local.azure_federated
  scope                = azurerm_resource_group.records.id
  role_definition_name = "Owner"
  principal_id         = azurerm_user_assigned_identity.program[each.key].principal_id
}

resource "azurerm_user_assigned_identity" "program" {`},
			{"an_additional_Cosmos_DB_role_assignment", "azure.tf", `resource "azurerm_cosmosdb_sql_role_assignment" "metadata" {`, `resource "azurerm_cosmosdb_sql_role_assignment" "more" {
  role_definition_id = "00000000-0000-0000-0000-000000000002"
  principal_id       = azurerm_user_assigned_identity.program["web"].principal_id
  scope              = azurerm_cosmosdb_account.records.id
}

resource "azurerm_cosmosdb_sql_role_assignment" "metadata" {`},
		},
	},
	"every_policy_can_be_parsed": {
		forEachStatement(func(resource, any) []string { return nil }),
		[]mutation{
			{"a_policy_from_a_data_source", "web.tf", `resource "aws_iam_role_policy" "web" {
  name = "web"
  role = aws_iam_role.web.name

  policy = jsonencode({`, `data "aws_iam_policy_document" "web" {}

resource "aws_iam_role_policy" "more" {
  role   = aws_iam_role.web.name
  policy = data.aws_iam_policy_document.web.json
}

resource "aws_iam_role_policy" "web" {
  name = "web"
  role = aws_iam_role.web.name

  policy = jsonencode({`},
			{"a_policy_without_statements", "trigger.tf", "    Statement = [\n      local.allow_logs.trigger,", "    Statements = [\n      local.allow_logs.trigger,"},
			{"a_queue_policy_that_is_not_JSON", "trigger.tf", "  sqs_managed_sse_enabled   = true", "  sqs_managed_sse_enabled   = true\n  policy                    = aws_iam_role.trigger.arn"},
		},
	},
	"no_policy_allows_actions_by_wildcard": {
		forEachStatement(func(r resource, s any) (errs []string) {
			if lookup(s, "Effect") != "Allow" {
				return nil
			}
			for _, action := range asList(lookup(s, "Action")) {
				if strings.ContainsAny(action.(string), "*?") {
					errs = append(errs, fmt.Sprintf("%s allows %s", r.address, action))
				}
			}
			if lookup(s, "NotAction") != nil || lookup(s, "NotResource") != nil || lookup(s, "NotPrincipal") != nil {
				errs = append(errs, r.address+" allows everything except a list")
			}
			return errs
		}), []mutation{
			{"all_actions_of_S3", "worker.tf", `["s3:ListBucket", "s3:ListBucketVersions"]`, `"s3:*"`},
			{"all_actions_of_SQS", "trigger.tf", `"sqs:SendMessage"`, `"sqs:*"`},
			{"a_wildcard_in_the_shared_settings_statement", "settings.tf", `"ssm:GetParametersByPath"`, `"ssm:Get*"`},
			{"NotAction", "web.tf", `Action   = ["s3:PutObject"`, `NotAction = ["s3:PutObject"`},
		},
	},
	"every_policy_names_its_resources": {
		forEachStatement(func(r resource, s any) (errs []string) {
			if lookup(s, "Effect") != "Allow" || lookup(s, "Action") == "sts:AssumeRole" {
				return nil
			}
			for _, arn := range asList(lookup(s, "Resource")) {
				parts := strings.SplitN(arn.(string), ":", 6)
				if len(parts) == 6 && !strings.Contains(strings.Join(parts[:5], ""), "*") && !strings.HasPrefix(parts[5], "*") {
					continue
				}
				for _, action := range asList(lookup(s, "Action")) {
					if restricted, ok := actionsWithoutResource[action.(string)]; !ok || !restricted(s) {
						errs = append(errs, fmt.Sprintf("%s allows %s on %s", r.address, action, arn))
					}
				}
			}
			if len(asList(lookup(s, "Resource"))) == 0 {
				errs = append(errs, r.address+" names no resource")
			}
			return errs
		}), []mutation{
			{"a_worker_that_can_read_every_bucket", "worker.tf", `Resource = "${local.pictures_arn}/pictures/*"`, `Resource = "*"`},
			{"a_trigger_that_can_use_every_queue", "trigger.tf", "Resource = \"arn:aws:sqs:${local.aws_region}:${local.account}:${var.name}-dead-letters\"", `Resource = "arn:aws:sqs:*:*:*"`},
			{"identity_tokens_for_any_audience", "azure.tf", `"ForAllValues:StringEquals" = { "sts:IdentityTokenAudience" = [audience] }`, ``},
			{"identity_tokens_without_an_audience", "azure.tf", `Null                        = { "sts:IdentityTokenAudience" = "false" }`, ``},
			{"identity_tokens_that_live_for_an_hour", "azure.tf", `"sts:DurationSeconds" = 300`, `"sts:DurationSeconds" = 3600`},
		},
	},
	"no_policy_allows_all_principals": {
		forEachStatement(func(r resource, s any) (errs []string) {
			if lookup(s, "Effect") != "Allow" {
				return nil
			}
			principal := lookup(s, "Principal")
			if r.typ == "aws_iam_role_policy" && principal == nil {
				return nil // applies to the role itself
			}
			service, _ := lookup(principal, "Service").(string)
			if m, ok := principal.(map[string]any); !ok || len(m) != 1 || !strings.HasSuffix(service, ".amazonaws.com") {
				return []string{fmt.Sprintf("%s allows the principal %v", r.address, principal)}
			}
			topicOfEvents := r.typ == "aws_sns_topic_policy" && service == "events.amazonaws.com" // see alarmRules
			if service != "lambda.amazonaws.com" && !topicOfEvents && lookup(s, "Condition", "StringEquals") == nil {
				return []string{fmt.Sprintf("%s allows %s on behalf of any account", r.address, service)}
			}
			return nil
		}), []mutation{
			{"anonymous_reads_of_the_page_bucket", "site.tf", `Principal = { Service = "cloudfront.amazonaws.com" }`, `Principal = "*"`},
			{"anonymous_access_to_the_pictures", "upload.tf", `Effect    = "Deny"`, `Effect    = "Allow"`},
			{"a_role_that_any_AWS_account_can_assume", "settings.tf", `Principal = { Service = "lambda.amazonaws.com" }`, `Principal = { AWS = "*" }`},
			{"a_role_that_ECS_tasks_of_other_accounts_can_assume", "worker.tf", `StringEquals = { "aws:SourceAccount" = local.account }`, ``},
			{"alarms_of_other_accounts", "alarms_deployment.tf", `Condition = { StringEquals = { "aws:SourceAccount" = local.account } }`, ``},
			{"reads_by_any_CloudFront_distribution", "site.tf", `Condition = { StringEquals = { "aws:SourceArn" = aws_cloudfront_distribution.site.arn } }`, ``},
		},
	},
}

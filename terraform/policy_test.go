package terraform_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// statements are those of a policy, which is JSON in an attribute; none, where it cannot be read.
func statements(r resource, attribute string) []any {
	text, _ := r.values[attribute].(string)
	var policy struct{ Statement any }
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return nil
	}
	return list(policy.Statement)
}

// policies are the attributes of a resource that hold one, those of its blocks as well.
func policies(r resource) []resource {
	var found []resource
	var look func(at string, v any)
	look = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, value := range v {
				if (name == "policy" || name == "assume_role_policy") && value != nil {
					found = append(found, resource{at + "." + name, r.kind, map[string]any{"policy": value}})
				}
				look(at+"."+name, value)
			}
		case []any:
			for _, value := range v {
				look(at, value)
			}
		}
	}
	if r.kind != "aws_ecr_lifecycle_policy" { // which images are kept
		look(r.address, r.values)
	}
	return found
}

// everyPolicy looks at each statement of each policy of any kind, trust policies included. One that cannot be read is
// complained of: nobody could say what it allows.
func everyPolicy(complaints func(r resource, s any) []string) func(planned) []string {
	return func(p planned) (c []string) {
		seen := 0
		for _, r := range p {
			for _, policy := range policies(r) {
				all := statements(policy, "policy")
				if len(all) == 0 {
					c = append(c, policy.address+" cannot be read, so nobody knows what it allows")
				}
				for _, s := range all {
					seen++
					c = append(c, complaints(policy, s)...)
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

// mayGive are all kinds that give anyone a right, in each cloud, and how many there are. Everything else whose name
// speaks of rights is refused: these rules look inside none of it.
var mayGive = map[string]int{
	"aws_iam_role": 4, "aws_iam_role_policy": 4, "aws_s3_bucket_policy": 2, "aws_lambda_permission": 3,
	"aws_iam_outbound_web_identity_federation": 1, "aws_ecr_lifecycle_policy": 1, "aws_appautoscaling_policy": 1,
	"aws_cloudfront_response_headers_policy": 1, "data.aws_caller_identity": 1, "data.aws_cloudfront_cache_policy": 2, "data.aws_cloudfront_origin_request_policy": 1,
	"google_service_account": 1, "google_project_iam_member": 1, "google_service_account_iam_member": 1,
	"google_iam_workload_identity_pool": 1, "google_iam_workload_identity_pool_provider": 1,
	"azurerm_user_assigned_identity": 2, "azurerm_federated_identity_credential": 2,
	"azurerm_cosmosdb_sql_role_definition": 3, "azurerm_cosmosdb_sql_role_assignment": 4,
	"temporalcloud_service_account": 3, "temporalcloud_apikey": 3,
}

var aboutRights = regexp.MustCompile(`iam_|_iam|polic|role|permission|identity|service_account|_key|bucket_acl|_user|_grant|_lock`)

var policyRules = map[string]rule{
	"nothing_else_gives_rights": {
		func(p planned) (c []string) {
			have := map[string]int{}
			for _, r := range p {
				if aboutRights.MatchString(r.kind) {
					have[r.kind]++
				}
				for _, attribute := range []string{"managed_policy_arns", "inline_policy", "policy_arn", "access_point", "grant"} {
					if at(r.values, attribute) != nil {
						c = append(c, fmt.Sprintf("%s has %s", r.address, attribute))
					}
				}
			}
			for kind, n := range have {
				// Without federation or Temporal Cloud there are fewer, never more.
				if n > mayGive[kind] {
					c = append(c, fmt.Sprintf("there are %d %s, not %d", n, kind, mayGive[kind]))
				}
			}
			return c
		}, []breach{
			{"a_policy_of_AWS's", "worker.tf", "name               = local.role.worker\n  assume", "name               = local.role.worker\n  managed_policy_arns = [\"arn:aws:iam::aws:policy/AdministratorAccess\"]\n  assume"},
			{"a_policy_within_a_role", "worker.tf", "name               = local.role.worker\n  assume", "name               = local.role.worker\n  inline_policy {\n    name   = \"more\"\n    policy = \"{}\"\n  }\n  assume"},
			{"a_policy_that_is_attached", "web.tf", `resource "aws_iam_role" "web" {`, `resource "aws_iam_role_policy_attachment" "web" {
  role       = aws_iam_role.web.name
  policy_arn = "arn:aws:iam::aws:policy/AdministratorAccess"
}

resource "aws_iam_role" "web" {`},
			{"a_policy_attached_to_many", "web.tf", `resource "aws_iam_role" "web" {`, `resource "aws_iam_policy_attachment" "web" {
  name  = "more"
  roles = [aws_iam_role.web.name]
}

resource "aws_iam_role" "web" {`},
			{"a_document_that_nobody_reads", "web.tf", `resource "aws_iam_role" "web" {`, `data "aws_iam_policy_document" "web" {
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
			{"a_bucket_that_all_may_read", "upload.tf", `resource "aws_s3_bucket" "pictures" {`, `resource "aws_s3_bucket_acl" "pictures" {
  bucket = aws_s3_bucket.pictures.bucket
  acl    = "public-read"
}

resource "aws_s3_bucket" "pictures" {`},
			{"a_project_for_all", "google.tf", `resource "google_project_iam_member" "worker" {`, `resource "google_project_iam_binding" "all" {
  project = var.google_project
  role    = "roles/editor"
  members = ["allUsers"]
}

resource "google_project_iam_member" "worker" {`},
			{"a_second_member_of_the_project", "google.tf", `resource "google_project_iam_member" "worker" {`, `resource "google_project_iam_member" "more" {
  project = var.google_project
  role    = "roles/owner"
  member  = "allAuthenticatedUsers"
}

resource "google_project_iam_member" "worker" {`},
			{"an_owner_of_the_subscription", "azure.tf", `resource "azurerm_user_assigned_identity" "program" {`, `resource "azurerm_role_assignment" "owner" {
  for_each             = local.azure_federated
  scope                = azurerm_resource_group.records.id
  role_definition_name = "Owner"
  principal_id         = azurerm_user_assigned_identity.program[each.key].principal_id
}

resource "azurerm_user_assigned_identity" "program" {`},
			{"a_second_role_in_Cosmos_DB", "azure.tf", `resource "azurerm_cosmosdb_sql_role_assignment" "metadata" {`, `resource "azurerm_cosmosdb_sql_role_assignment" "more" {
  role_definition_id = "00000000-0000-0000-0000-000000000002"
  principal_id       = azurerm_user_assigned_identity.program["web"].principal_id
  scope              = azurerm_cosmosdb_account.records.id
}

resource "azurerm_cosmosdb_sql_role_assignment" "metadata" {`},
		},
	},
	"every_policy_can_be_read": {
		everyPolicy(func(resource, any) []string { return nil }),
		[]breach{
			{"a_document_of_a_data_source's", "web.tf", `resource "aws_iam_role_policy" "web" {
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
			{"a_policy_of_a_queue's", "trigger.tf", "  sqs_managed_sse_enabled   = true", "  sqs_managed_sse_enabled   = true\n  policy                    = aws_iam_role.trigger.arn"},
		},
	},
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

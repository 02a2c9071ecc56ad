package terraform_test

import (
	"fmt"
	"slices"
)

// wiringRules are about what is no resource: providers, the backend, and what waits for what.
var wiringRules = map[string]rule{
	"state_is_encrypted_and_locked_and_each_deployment_has_its_own": {
		func(p planned) (c []string) {
			state := resource{address: "the backend", values: p.one("terraform")}
			c = append(c, mustBe(state, true, "backend", 0, "encrypt")...)
			c = append(c, mustBe(state, true, "backend", 0, "use_lockfile")...)
			return append(c, mustBe(state, nil, "backend", 0, "key")...) // backend.hcl says it
		}, []breach{
			{"state_in_the_clear", "terraform.tf", "encrypt      = true", "encrypt      = false"},
			{"two_applies_at_once", "terraform.tf", "    use_lockfile = true\n", ""},
			{"one_state_for_all_deployments", "terraform.tf", "encrypt      = true", "encrypt      = true\n    key          = \"triptych/terraform.tfstate\""},
		},
	},
	"everything_is_tagged": {
		func(p planned) (c []string) {
			tags := map[string]any{"application": "triptych"}
			for _, provider := range []string{"provider.aws", "provider.aws.us_east_1"} {
				c = append(c, mustBe(resource{address: provider, values: p.one(provider)}, tags, "default_tags", 0, "tags")...)
			}
			c = append(c, mustBe(resource{address: "provider.google", values: p.one("provider.google")}, tags, "default_labels")...)
			for _, kind := range []string{"azurerm_resource_group", "azurerm_cosmosdb_account", "azurerm_user_assigned_identity"} {
				for _, r := range p.of(kind) {
					c = append(c, mustBe(r, tags, "tags")...)
				}
			}
			return c
		}, []breach{
			{"AWS_without_tags", "terraform.tf", "  default_tags {\n    tags = local.tags\n  }\n", ""},
			{"CloudFront's_region_without_tags", "terraform.tf", "  region = \"us-east-1\"\n\n  default_tags {\n    tags = local.tags\n  }\n", "  region = \"us-east-1\"\n"},
			{"Google_without_labels", "terraform.tf", "  default_labels = local.tags\n", ""},
			{"Records_without_tags", "azure.tf", `  offer_type          = "Standard"
  tags                = local.tags`, `  offer_type          = "Standard"`},
		},
	},
	"what_Google_and_Azure_must_switch_on_is_switched_on": {
		func(p planned) (c []string) {
			var services []any
			for _, r := range p.of("google_project_service") {
				services = append(services, at(r.values, "service"))
				c = append(c, mustBe(r, false, "disable_on_destroy")...)
			}
			google := resource{address: "Google's services", values: map[string]any{"all": services}}
			c = append(c, mustBe(google, []any{"iam.googleapis.com", "iamcredentials.googleapis.com", "sts.googleapis.com", "vision.googleapis.com"}, "all")...)
			// Since azurerm 5 nothing is registered that is not named here.
			azure := resource{address: "Azure's provider", values: p.one("provider.azurerm")}
			return append(c, mustBe(azure, []any{"Microsoft.Consumption", "Microsoft.DocumentDB", "Microsoft.ManagedIdentity"}, "resource_providers_to_register")...)
		}, []breach{
			{"no_Cosmos_DB", "terraform.tf", `"Microsoft.DocumentDB", `, ""},
			{"no_identities", "terraform.tf", `, "Microsoft.ManagedIdentity"`, ""},
			{"no_budget", "terraform.tf", `"Microsoft.Consumption", `, ""},
			{"azurerm's_own_default", "terraform.tf", "resource_providers_to_register", "other_providers_to_register"},
			{"no_Vision", "google.tf", `"vision.googleapis.com", `, ""},
			{"no_tokens_for_AWS's_role", "google.tf", `, "sts.googleapis.com"`, ""},
			{"services_that_others_use_switched_off", "google.tf", "disable_on_destroy = false", "disable_on_destroy = true"},
		},
	},
	"a_budget_in_Azure_does_not_stop_destroy": {
		func(p planned) []string {
			azure := resource{address: "Azure's provider", values: p.one("provider.azurerm")}
			return mustBe(azure, false, "features", 0, "template_deployment", 0, "delete_nested_items_during_deletion")
		},
		[]breach{{"a_budget_that_azurerm_cannot_delete", "terraform.tf", "delete_nested_items_during_deletion = false", "delete_nested_items_during_deletion = true"}},
	},
	"CloudFront_finds_its_firewall": {
		func(p planned) (c []string) {
			c = append(c, mustBe(resource{address: "the second provider", values: p.one("provider.aws.us_east_1")}, "us-east-1", "region")...)
			for _, r := range p.of("aws_wafv2_web_acl") {
				c = append(c, mustBe(r, []any{"aws.us_east_1"}, "provider")...)
			}
			return c
		}, []breach{
			{"a_firewall_in_another_region", "site.tf", "resource \"aws_wafv2_web_acl\" \"site\" {\n  count    = var.waf ? 1 : 0\n  provider = aws.us_east_1\n", "resource \"aws_wafv2_web_acl\" \"site\" {\n  count    = var.waf ? 1 : 0\n"},
			{"a_second_provider_elsewhere", "terraform.tf", `region = "us-east-1"`, "region = local.aws_region"},
		},
	},
	"what_needs_another_waits_for_it": {
		func(p planned) (c []string) {
			for address, needs := range map[string][]any{
				"aws_s3_bucket_notification.pictures":                      {"aws_lambda_permission.pictures"},
				"aws_s3_bucket_policy.pictures":                            {"aws_s3_bucket_public_access_block.pictures"},
				"aws_s3_bucket_policy.site":                                {"aws_s3_bucket_public_access_block.site"},
				"aws_s3_bucket_lifecycle_configuration.pictures":           {"aws_s3_bucket_versioning.pictures"},
				"aws_lambda_function.web":                                  {"aws_iam_role_policy.web", "aws_ssm_parameter.erase_secret"},
				"aws_lambda_function.trigger":                              {"aws_iam_role_policy.trigger"},
				"aws_lambda_event_source_mapping.redrive":                  {"aws_iam_role_policy.trigger"},
				"google_service_account.worker":                            {"google_project_service.used"},
				"google_iam_workload_identity_pool.aws":                    {"google_project_service.used"},
				"azurerm_cosmosdb_sql_role_assignment.program[\"worker\"]": {"azurerm_cosmosdb_sql_container.records"},
				"aws_nat_gateway.worker[0]":                                {"aws_route.nat"},
				"aws_ecs_service.worker": {
					"aws_iam_role_policy.worker", "aws_iam_role_policy.worker_start", "aws_route.out", "aws_route_table_association.worker",
					"aws_vpc_security_group_egress_rule.worker", "aws_vpc_endpoint.s3",
				},
			} {
				r := p.one(address)
				for _, need := range needs {
					if r != nil && !slices.Contains(list(at(r, "depends_on")), need) {
						c = append(c, fmt.Sprintf("%s may be made before %s", address, need))
					}
				}
			}
			return c
		}, []breach{
			{"a_notification_that_may_not_wake_the_trigger", "upload.tf", "  depends_on = [aws_lambda_permission.pictures]\n", ""},
			{"a_policy_before_the_doors_are_closed", "upload.tf", "  depends_on = [aws_s3_bucket_public_access_block.pictures]\n", ""},
			{"versions_that_are_not_yet_there", "upload.tf", "  depends_on = [aws_s3_bucket_versioning.pictures]\n", ""},
			{"a_trigger_that_may_not_read_its_settings", "trigger.tf", "  depends_on = [aws_iam_role_policy.trigger]\n", ""},
			{"a_site_that_may_not_read_its_settings", "web.tf", "[aws_iam_role_policy.web, ", "["},
			{"a_site_before_its_erase_secret", "web.tf", ", aws_ssm_parameter.erase_secret]", "]"},
			{"workers_without_a_way_out", "worker.tf", "aws_route_table_association.worker, ", ""},
			{"workers_that_reach_nothing", "worker.tf", "aws_vpc_security_group_egress_rule.worker, ", ""},
			{"workers_that_pay_for_S3", "worker.tf", ", aws_vpc_endpoint.s3", ""},
			{"a_pool_that_Google_does_not_know", "google.tf", "  depends_on   = [google_project_service.used]\n", ""},
		},
	},
	"what_others_set_is_left_alone": {
		func(p planned) (c []string) {
			for address, attribute := range map[string]string{
				"aws_ecs_service.worker":                  "desired_count", // autoscaling
				"aws_lambda_event_source_mapping.redrive": "enabled",       // who redrives
				"terraform_data.suffix":                   "input",         // it was random once
				"terraform_data.first_month":              "input",
			} {
				c = append(c, mustBe(resource{address: address, values: p.one(address)}, []any{attribute}, "lifecycle", 0, "ignore_changes")...)
			}
			return c
		}, []breach{
			{"workers_stopped_by_an_apply", "worker.tf", "ignore_changes = [desired_count]", "ignore_changes = []"},
			{"names_that_change", "locals.tf", "ignore_changes = [input]", "ignore_changes = []"},
			{"a_redrive_stopped_by_an_apply", "trigger.tf", "ignore_changes = [enabled]", "ignore_changes = []"},
		},
	},
	"pictures_and_runs_are_not_destroyed_unasked": destroys(false,
		breach{"pictures_that_are", "upload.tf", "force_destroy = var.force_destroy", "force_destroy = true"},
		breach{"runs_that_are", "temporal.tf", "enable_delete_protection = !var.force_destroy", "enable_delete_protection = false"},
		breach{"images_that_are", "worker.tf", "force_delete         = var.force_destroy", "force_delete         = true"},
	),
	"the_region_sets_all_four_clouds": inRegion("eu-central-1", "germanywestcentral", "eu-vision.googleapis.com:443", "aws-eu-central-1",
		breach{"Records_in_America", "locals.tf", `azure = "germanywestcentral"`, `azure = "eastus2"`},
		breach{"a_Vision_anywhere", "locals.tf", "eu-vision.googleapis.com", "vision.googleapis.com"},
		breach{"a_database_elsewhere_than_its_group", "azure.tf", "location            = azurerm_resource_group.records.location\n  kind", "location            = \"eastus2\"\n  kind"},
	),
}

// unless names the one variant that a rule is not for; the variant has its own.
var unless = map[string]string{
	"a_browser_may_use_a_grant_from_the_site_alone":    "a_domain",
	"pictures_and_runs_are_not_destroyed_unasked":      "what_destroy_may_take",
	"the_region_sets_all_four_clouds":                  "the_us",
	"each_program_does_in_S3_what_it_does_and_no_more": "other_buckets_to_annotate",
}

// setting is what a program reads under a name.
func (p planned) setting(program, name string) resource {
	for _, r := range p.of("aws_ssm_parameter") {
		if at(r.values, "name") == "/triptych/"+program+"/"+name {
			return r
		}
	}
	return resource{address: program + "'s setting " + name}
}

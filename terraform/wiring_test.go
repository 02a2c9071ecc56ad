package terraform_test

import (
	"fmt"
	"slices"
)

var wiringRules = map[string]rule{
	"the_state_is_encrypted_locked_and_separate_for_each_deployment": {
		func(p plan) (errs []string) {
			state := p.resource("terraform")
			errs = append(errs, expect(state, true, "backend", 0, "encrypt")...)
			errs = append(errs, expect(state, true, "backend", 0, "use_lockfile")...)
			return append(errs, expect(state, nil, "backend", 0, "key")...) // backend.hcl sets it
		}, []mutation{
			{"an_unencrypted_state", "terraform.tf", "encrypt      = true", "encrypt      = false"},
			{"a_state_without_locking", "terraform.tf", "    use_lockfile = true\n", ""},
			{"one_state_key_for_all_deployments", "terraform.tf", "encrypt      = true", "encrypt      = true\n    key          = \"triptych/terraform.tfstate\""},
		},
	},
	"all_resources_are_tagged": {
		func(p plan) (errs []string) {
			tags := map[string]any{"application": "triptych"}
			for _, provider := range []string{"provider.aws", "provider.aws.us_east_1"} {
				errs = append(errs, expect(p.resource(provider), tags, "default_tags", 0, "tags")...)
			}
			errs = append(errs, expect(p.resource("provider.google"), tags, "default_labels")...)
			for _, typ := range []string{"azurerm_resource_group", "azurerm_cosmosdb_account", "azurerm_user_assigned_identity"} {
				for _, r := range p.ofType(typ) {
					errs = append(errs, expect(r, tags, "tags")...)
				}
			}
			return errs
		}, []mutation{
			{"AWS_resources_without_tags", "terraform.tf", "  default_tags {\n    tags = local.tags\n  }\n", ""},
			{"us-east-1_resources_without_tags", "terraform.tf", "  region = \"us-east-1\"\n\n  default_tags {\n    tags = local.tags\n  }\n", "  region = \"us-east-1\"\n"},
			{"Google_resources_without_labels", "terraform.tf", "  default_labels = local.tags\n", ""},
			{"a_Cosmos_DB_account_without_tags", "azure.tf", `  offer_type          = "Standard"
  tags                = local.tags`, `  offer_type          = "Standard"`},
		},
	},
	"required_Google_services_and_Azure_resource_providers_are_enabled": {
		func(p plan) (errs []string) {
			var services []any
			for _, r := range p.ofType("google_project_service") {
				services = append(services, lookup(r.values, "service"))
				errs = append(errs, expect(r, false, "disable_on_destroy")...)
			}
			google := resource{address: "Google's services", values: map[string]any{"all": services}}
			errs = append(errs, expect(google, []any{"iam.googleapis.com", "iamcredentials.googleapis.com", "sts.googleapis.com", "vision.googleapis.com"}, "all")...)
			// Since version 5, azurerm registers only the Azure resource providers that its configuration lists.
			azure := p.resource("provider.azurerm")
			return append(errs, expect(azure, []any{"Microsoft.Consumption", "Microsoft.DocumentDB", "Microsoft.ManagedIdentity"}, "resource_providers_to_register")...)
		}, []mutation{
			{"a_missing_Cosmos_DB_provider", "terraform.tf", `"Microsoft.DocumentDB", `, ""},
			{"a_missing_managed_identity_provider", "terraform.tf", `, "Microsoft.ManagedIdentity"`, ""},
			{"a_missing_budget_provider", "terraform.tf", `"Microsoft.Consumption", `, ""},
			{"the_default_of_azurerm", "terraform.tf", "resource_providers_to_register", "other_providers_to_register"},
			{"a_missing_Cloud_Vision_service", "google.tf", `"vision.googleapis.com", `, ""},
			{"a_missing_Google_token_service", "google.tf", `, "sts.googleapis.com"`, ""},
			{"services_that_destroy_disables", "google.tf", "disable_on_destroy = false", "disable_on_destroy = true"},
		},
	},
	"the_Azure_budget_does_not_block_destroy": {
		func(p plan) []string {
			azure := p.resource("provider.azurerm")
			return expect(azure, false, "features", 0, "template_deployment", 0, "delete_nested_items_during_deletion")
		},
		[]mutation{{"deletion_of_the_budget_by_azurerm", "terraform.tf", "delete_nested_items_during_deletion = false", "delete_nested_items_during_deletion = true"}},
	},
	"the_firewall_is_in_us-east-1": {
		func(p plan) (errs []string) {
			errs = append(errs, expect(p.resource("provider.aws.us_east_1"), "us-east-1", "region")...)
			for _, r := range p.ofType("aws_wafv2_web_acl") {
				errs = append(errs, expect(r, []any{"aws.us_east_1"}, "provider")...)
			}
			return errs
		}, []mutation{
			{"a_firewall_in_another_region", "site.tf", "resource \"aws_wafv2_web_acl\" \"site\" {\n  count    = var.waf ? 1 : 0\n  provider = aws.us_east_1\n", "resource \"aws_wafv2_web_acl\" \"site\" {\n  count    = var.waf ? 1 : 0\n"},
			{"the_second_provider_in_another_region", "terraform.tf", `region = "us-east-1"`, "region = local.aws_region"},
		},
	},
	"a_firewall_is_deleted_after_the_distribution_has_stopped_using_it": {
		func(p plan) (errs []string) {
			for _, r := range p.ofType("aws_wafv2_web_acl") {
				errs = append(errs, expect(r, true, "lifecycle", 0, "create_before_destroy")...)
			}
			return errs
		},
		[]mutation{{"a_firewall_deleted_while_it_is_in_use", "site.tf", "create_before_destroy = true # with waf", "create_before_destroy = false # with waf"}},
	},
	"resources_wait_for_their_dependencies": {
		func(p plan) (errs []string) {
			for address, needs := range map[string][]any{
				"aws_s3_bucket_notification.pictures":                      {"aws_lambda_permission.pictures"},
				"aws_s3_bucket_policy.pictures":                            {"aws_s3_bucket_public_access_block.pictures"},
				"aws_s3_bucket_policy.site":                                {"aws_s3_bucket_public_access_block.site"},
				"aws_s3_bucket_lifecycle_configuration.pictures":           {"aws_s3_bucket_versioning.pictures"},
				"aws_lambda_function.web":                                  {"aws_iam_role_policy.web", "aws_ssm_parameter.setting", "aws_ssm_parameter.erase_secret"},
				"aws_lambda_function.trigger":                              {"aws_iam_role_policy.trigger", "aws_ssm_parameter.setting"},
				"aws_lambda_event_source_mapping.redrive":                  {"aws_iam_role_policy.trigger"},
				"google_service_account.worker":                            {"google_project_service.used"},
				"google_iam_workload_identity_pool.aws":                    {"google_project_service.used"},
				"azurerm_cosmosdb_sql_role_assignment.program[\"worker\"]": {"azurerm_cosmosdb_sql_container.records", "terraform_data.entra_replication"},
				"azurerm_cosmosdb_sql_role_assignment.metadata[\"web\"]":   {"terraform_data.entra_replication"},
				"aws_nat_gateway.worker[0]":                                {"aws_route.nat"},
				"aws_ecs_service.worker": {
					"aws_cloudfront_distribution.site", "aws_ssm_parameter.setting", "aws_iam_role_policy.worker", "aws_iam_role_policy.worker_start", "aws_route.out", "aws_route_table_association.worker",
					"aws_vpc_security_group_egress_rule.worker", "aws_vpc_endpoint.s3",
				},
			} {
				r := p.resource(address).values
				for _, need := range needs {
					if r != nil && !slices.Contains(asList(lookup(r, "depends_on")), need) {
						errs = append(errs, fmt.Sprintf("%s may be created before %s", address, need))
					}
				}
			}
			return errs
		}, []mutation{
			{"a_notification_before_its_permission", "upload.tf", "  depends_on = [aws_lambda_permission.pictures]\n", ""},
			{"a_bucket_policy_before_the_public_access_block", "upload.tf", "  depends_on = [aws_s3_bucket_public_access_block.pictures]\n", ""},
			{"a_lifecycle_rule_before_versioning", "upload.tf", "  depends_on = [aws_s3_bucket_versioning.pictures]\n", ""},
			{"a_trigger_before_its_permissions", "trigger.tf", "[aws_iam_role_policy.trigger, ", "["},
			{"a_web_API_before_its_permissions", "web.tf", "[aws_iam_role_policy.web, ", "["},
			{"a_web_API_before_its_erase_secret", "web.tf", ", aws_ssm_parameter.erase_secret]", "]"},
			{"workers_before_the_distribution", "worker.tf", "    aws_cloudfront_distribution.site,\n", ""},
			{"workers_before_their_settings", "worker.tf", "    aws_ssm_parameter.setting,\n", ""},
			{"workers_before_their_routes", "worker.tf", "aws_route_table_association.worker, ", ""},
			{"workers_before_their_egress_rules", "worker.tf", "aws_vpc_security_group_egress_rule.worker, ", ""},
			{"workers_before_the_S3_endpoint", "worker.tf", ", aws_vpc_endpoint.s3", ""},
			{"a_role_assignment_before_Entra_ID_knows_the_identity", "azure.tf", ", terraform_data.entra_replication]", "]"},
			{"a_metadata_role_assignment_before_Entra_ID_knows_the_identity", "azure.tf", "  depends_on          = [terraform_data.entra_replication]\n", ""},
			{"an_identity_pool_before_its_Google_service", "google.tf", "  depends_on   = [google_project_service.used]\n", ""},
		},
	},
	"role_assignments_wait_until_Entra_ID_knows_a_new_identity": {
		forEach("azurerm_user_assigned_identity", func(p plan, r resource) (errs []string) {
			program := lookup(r.values, "name").(string)[len("triptych-"):]
			wait := p.resource(fmt.Sprintf("terraform_data.entra_replication[%q]", program))
			errs = append(errs, expect(wait, r.address+".principal_id", "triggers_replace")...)
			return append(errs, expect(wait, "sleep 180", "provisioner", 0, "command")...)
		}), []mutation{
			{"a_wait_only_for_the_first_identity", "azure.tf", "triggers_replace = azurerm_user_assigned_identity.program[each.key].principal_id", "triggers_replace = each.key"},
			{"a_wait_that_is_shorter_than_the_replication", "azure.tf", "sleep 180", "sleep 18"},
		},
	},
	"nothing_that_costs_money_while_idle_exists_before_the_CloudFront_distribution": {
		func(p plan) (errs []string) {
			for _, typ := range []string{"aws_ecs_service", "aws_eip", "aws_nat_gateway", "azurerm_cosmosdb_sql_container"} {
				for _, r := range p.ofType(typ) {
					if !r.dependencies()["aws_cloudfront_distribution.site"] {
						errs = append(errs, r.address+" may be created before AWS has accepted the distribution")
					}
				}
			}
			return errs
		}, []mutation{
			{"throughput_before_the_distribution", "azure.tf", "  depends_on = [aws_cloudfront_distribution.site]", "  depends_on = []"},
		},
	},
	"apply_does_not_revert_values_set_outside_Terraform": {
		func(p plan) (errs []string) {
			for address, attribute := range map[string]string{
				"aws_ecs_service.worker":                  "desired_count", // autoscaling
				"aws_lambda_event_source_mapping.redrive": "enabled",       // the operator
				"terraform_data.suffix":                   "input",         // a random value
				"terraform_data.first_month":              "input",
			} {
				errs = append(errs, expect(p.resource(address), []any{attribute}, "lifecycle", 0, "ignore_changes")...)
			}
			return errs
		}, []mutation{
			{"an_apply_that_reverts_the_autoscaled_worker_count", "worker.tf", "ignore_changes = [desired_count]", "ignore_changes = []"},
			{"a_random_suffix_that_changes", "locals.tf", "ignore_changes = [input]", "ignore_changes = []"},
			{"an_apply_that_stops_a_redrive", "trigger.tf", "ignore_changes = [enabled]", "ignore_changes = []"},
		},
	},
	"destroy_keeps_pictures_images_and_workflows_by_default": destroyRule(false,
		mutation{"pictures_that_destroy_deletes", "upload.tf", "force_destroy = var.force_destroy", "force_destroy = true"},
		mutation{"a_namespace_without_delete_protection", "temporal.tf", "enable_delete_protection = !var.force_destroy", "enable_delete_protection = false"},
		mutation{"images_that_destroy_deletes", "worker.tf", "force_delete         = var.force_destroy", "force_delete         = true"},
	),
	"the_region_applies_to_all_four_clouds": regionRule("eu-central-1", "germanywestcentral", "eu", "aws-eu-central-1",
		mutation{"Records_in_the_US", "locals.tf", `azure = "germanywestcentral"`, `azure = "eastus2"`},
		mutation{"a_global_Vision_endpoint", "settings.tf", "${local.region.vision}-vision.googleapis.com", "vision.googleapis.com"},
		mutation{"a_location_that_Google_chooses", "settings.tf", "      TRIPTYCH_VISION_PARENT   = \"projects/${var.google_project}/locations/${local.region.vision}\"\n", ""},
		mutation{"a_Cosmos_DB_account_outside_the_region", "azure.tf", "location            = local.cosmos_location", "location            = \"eastus2\""},
		mutation{"Records_outside_the_region", "azure.tf", "location          = local.cosmos_location", "location          = \"eastus2\""},
	),
}

// overriddenRules lists the variants that a rule does not apply to.
var overriddenRules = map[string][]string{
	"CORS_allows_uploads_from_the_site_only":                    {"with_a_domain"},
	"destroy_keeps_pictures_images_and_workflows_by_default":    {"with_force_destroy"},
	"the_region_applies_to_all_four_clouds":                     {"in_the_us_region", "with_another_Azure_location", "with_the_global_Vision_endpoint"},
	"each_program_has_exactly_the_S3_permissions_it_uses":       {"with_backfill_buckets"},
	"role_assignments_wait_until_Entra_ID_knows_a_new_identity": {"with_account_keys_instead_of_federation"},
}

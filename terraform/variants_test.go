package terraform_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

var variants = map[string]struct {
	variables map[string]cty.Value
	rules     map[string]rule
}{
	"with_account_keys_instead_of_federation": {
		map[string]cty.Value{"azure_federation": cty.False},
		map[string]rule{
			"web_gets_the_read_only_key": {
				func(p plan) (errs []string) {
					for program, key := range map[string]string{"web": "primary_readonly_key", "worker": "primary_key"} {
						errs = append(errs, expect(p.setting(program, "COSMOS_KEY"), "azurerm_cosmosdb_account.records."+key, "value")...)
						errs = append(errs, expect(p.setting(program, "COSMOS_KEY"), "SecureString", "type")...)
					}
					return append(errs, expect(p.resource("azurerm_cosmosdb_account.records"), true, "local_authentication_enabled")...)
				}, []mutation{
					{"a_read_write_key_for_web", "azure.tf", "azurerm_cosmosdb_account.records.primary_readonly_key", "azurerm_cosmosdb_account.records.primary_key"},
					{"an_unencrypted_key", "settings.tf", `"SecureString"`, `"String"`},
					{"disabled_account_keys", "azure.tf", "local_authentication_enabled       = !var.azure_federation", "local_authentication_enabled       = false"},
				},
			},
			"no_federation_resource_exists": {
				func(p plan) (errs []string) {
					for _, typ := range []string{"aws_iam_outbound_web_identity_federation", "azurerm_federated_identity_credential", "azurerm_cosmosdb_sql_role_assignment"} {
						if n := len(p.ofType(typ)); n > 0 {
							errs = append(errs, fmt.Sprintf("the plan contains %d %s, want none", n, typ))
						}
					}
					for _, r := range p {
						if strings.Contains(r.address, "AZURE_") || strings.Contains(fmt.Sprint(r.values["policy"]), "GetWebIdentityToken") {
							errs = append(errs, r.address+" still refers to the federation")
						}
					}
					return errs
				}, []mutation{
					{"a_permission_to_get_identity_tokens", "azure.tf", "for audience in var.azure_federation ? [local.azure_audience] : [] :", "for audience in [local.azure_audience] :"},
					{"federation_enabled_for_the_AWS_account", "azure.tf", "count = var.azure_federation ? 1 : 0\n}", "count = 1\n}"},
				},
			},
		},
	},
	"with_a_NAT_gateway": {
		map[string]cty.Value{"nat": cty.True},
		map[string]rule{
			"workers_have_no_public_addresses": {
				func(p plan) (errs []string) {
					out := p.resource("aws_route.out")
					errs = append(errs, expect(out, "aws_nat_gateway.worker[0].id", "nat_gateway_id")...)
					errs = append(errs, expect(out, nil, "gateway_id")...)
					errs = append(errs, expect(p.resource("aws_nat_gateway.worker[0]"), "aws_subnet.nat[0].id", "subnet_id")...)
					errs = append(errs, expect(p.resource("aws_route.nat[0]"), "aws_internet_gateway.worker.id", "gateway_id")...)
					errs = append(errs, expect(p.resource("aws_eip.nat[0]"), []any{"aws_cloudfront_distribution.site"}, "depends_on")...)
					return append(errs, expect(p.resource("aws_ecs_service.worker"), false, "network_configuration", 0, "assign_public_ip")...)
				}, []mutation{
					{"public_addresses_for_workers", "worker.tf", "assign_public_ip = !var.nat", "assign_public_ip = true"},
					{"a_route_that_bypasses_the_NAT_gateway", "network.tf", "gateway_id             = var.nat ? null : aws_internet_gateway.worker.id", "gateway_id             = aws_internet_gateway.worker.id"},
					{"an_address_that_costs_money_before_AWS_has_accepted_the_distribution", "network.tf", "  depends_on = [aws_cloudfront_distribution.site]", "  depends_on = []"},
					{"a_NAT_gateway_in_a_worker_subnet", "network.tf", "subnet_id     = aws_subnet.nat[0].id", `subnet_id     = aws_subnet.worker["a"].id`},
				},
			},
		},
	},
	"with_a_domain": {
		map[string]cty.Value{"domain": cty.StringVal("pictures.example.com"), "zone_id": cty.StringVal("Z0123456789")},
		map[string]rule{
			"the_site_requires_TLS_1.2": {
				func(p plan) (errs []string) {
					site := p.resource("aws_cloudfront_distribution.site")
					errs = append(errs, expect(site, "TLSv1.2_2021", "viewer_certificate", 0, "minimum_protocol_version")...)
					errs = append(errs, expect(site, "sni-only", "viewer_certificate", 0, "ssl_support_method")...)
					errs = append(errs, expect(site, "aws_acm_certificate_validation.site[0].certificate_arn", "viewer_certificate", 0, "acm_certificate_arn")...)
					return append(errs, expect(site, []any{"pictures.example.com"}, "aliases")...)
				}, []mutation{
					{"an_older_TLS_version", "site.tf", `"TLSv1.2_2021"`, `"TLSv1"`},
					{"a_certificate_that_is_not_validated", "site.tf", "aws_acm_certificate_validation.site[0].certificate_arn", "aws_acm_certificate.site[0].arn"},
				},
			},
			"the_domain_has_only_an_IPv4_address": {
				forEach("aws_route53_record", func(_ plan, r resource) (errs []string) {
					if lookup(r.values, "type") == "AAAA" {
						errs = append(errs, r.address+" is an IPv6 address")
					}
					return errs
				}),
				[]mutation{{"an_IPv6_address", "site.tf", `type    = "A"`, `type    = "AAAA"`}},
			},
			"the_certificate_is_in_us-east-1": {
				func(p plan) (errs []string) {
					for _, typ := range []string{"aws_acm_certificate", "aws_acm_certificate_validation"} {
						for _, r := range p.ofType(typ) {
							errs = append(errs, expect(r, []any{"aws.us_east_1"}, "provider")...)
						}
						if len(p.ofType(typ)) != 1 {
							errs = append(errs, "want exactly one "+typ)
						}
					}
					return append(errs, expect(p.resource("aws_acm_certificate.site[0]"), true, "lifecycle", 0, "create_before_destroy")...)
				}, []mutation{
					{"a_certificate_in_another_region", "site.tf", "resource \"aws_acm_certificate\" \"site\" {\n  count    = var.domain == null ? 0 : 1\n  provider = aws.us_east_1\n", "resource \"aws_acm_certificate\" \"site\" {\n  count    = var.domain == null ? 0 : 1\n"},
					{"a_validation_in_another_region", "site.tf", "resource \"aws_acm_certificate_validation\" \"site\" {\n  count    = var.domain == null ? 0 : 1\n  provider = aws.us_east_1\n", "resource \"aws_acm_certificate_validation\" \"site\" {\n  count    = var.domain == null ? 0 : 1\n"},
					{"a_certificate_deleted_before_its_replacement_exists", "site.tf", "create_before_destroy = true", "create_before_destroy = false"},
				},
			},
			"CORS_allows_uploads_from_the_domain_only": {
				forEach("aws_s3_bucket_cors_configuration", func(_ plan, r resource) []string {
					return expect(r, []any{"https://pictures.example.com"}, "cors_rule", 0, "allowed_origins")
				}),
				[]mutation{{"the_origin_of_CloudFronts_own_name", "site.tf", "coalesce(var.domain, aws_cloudfront_distribution.site.domain_name)", "aws_cloudfront_distribution.site.domain_name"}},
			},
		},
	},
	"in_the_us_region": {
		map[string]cty.Value{"region": cty.StringVal("us")},
		map[string]rule{"the_region_applies_to_all_four_clouds": regionRule("us-east-1", "eastus2", "us", "aws-us-east-1",
			mutation{"pictures_in_Europe", "terraform.tf", "provider \"aws\" {\n  region = local.aws_region", "provider \"aws\" {\n  region = \"eu-central-1\""},
			mutation{"Records_in_Europe", "locals.tf", `azure = "eastus2"`, `azure = "germanywestcentral"`},
			mutation{"Vision_in_Europe", "locals.tf", `vision = "us"`, `vision = "eu"`},
			mutation{"a_Temporal_namespace_in_Europe", "locals.tf", `temporal = "aws-us-east-1"`, `temporal = "aws-eu-central-1"`},
		)},
	},
	"with_another_Azure_location": {
		map[string]cty.Value{"azure_location": cty.StringVal("northeurope")},
		map[string]rule{"only_the_Cosmos_DB_account_is_in_azure_location": {
			func(p plan) (errs []string) {
				account := p.resource("azurerm_cosmosdb_account.records")
				errs = append(errs, expect(account, "northeurope", "location")...)
				errs = append(errs, expect(account, "northeurope", "geo_location", 0, "location")...)
				// Azure cannot move a resource group or an identity, so a new location would replace them.
				errs = append(errs, expect(p.resource("azurerm_resource_group.records"), "germanywestcentral", "location")...)
				for _, r := range p.ofType("azurerm_user_assigned_identity") {
					errs = append(errs, expect(r, "azurerm_resource_group.records.location", "location")...)
				}
				return errs
			}, []mutation{
				{"an_account_in_the_default_location", "azure.tf", "coalesce(var.azure_location, local.region.azure)", "local.region.azure"},
				{"a_resource_group_in_azure_location", "azure.tf", "location = local.region.azure", "location = local.cosmos_location"},
			},
		}},
	},
	"with_the_global_Vision_endpoint": {
		map[string]cty.Value{"vision_regional": cty.False},
		map[string]rule{"Google_chooses_the_location": {
			func(p plan) (errs []string) {
				for _, name := range []string{"TRIPTYCH_VISION_ENDPOINT", "TRIPTYCH_VISION_PARENT"} {
					if r := p.setting("worker", name); r.values != nil {
						errs = append(errs, r.address+" is set")
					}
				}
				return errs
			},
			[]mutation{{"a_regional_endpoint", "settings.tf", "var.vision_regional ?", "true ?"}},
		}},
	},
	"with_a_self-hosted_Temporal_server": {
		map[string]cty.Value{"temporal_address": cty.StringVal("temporal.example.com:7234"), "temporal_api_key": cty.StringVal("key")},
		map[string]rule{
			"no_Temporal_Cloud_resource_exists": {
				func(p plan) (errs []string) {
					for _, r := range p {
						if strings.HasPrefix(r.typ, "temporalcloud_") {
							errs = append(errs, r.address+" is in the plan")
						}
					}
					// The Temporal Cloud provider requires an API key even if it manages no resources, so the
					// configuration passes an unused key.
					return append(errs, expect(p.resource("provider.temporalcloud"), "unused", "api_key")...)
				}, []mutation{
					{"a_required_Temporal_Cloud_key", "terraform.tf", `var.temporal_address == null ? null : "unused"`, "null"},
					{"a_Temporal_Cloud_namespace", "temporal.tf", "resource \"temporalcloud_namespace\" \"this\" {\n  count = local.temporal_cloud ? 1 : 0", "resource \"temporalcloud_namespace\" \"this\" {\n  count = 1"},
				},
			},
			"all_programs_connect_to_the_server": {
				func(p plan) (errs []string) {
					for _, program := range []string{"web", "trigger", "worker"} {
						errs = append(errs, expect(p.setting(program, "TEMPORAL_ADDRESS"), "temporal.example.com:7234", "value")...)
						errs = append(errs, expect(p.setting(program, "TEMPORAL_API_KEY"), "key", "value")...)
						errs = append(errs, expect(p.setting(program, "TEMPORAL_TLS"), "true", "value")...)
					}
					return append(errs, expect(p.resource(`aws_vpc_security_group_egress_rule.worker["7234"]`), 7234., "to_port")...)
				}, []mutation{
					{"a_blocked_port", "temporal.tf", `split(":", var.temporal_address)[1]`, `"7233"`},
					{"a_connection_without_TLS", "settings.tf", "var.temporal_address == null || var.temporal_tls", "var.temporal_address == null"},
				},
			},
		},
	},
	"with_provisioned_throughput": {
		map[string]cty.Value{"cosmos_throughput": cty.NumberIntVal(4000)},
		map[string]rule{"Cosmos_DB_scales_to_cosmos_throughput": {
			func(p plan) (errs []string) {
				errs = append(errs, expect(p.resource("azurerm_cosmosdb_account.records"), nil, "capabilities", 0)...)
				return append(errs, expect(p.resource("azurerm_cosmosdb_sql_container.records"), 4000., "autoscale_settings", 0, "max_throughput")...)
			},
			[]mutation{{"a_serverless_account", "azure.tf", `var.cosmos_throughput == null ? ["EnableServerless"] : []`, `["EnableServerless"]`}},
		}},
	},
	"with_backfill_buckets": {
		map[string]cty.Value{"backfill_buckets": cty.SetVal([]cty.Value{cty.StringVal("holidays"), cty.StringVal("weddings")})},
		map[string]rule{"the_worker_has_only_read_access_to_backfill_buckets": {
			func(p plan) (errs []string) {
				want := map[string]any{
					"s3:GetObject": []any{"arn:aws:s3:::holidays/*", "arn:aws:s3:::weddings/*"}, "s3:GetObjectVersion": []any{"arn:aws:s3:::holidays/*", "arn:aws:s3:::weddings/*"},
					"s3:ListBucket": []any{"arn:aws:s3:::holidays", "arn:aws:s3:::weddings"},
				}
				got := map[string]any{}
				for _, s := range statements(p.resource("aws_iam_role_policy.worker"), "policy") {
					for _, action := range asList(lookup(s, "Action")) {
						if strings.Contains(fmt.Sprint(lookup(s, "Resource")), "holidays") {
							got[action.(string)] = lookup(s, "Resource")
						}
					}
				}
				if !reflect.DeepEqual(got, want) {
					errs = append(errs, fmt.Sprintf("the worker is allowed %v, want %v", got, want))
				}
				return errs
			}, []mutation{
				{"a_worker_that_can_delete_objects", "worker.tf", `["s3:GetObject", "s3:GetObjectVersion"]`, `["s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject"]`},
				{"a_worker_that_gets_403_for_missing_objects", "worker.tf", `["s3:ListBucket"]`, `["s3:ListBucketVersions"]`},
			},
		}},
	},
	"with_force_destroy": {
		map[string]cty.Value{"force_destroy": cty.True},
		map[string]rule{"destroy_deletes_everything": destroyRule(true,
			mutation{"a_protected_namespace", "temporal.tf", "enable_delete_protection = !var.force_destroy", "enable_delete_protection = true"},
			mutation{"an_output_that_is_true_before_the_namespace_can_be_deleted", "locals.tf", ", temporalcloud_namespace.this", ""},
			mutation{"an_output_that_is_true_although_the_apply_failed", "outputs.tf", "terraform_data.force_destroy.output", "var.force_destroy"},
		)},
	},
}

func regionRule(aws, azure, vision, temporal string, mutations ...mutation) rule {
	return rule{func(p plan) (errs []string) {
		errs = append(errs, expect(p.resource("provider.aws"), aws, "region")...)
		errs = append(errs, expect(p.resource("azurerm_resource_group.records"), azure, "location")...)
		errs = append(errs, expect(p.resource("azurerm_cosmosdb_account.records"), azure, "location")...)
		errs = append(errs, expect(p.resource("azurerm_cosmosdb_account.records"), azure, "geo_location", 0, "location")...)
		for _, r := range p.ofType("azurerm_user_assigned_identity") {
			errs = append(errs, expect(r, "azurerm_resource_group.records.location", "location")...)
		}
		errs = append(errs, expect(p.setting("worker", "TRIPTYCH_VISION_ENDPOINT"), vision+"-vision.googleapis.com:443", "value")...)
		errs = append(errs, expect(p.setting("worker", "TRIPTYCH_VISION_PARENT"), "projects/some-project/locations/"+vision, "value")...)
		for _, r := range p.ofType("temporalcloud_namespace") {
			errs = append(errs, expect(r, []any{temporal}, "regions")...)
		}
		return errs
	}, mutations}
}

func destroyRule(allowed bool, mutations ...mutation) rule {
	return rule{func(p plan) (errs []string) {
		errs = append(errs, expect(p.resource("output.force_destroy"), "terraform_data.force_destroy.output", "value")...) // make destroy reads it
		applied := p.resource("terraform_data.force_destroy")
		errs = append(errs, expect(applied, allowed, "input")...)
		errs = append(errs, expect(applied, []any{"aws_s3_bucket.pictures", "aws_ecr_repository.worker", "temporalcloud_namespace.this"}, "depends_on")...)
		errs = append(errs, expect(p.resource("aws_s3_bucket.pictures"), allowed, "force_destroy")...)
		errs = append(errs, expect(p.resource("aws_ecr_repository.worker"), allowed, "force_delete")...)
		for _, r := range p.ofType("temporalcloud_namespace") {
			errs = append(errs, expect(r, !allowed, "namespace_lifecycle", "enable_delete_protection")...)
		}
		return errs
	}, mutations}
}

// No variable may weaken the general rules.
func TestVariants(t *testing.T) {
	files := readSources(t)
	for name, variant := range variants {
		t.Run(name, func(t *testing.T) {
			p := mustPlan(t, files, variant.variables)
			for _, rules := range []map[string]rule{bucketRules, policyRules, permissionRules, lambdaRules, monitoringRules, alarmRules, logRules, settingRules, budgetRules, wiringRules} {
				for rule, r := range rules {
					if slices.Contains(overriddenRules[rule], name) {
						continue
					}
					if errs := r.check(p); len(errs) > 0 {
						t.Errorf("%s: %s", rule, strings.Join(errs, "\n"))
					}
				}
			}
			for rule, r := range variant.rules {
				t.Run(rule, func(t *testing.T) { r.verify(t, p, files, variant.variables) })
			}
		})
	}
}

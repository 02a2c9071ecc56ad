package terraform_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"
)

// variants are other values of the variables than the defaults, and what holds with these alone.
var variants = map[string]struct {
	given map[string]cty.Value
	rules map[string]rule
}{
	"keys_instead_of_federation": {
		map[string]cty.Value{"azure_federation": cty.False},
		map[string]rule{
			"the_site_gets_the_key_that_only_reads": {
				func(p planned) (c []string) {
					for program, key := range map[string]string{"web": "primary_readonly_key", "worker": "primary_key"} {
						c = append(c, mustBe(p.setting(program, "COSMOS_KEY"), "azurerm_cosmosdb_account.records."+key, "value")...)
						c = append(c, mustBe(p.setting(program, "COSMOS_KEY"), "SecureString", "type")...)
					}
					return append(c, mustBe(resource{address: "the account", values: p.one("azurerm_cosmosdb_account.records")}, true, "local_authentication_enabled")...)
				}, []breach{
					{"a_site_with_a_key_that_writes", "azure.tf", "azurerm_cosmosdb_account.records.primary_readonly_key", "azurerm_cosmosdb_account.records.primary_key"},
					{"a_key_in_the_clear", "settings.tf", `"SecureString"`, `"String"`},
					{"keys_that_do_not_work", "azure.tf", "local_authentication_enabled       = !var.azure_federation", "local_authentication_enabled       = false"},
				},
			},
			"nothing_is_left_of_the_federation": {
				func(p planned) (c []string) {
					for _, kind := range []string{"aws_iam_outbound_web_identity_federation", "azurerm_federated_identity_credential", "azurerm_cosmosdb_sql_role_assignment"} {
						if n := len(p.of(kind)); n > 0 {
							c = append(c, fmt.Sprintf("there are %d %s", n, kind))
						}
					}
					for _, r := range p {
						if strings.Contains(r.address, "AZURE_") || strings.Contains(fmt.Sprint(r.values["policy"]), "GetWebIdentityToken") {
							c = append(c, r.address+" still speaks of it")
						}
					}
					return c
				}, []breach{
					{"a_token_for_nobody", "azure.tf", "for audience in var.azure_federation ? [local.azure_audience] : [] :", "for audience in [local.azure_audience] :"},
					{"a_federation_of_the_whole_account", "azure.tf", "count = var.azure_federation ? 1 : 0\n}", "count = 1\n}"},
				},
			},
		},
	},
	"a_NAT_gateway": {
		map[string]cty.Value{"nat": cty.True},
		map[string]rule{
			"workers_have_no_address_of_their_own": {
				func(p planned) (c []string) {
					out := resource{address: "the route out", values: p.one("aws_route.out")}
					c = append(c, mustBe(out, "aws_nat_gateway.worker[0].id", "nat_gateway_id")...)
					c = append(c, mustBe(out, nil, "gateway_id")...)
					c = append(c, mustBe(resource{address: "the gateway", values: p.one("aws_nat_gateway.worker[0]")}, "aws_subnet.nat[0].id", "subnet_id")...)
					c = append(c, mustBe(resource{address: "the gateway's route", values: p.one("aws_route.nat[0]")}, "aws_internet_gateway.worker.id", "gateway_id")...)
					return append(c, mustBe(resource{address: "the service", values: p.one("aws_ecs_service.worker")}, false, "network_configuration", 0, "assign_public_ip")...)
				}, []breach{
					{"an_address_all_the_same", "worker.tf", "assign_public_ip = !var.nat", "assign_public_ip = true"},
					{"a_way_around_the_gateway", "network.tf", "gateway_id             = var.nat ? null : aws_internet_gateway.worker.id", "gateway_id             = aws_internet_gateway.worker.id"},
					{"a_gateway_among_the_workers", "network.tf", "subnet_id     = aws_subnet.nat[0].id", `subnet_id     = aws_subnet.worker["a"].id`},
				},
			},
		},
	},
	"a_domain": {
		map[string]cty.Value{"domain": cty.StringVal("pictures.example.com"), "zone_id": cty.StringVal("Z0123456789")},
		map[string]rule{
			"the_site_speaks_TLS_1.2_at_least": {
				func(p planned) (c []string) {
					site := resource{address: "the site", values: p.one("aws_cloudfront_distribution.site")}
					c = append(c, mustBe(site, "TLSv1.2_2021", "viewer_certificate", 0, "minimum_protocol_version")...)
					c = append(c, mustBe(site, "sni-only", "viewer_certificate", 0, "ssl_support_method")...)
					c = append(c, mustBe(site, "aws_acm_certificate_validation.site[0].certificate_arn", "viewer_certificate", 0, "acm_certificate_arn")...)
					return append(c, mustBe(site, []any{"pictures.example.com"}, "aliases")...)
				}, []breach{
					{"an_older_TLS", "site.tf", `"TLSv1.2_2021"`, `"TLSv1"`},
					{"a_certificate_that_is_not_yet_proven", "site.tf", "aws_acm_certificate_validation.site[0].certificate_arn", "aws_acm_certificate.site[0].arn"},
				},
			},
			"CloudFront_finds_its_certificate": {
				func(p planned) (c []string) {
					for _, kind := range []string{"aws_acm_certificate", "aws_acm_certificate_validation"} {
						for _, r := range p.of(kind) {
							c = append(c, mustBe(r, []any{"aws.us_east_1"}, "provider")...)
						}
						if len(p.of(kind)) != 1 {
							c = append(c, "there is not one "+kind)
						}
					}
					return append(c, mustBe(resource{address: "the certificate", values: p.one("aws_acm_certificate.site[0]")}, true, "lifecycle", 0, "create_before_destroy")...)
				}, []breach{
					{"a_certificate_in_another_region", "site.tf", "resource \"aws_acm_certificate\" \"site\" {\n  count    = var.domain == null ? 0 : 1\n  provider = aws.us_east_1\n", "resource \"aws_acm_certificate\" \"site\" {\n  count    = var.domain == null ? 0 : 1\n"},
					{"a_proof_in_another_region", "site.tf", "resource \"aws_acm_certificate_validation\" \"site\" {\n  count    = var.domain == null ? 0 : 1\n  provider = aws.us_east_1\n", "resource \"aws_acm_certificate_validation\" \"site\" {\n  count    = var.domain == null ? 0 : 1\n"},
					{"a_certificate_that_goes_before_the_next_one_is_there", "site.tf", "create_before_destroy = true", "create_before_destroy = false"},
				},
			},
			"a_browser_may_use_a_grant_from_the_domain_alone": {
				each("aws_s3_bucket_cors_configuration", func(_ planned, r resource) []string {
					return mustBe(r, []any{"https://pictures.example.com"}, "cors_rule", 0, "allowed_origins")
				}),
				[]breach{{"from_CloudFront's_name_only", "site.tf", "coalesce(var.domain, aws_cloudfront_distribution.site.domain_name)", "aws_cloudfront_distribution.site.domain_name"}},
			},
		},
	},
	"the_us": {
		map[string]cty.Value{"region": cty.StringVal("us")},
		map[string]rule{"the_region_sets_all_four_clouds": inRegion("us-east-1", "eastus2", "us-vision.googleapis.com:443", "aws-us-east-1",
			breach{"pictures_in_Europe", "terraform.tf", "provider \"aws\" {\n  region = local.aws_region", "provider \"aws\" {\n  region = \"eu-central-1\""},
			breach{"Records_in_Europe", "locals.tf", `azure = "eastus2"`, `azure = "germanywestcentral"`},
			breach{"a_Vision_in_Europe", "locals.tf", "us-vision.googleapis.com", "eu-vision.googleapis.com"},
			breach{"runs_in_Europe", "locals.tf", `temporal = "aws-us-east-1"`, `temporal = "aws-eu-central-1"`},
		)},
	},
	"a_Temporal_of_ones_own": {
		map[string]cty.Value{"temporal_address": cty.StringVal("temporal.example.com:7234"), "temporal_api_key": cty.StringVal("key")},
		map[string]rule{
			"nothing_is_asked_of_Temporal_Cloud": {
				func(p planned) (c []string) {
					for _, r := range p {
						if strings.HasPrefix(r.kind, "temporalcloud_") {
							c = append(c, r.address+" is planned")
						}
					}
					// The provider wants a key even where it has nothing to do.
					return append(c, mustBe(resource{address: "the provider", values: p.one("provider.temporalcloud")}, "unused", "api_key")...)
				}, []breach{
					{"a_key_that_one_must_have", "terraform.tf", `var.temporal_address == null ? null : "unused"`, "null"},
					{"accounts_for_nothing", "temporal.tf", "resource \"temporalcloud_namespace\" \"this\" {\n  count = local.temporal_cloud ? 1 : 0", "resource \"temporalcloud_namespace\" \"this\" {\n  count = 1"},
				},
			},
			"the_programs_reach_it": {
				func(p planned) (c []string) {
					for _, program := range []string{"web", "trigger", "worker"} {
						c = append(c, mustBe(p.setting(program, "TEMPORAL_ADDRESS"), "temporal.example.com:7234", "value")...)
						c = append(c, mustBe(p.setting(program, "TEMPORAL_API_KEY"), "key", "value")...)
						c = append(c, mustBe(p.setting(program, "TEMPORAL_TLS"), "true", "value")...)
					}
					return append(c, mustBe(resource{address: "the way out", values: p.one(`aws_vpc_security_group_egress_rule.worker["7234"]`)}, 7234., "to_port")...)
				}, []breach{
					{"a_port_that_is_closed", "temporal.tf", `split(":", var.temporal_address)[1]`, `"7233"`},
					{"a_key_in_plain_text_on_the_wire", "settings.tf", "var.temporal_address == null || var.temporal_tls", "var.temporal_address == null"},
				},
			},
		},
	},
	"provisioned_throughput": {
		map[string]cty.Value{"cosmos_throughput": cty.NumberIntVal(4000)},
		map[string]rule{"Cosmos_DB_scales_to_what_was_said": {
			func(p planned) (c []string) {
				c = append(c, mustBe(resource{address: "the account", values: p.one("azurerm_cosmosdb_account.records")}, nil, "capabilities", 0)...)
				return append(c, mustBe(resource{address: "the container", values: p.one("azurerm_cosmosdb_sql_container.records")}, 4000., "autoscale_settings", 0, "max_throughput")...)
			},
			[]breach{{"a_serverless_account", "azure.tf", `var.cosmos_throughput == null ? ["EnableServerless"] : []`, `["EnableServerless"]`}},
		}},
	},
	"other_buckets_to_annotate": {
		map[string]cty.Value{"backfill_buckets": cty.SetVal([]cty.Value{cty.StringVal("holidays"), cty.StringVal("weddings")})},
		map[string]rule{"the_worker_reads_them_and_changes_nothing": {
			func(p planned) (c []string) {
				want := map[string]any{
					"s3:GetObject": []any{"arn:aws:s3:::holidays/*", "arn:aws:s3:::weddings/*"}, "s3:GetObjectVersion": []any{"arn:aws:s3:::holidays/*", "arn:aws:s3:::weddings/*"},
					"s3:ListBucket": []any{"arn:aws:s3:::holidays", "arn:aws:s3:::weddings"},
				}
				have := map[string]any{}
				for _, s := range statements(resource{values: p.one("aws_iam_role_policy.worker")}, "policy") {
					for _, action := range list(at(s, "Action")) {
						if strings.Contains(fmt.Sprint(at(s, "Resource")), "holidays") {
							have[action.(string)] = at(s, "Resource")
						}
					}
				}
				if !reflect.DeepEqual(have, want) {
					c = append(c, fmt.Sprintf("the worker may %v, not %v", have, want))
				}
				return c
			}, []breach{
				{"a_worker_that_deletes_what_is_another's", "worker.tf", `["s3:GetObject", "s3:GetObjectVersion"]`, `["s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObject"]`},
				{"a_bucket_that_looks_forbidden_where_it_is_empty", "worker.tf", `["s3:ListBucket"]`, `["s3:ListBucketVersions"]`},
			},
		}},
	},
	"what_destroy_may_take": {
		map[string]cty.Value{"force_destroy": cty.True},
		map[string]rule{"all_can_be_destroyed": destroys(true,
			breach{"a_namespace_that_stays", "temporal.tf", "enable_delete_protection = !var.force_destroy", "enable_delete_protection = true"},
		)},
	},
}

// inRegion holds all clouds to one side of the ocean.
func inRegion(aws, azure, vision, temporal string, breaches ...breach) rule {
	return rule{func(p planned) (c []string) {
		c = append(c, mustBe(resource{address: "AWS", values: p.one("provider.aws")}, aws, "region")...)
		for _, kind := range []string{"azurerm_resource_group", "azurerm_cosmosdb_account", "azurerm_user_assigned_identity"} {
			for _, r := range p.of(kind) {
				if where := at(r.values, "location"); where != azure && where != "azurerm_resource_group.records.location" {
					c = append(c, fmt.Sprintf("%s is in %v", r.address, where))
				}
			}
		}
		c = append(c, mustBe(resource{address: "the resource group", values: p.one("azurerm_resource_group.records")}, azure, "location")...)
		c = append(c, mustBe(p.setting("worker", "TRIPTYCH_VISION_ENDPOINT"), vision, "value")...)
		for _, r := range p.of("temporalcloud_namespace") {
			c = append(c, mustBe(r, []any{temporal}, "regions")...)
		}
		return c
	}, breaches}
}

// destroys tells whether terraform destroy takes pictures, images and runs with it.
func destroys(all bool, breaches ...breach) rule {
	return rule{func(p planned) (c []string) {
		c = append(c, mustBe(resource{address: "the pictures", values: p.one("aws_s3_bucket.pictures")}, all, "force_destroy")...)
		c = append(c, mustBe(resource{address: "the images", values: p.one("aws_ecr_repository.worker")}, all, "force_delete")...)
		for _, r := range p.of("temporalcloud_namespace") {
			c = append(c, mustBe(r, !all, "namespace_lifecycle", "enable_delete_protection")...)
		}
		return c
	}, breaches}
}

// TestVariants holds the rules that no variable may loosen, and those of the variant, against other values than the
// defaults.
func TestVariants(t *testing.T) {
	files := read(t)
	for name, variant := range variants {
		t.Run(name, func(t *testing.T) {
			p := mustPlan(t, files, variant.given)
			for _, rules := range []map[string]rule{bucketRules, policyRules, lambdaRules, settingRules, budgetRules, wiringRules} {
				for rule, r := range rules {
					if unless[rule] == name {
						continue
					}
					if complaints := r.complaints(p); len(complaints) > 0 {
						t.Errorf("%s: %s", rule, strings.Join(complaints, "\n"))
					}
				}
			}
			for rule, r := range variant.rules {
				t.Run(rule, func(t *testing.T) { r.hold(t, p, files, variant.given) })
			}
		})
	}
}

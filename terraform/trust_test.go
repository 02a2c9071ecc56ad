package terraform_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

var trustRules = map[string]rule{
	"there_is_no_key_to_Google": {
		func(p planned) (c []string) {
			if len(p.of("google_service_account")) != 1 {
				c = append(c, "there is not one service account")
			}
			for _, kind := range []string{"google_service_account_key", "aws_iam_access_key", "aws_iam_user"} {
				for _, r := range p.of(kind) {
					c = append(c, r.address+" is a key that someone can copy")
				}
			}
			return c
		},
		[]breach{{"a_key", "google.tf", `resource "google_project_iam_member" "worker" {`, `resource "google_service_account_key" "worker" {
  service_account_id = google_service_account.worker.name
}

resource "google_project_iam_member" "worker" {`}},
	},
	"Google_trusts_the_worker_alone": {
		func(p planned) (c []string) {
			const worker = "arn:aws:sts::" + account + ":assumed-role/triptych-worker"
			provider := resource{address: "the provider", values: p.one("google_iam_workload_identity_pool_provider.aws")}
			c = append(c, mustBe(provider, account, "aws", 0, "account_id")...)
			c = append(c, mustBe(provider, "attribute.aws_role == '"+worker+"'", "attribute_condition")...)
			c = append(c, mustBe(provider, "assertion.arn", "attribute_mapping", "google.subject")...)
			members := p.of("google_service_account_iam_member")
			if len(members) != 1 || len(p.of("google_iam_workload_identity_pool_provider")) != 1 {
				c = append(c, "others may act as the service account")
			}
			for _, r := range members {
				c = append(c, mustBe(r, "principalSet://iam.googleapis.com/google_iam_workload_identity_pool.aws.name/attribute.aws_role/"+worker, "member")...)
				c = append(c, mustBe(r, "roles/iam.workloadIdentityUser", "role")...)
			}
			return c
		}, []breach{
			{"any_role_of_the_account", "google.tf", "attribute.aws_role == '${local.worker_session}'", "true"},
			{"the_site's_role", "google.tf", "assumed-role/${local.role.worker}", "assumed-role/${local.role.web}"},
			{"all_of_the_pool", "google.tf", "/attribute.aws_role/${local.worker_session}\"", "/*\""},
			{"another_account", "google.tf", "account_id = local.account", `account_id = "999999999999"`},
			{"a_second_member", "google.tf", `resource "google_service_account_iam_member" "worker" {`, `resource "google_service_account_iam_member" "more" {
  role   = "roles/iam.serviceAccountTokenCreator"
  member = "allAuthenticatedUsers"
}

resource "google_service_account_iam_member" "worker" {`},
		},
	},
	"the_worker_may_spend_Googles_quota_and_nothing_else": {
		each("google_project_iam_member", func(_ planned, r resource) []string {
			return append(mustBe(r, "roles/serviceusage.serviceUsageConsumer", "role"), mustBe(r, "google_service_account.worker.member", "member")...)
		}),
		[]breach{{"an_editor", "google.tf", "roles/serviceusage.serviceUsageConsumer", "roles/editor"}},
	},
	"the_pool_can_be_made_again": {
		each("google_iam_workload_identity_pool", func(_ planned, r resource) []string {
			if id, _ := at(r.values, "workload_identity_pool_id").(string); !strings.HasSuffix(id, "-terraform_data.suffix.output") {
				return []string{"a deleted pool keeps its ID for 30 days, and this one would ask for it again: " + id}
			}
			return nil
		}),
		[]breach{{"an_ID_that_stays_taken", "google.tf", `"${var.name}-${terraform_data.suffix.output}"`, "var.name"}},
	},
	"Azure_trusts_two_roles_and_takes_no_key": {
		func(p planned) (c []string) {
			c = append(c, mustBe(resource{address: "the account", values: p.one("azurerm_cosmosdb_account.records")}, false, "local_authentication_enabled")...)
			trusts := p.of("azurerm_federated_identity_credential")
			if len(trusts) != 2 {
				c = append(c, fmt.Sprintf("there are %d federated credentials", len(trusts)))
			}
			for _, r := range trusts {
				program := strings.TrimSuffix(strings.TrimPrefix(r.address, `azurerm_federated_identity_credential.program["`), `"]`)
				c = append(c, mustBe(r, "arn:aws:iam::"+account+":role/triptych-"+program, "subject")...)
				c = append(c, mustBe(r, []any{"api://AzureADTokenExchange"}, "audience")...)
				c = append(c, mustBe(r, "aws_iam_outbound_web_identity_federation.account[0].issuer_identifier", "issuer")...)
				c = append(c, mustBe(r, fmt.Sprintf("azurerm_user_assigned_identity.program[%q].id", program), "user_assigned_identity_id")...)
			}
			return c
		}, []breach{
			{"one_role_for_both", "azure.tf", "subject                   = local.role_arn[each.key]", `subject                   = local.role_arn["worker"]`},
			{"another_audience", "azure.tf", "audience                  = [local.azure_audience]", `audience                  = ["sts.amazonaws.com"]`},
			{"keys_that_work", "azure.tf", "local_authentication_enabled       = !var.azure_federation", "local_authentication_enabled       = true"},
		},
	},
	"each_program_may_do_with_Records_what_it_does": {
		func(p planned) (c []string) {
			const items = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/"
			want := map[string][]any{
				"worker": {items + "create", items + "read", items + "replace"},
				"web":    {items + "read"},
			}
			for _, program := range slices.Sorted(maps.Keys(want)) {
				role := fmt.Sprintf("azurerm_cosmosdb_sql_role_definition.program[%q]", program)
				c = append(c, mustBe(resource{address: role, values: p.one(role)}, want[program], "permissions", 0, "data_actions")...)
				address := fmt.Sprintf("azurerm_cosmosdb_sql_role_assignment.program[%q]", program)
				assignment := resource{address: address, values: p.one(address)}
				c = append(c, mustBe(assignment, role+".id", "role_definition_id")...)
				c = append(c, mustBe(assignment, fmt.Sprintf("azurerm_user_assigned_identity.program[%q].principal_id", program), "principal_id")...)
				c = append(c, mustBe(assignment, "azurerm_cosmosdb_account.records.id/dbs/triptych/colls/pictures", "scope")...)
			}
			metadata := resource{address: "the role for metadata", values: p.one("azurerm_cosmosdb_sql_role_definition.metadata[0]")}
			return append(c, mustBe(metadata, []any{"Microsoft.DocumentDB/databaseAccounts/readMetadata"}, "permissions", 0, "data_actions")...)
		}, []breach{
			{"a_site_that_writes", "azure.tf", `web    = ["${local.cosmos_items}/read"]`, `web    = ["${local.cosmos_items}/read", "${local.cosmos_items}/upsert"]`},
			{"a_worker_that_does_all", "azure.tf", `worker = ["${local.cosmos_items}/create", `, `worker = ["${local.cosmos_items}/*", `},
			{"the_whole_account", "azure.tf", "/dbs/${local.cosmos_database}/colls/${local.cosmos_container}", ""},
			{"more_than_metadata_of_the_account", "azure.tf", "[local.cosmos_metadata]", `[local.cosmos_metadata, "${local.cosmos_items}/read"]`},
			{"roles_exchanged", "azure.tf", "azurerm_cosmosdb_sql_role_definition.program[each.key].id", `azurerm_cosmosdb_sql_role_definition.program["worker"].id`},
		},
	},
	"each_program_has_its_own_key_to_its_namespace": {
		each("temporalcloud_service_account", func(p planned, r resource) (c []string) {
			c = append(c, mustBe(r, nil, "account_access")...)
			c = append(c, mustBe(r, "write", "namespace_scoped_access", "permission")...)
			c = append(c, mustBe(r, "temporalcloud_namespace.this[0].id", "namespace_scoped_access", "namespace_id")...)
			if len(p.about("temporalcloud_apikey", "owner_id", r.address+".id")) != 1 {
				c = append(c, r.address+" has not one key")
			}
			return c
		}), []breach{
			{"an_admin", "temporal.tf", `permission   = "write"`, `permission   = "admin"`},
			{"a_key_that_all_share", "temporal.tf", "temporalcloud_service_account.program[each.key].id", `temporalcloud_service_account.program["worker"].id`},
		},
	},
}

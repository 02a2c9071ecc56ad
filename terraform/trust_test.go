package terraform_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

var trustRules = map[string]rule{
	"Google_access_uses_no_keys": {
		func(p plan) (errs []string) {
			if len(p.ofType("google_service_account")) != 1 {
				errs = append(errs, "want exactly one Google service account")
			}
			for _, typ := range []string{"google_service_account_key", "aws_iam_access_key", "aws_iam_user"} {
				for _, r := range p.ofType(typ) {
					errs = append(errs, r.address+" is a long-lived credential")
				}
			}
			return errs
		},
		[]mutation{{"a_service_account_key", "google.tf", `resource "google_project_iam_member" "worker" {`, `resource "google_service_account_key" "worker" {
  service_account_id = google_service_account.worker.name
}

resource "google_project_iam_member" "worker" {`}},
	},
	"Google_trusts_only_the_role_of_the_worker": {
		func(p plan) (errs []string) {
			const worker = "arn:aws:sts::" + accountID + ":assumed-role/triptych-worker"
			provider := p.resource("google_iam_workload_identity_pool_provider.aws")
			errs = append(errs, expect(provider, accountID, "aws", 0, "account_id")...)
			errs = append(errs, expect(provider, "attribute.aws_role == '"+worker+"'", "attribute_condition")...)
			errs = append(errs, expect(provider, "assertion.arn", "attribute_mapping", "google.subject")...)
			members := p.ofType("google_service_account_iam_member")
			if len(members) != 1 || len(p.ofType("google_iam_workload_identity_pool_provider")) != 1 {
				errs = append(errs, "want exactly one member of the service account and one identity provider")
			}
			for _, r := range members {
				errs = append(errs, expect(r, "principalSet://iam.googleapis.com/google_iam_workload_identity_pool.aws.name/attribute.aws_role/"+worker, "member")...)
				errs = append(errs, expect(r, "roles/iam.workloadIdentityUser", "role")...)
			}
			return errs
		}, []mutation{
			{"any_role_of_the_AWS_account", "google.tf", "attribute.aws_role == '${local.worker_session}'", "true"},
			{"the_role_of_web", "google.tf", "assumed-role/${local.role.worker}", "assumed-role/${local.role.web}"},
			{"every_identity_in_the_pool", "google.tf", "/attribute.aws_role/${local.worker_session}\"", "/*\""},
			{"another_AWS_account", "google.tf", "account_id = local.account", `account_id = "999999999999"`},
			{"a_second_member_of_the_service_account", "google.tf", `resource "google_service_account_iam_member" "worker" {`, `resource "google_service_account_iam_member" "more" {
  role   = "roles/iam.serviceAccountTokenCreator"
  member = "allAuthenticatedUsers"
}

resource "google_service_account_iam_member" "worker" {`},
		},
	},
	"the_worker_has_only_the_quota_role_in_Google": {
		forEach("google_project_iam_member", func(_ plan, r resource) []string {
			return append(expect(r, "roles/serviceusage.serviceUsageConsumer", "role"), expect(r, "google_service_account.worker.member", "member")...)
		}),
		[]mutation{{"the_editor_role", "google.tf", "roles/serviceusage.serviceUsageConsumer", "roles/editor"}},
	},
	"the_identity_pool_has_a_random_ID": {
		forEach("google_iam_workload_identity_pool", func(_ plan, r resource) []string {
			if id, _ := lookup(r.values, "workload_identity_pool_id").(string); !strings.HasSuffix(id, "-terraform_data.suffix.output") {
				return []string{"Google reserves the ID of a deleted pool for 30 days, so it needs a random suffix: " + id}
			}
			return nil
		}),
		[]mutation{{"a_fixed_pool_ID", "google.tf", `"${var.name}-${terraform_data.suffix.output}"`, "var.name"}},
	},
	"Azure_trusts_two_roles_and_accepts_no_key": {
		func(p plan) (errs []string) {
			errs = append(errs, expect(p.resource("azurerm_cosmosdb_account.records"), false, "local_authentication_enabled")...)
			trusts := p.ofType("azurerm_federated_identity_credential")
			if len(trusts) != 2 {
				errs = append(errs, fmt.Sprintf("the plan contains %d federated credentials, want 2", len(trusts)))
			}
			for _, r := range trusts {
				program := strings.TrimSuffix(strings.TrimPrefix(r.address, `azurerm_federated_identity_credential.program["`), `"]`)
				errs = append(errs, expect(r, "arn:aws:iam::"+accountID+":role/triptych-"+program, "subject")...)
				errs = append(errs, expect(r, []any{"api://AzureADTokenExchange"}, "audience")...)
				errs = append(errs, expect(r, "aws_iam_outbound_web_identity_federation.account[0].issuer_identifier", "issuer")...)
				errs = append(errs, expect(r, fmt.Sprintf("azurerm_user_assigned_identity.program[%q].id", program), "user_assigned_identity_id")...)
			}
			return errs
		}, []mutation{
			{"the_role_of_the_worker_for_both_programs", "azure.tf", "subject                   = local.role_arn[each.key]", `subject                   = local.role_arn["worker"]`},
			{"another_token_audience", "azure.tf", "audience                  = [local.azure_audience]", `audience                  = ["sts.amazonaws.com"]`},
			{"enabled_account_keys", "azure.tf", "local_authentication_enabled       = !var.azure_federation", "local_authentication_enabled       = true"},
		},
	},
	"each_program_has_exactly_the_Cosmos_DB_permissions_it_uses": {
		func(p plan) (errs []string) {
			const items = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/"
			want := map[string][]any{
				"worker": {items + "create", items + "read", items + "replace"},
				"web":    {items + "read"},
			}
			for _, program := range slices.Sorted(maps.Keys(want)) {
				role := fmt.Sprintf("azurerm_cosmosdb_sql_role_definition.program[%q]", program)
				errs = append(errs, expect(p.resource(role), want[program], "permissions", 0, "data_actions")...)
				address := fmt.Sprintf("azurerm_cosmosdb_sql_role_assignment.program[%q]", program)
				assignment := p.resource(address)
				errs = append(errs, expect(assignment, role+".id", "role_definition_id")...)
				errs = append(errs, expect(assignment, fmt.Sprintf("azurerm_user_assigned_identity.program[%q].principal_id", program), "principal_id")...)
				errs = append(errs, expect(assignment, "azurerm_cosmosdb_account.records.id/dbs/triptych/colls/pictures", "scope")...)
			}
			metadata := p.resource("azurerm_cosmosdb_sql_role_definition.metadata[0]")
			return append(errs, expect(metadata, []any{"Microsoft.DocumentDB/databaseAccounts/readMetadata"}, "permissions", 0, "data_actions")...)
		}, []mutation{
			{"a_web_API_that_can_write_Records", "azure.tf", `web    = ["${local.cosmos_items}/read"]`, `web    = ["${local.cosmos_items}/read", "${local.cosmos_items}/upsert"]`},
			{"a_worker_with_all_item_permissions", "azure.tf", `worker = ["${local.cosmos_items}/create", `, `worker = ["${local.cosmos_items}/*", `},
			{"permissions_on_the_whole_account", "azure.tf", "/dbs/${local.cosmos_database}/colls/${local.cosmos_container}", ""},
			{"a_metadata_role_that_can_read_Records", "azure.tf", "[local.cosmos_metadata]", `[local.cosmos_metadata, "${local.cosmos_items}/read"]`},
			{"the_role_of_the_worker_for_web", "azure.tf", "azurerm_cosmosdb_sql_role_definition.program[each.key].id", `azurerm_cosmosdb_sql_role_definition.program["worker"].id`},
		},
	},
	"each_program_has_its_own_Temporal_API_key": {
		forEach("temporalcloud_service_account", func(p plan, r resource) (errs []string) {
			errs = append(errs, expect(r, nil, "account_access")...)
			errs = append(errs, expect(r, "write", "namespace_scoped_access", "permission")...)
			errs = append(errs, expect(r, "temporalcloud_namespace.this[0].id", "namespace_scoped_access", "namespace_id")...)
			if len(p.where("temporalcloud_apikey", "owner_id", r.address+".id")) != 1 {
				errs = append(errs, r.address+" does not have exactly one API key")
			}
			return errs
		}), []mutation{
			{"namespace_admin_permission", "temporal.tf", `permission   = "write"`, `permission   = "admin"`},
			{"one_API_key_for_all_programs", "temporal.tf", "temporalcloud_service_account.program[each.key].id", `temporalcloud_service_account.program["worker"].id`},
		},
	},
}

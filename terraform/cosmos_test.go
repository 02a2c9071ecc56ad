package terraform_test

import "triptych/internal/records"

var cosmosRules = map[string]rule{
	"Cosmos_DB_names_match_the_constants_in_records": {
		func(p plan) (errs []string) {
			container := p.resource("azurerm_cosmosdb_sql_container.records")
			errs = append(errs, expect(container, records.ContainerName, "name")...)
			errs = append(errs, expect(container, []any{records.PartitionKey}, "partition_key_paths")...)
			return append(errs, expect(p.resource("azurerm_cosmosdb_sql_database.records"), records.Database, "name")...)
		}, []mutation{
			{"another_container_name", "azure.tf", `cosmos_container = "pictures"`, `cosmos_container = "records"`},
			{"another_partition_key", "azure.tf", `["/id"]`, `["/bucket"]`},
		},
	},
	"Records_expire_a_week_after_their_pictures": {
		forEach("azurerm_cosmosdb_sql_container", func(_ plan, r resource) (errs []string) {
			errs = append(errs, expect(r, 37*24*60*60., "default_ttl")...)
			// With indexing mode "none", Cosmos DB ignores time-to-live, so Records would never expire.
			errs = append(errs, expect(r, "consistent", "indexing_policy", 0, "indexing_mode")...)
			errs = append(errs, expect(r, "/*", "indexing_policy", 0, "excluded_path", 0, "path")...)
			return append(errs, expect(r, nil, "indexing_policy", 0, "included_path")...)
		}), []mutation{
			{"Records_without_an_expiry", "azure.tf", "  default_ttl           = local.record_days * 24 * 60 * 60\n", ""},
			{"Records_that_expire_with_the_picture", "locals.tf", "var.retention_days + 7", "var.retention_days"},
			{"indexing_mode_none", "azure.tf", `"consistent"`, `"none"`},
		},
	},
	"Cosmos_DB_requires_TLS_1.2_strong_consistency_and_continuous_backup": {
		forEach("azurerm_cosmosdb_account", func(_ plan, r resource) (errs []string) {
			errs = append(errs, expect(r, "Tls12", "minimal_tls_version")...)
			errs = append(errs, expect(r, "Strong", "consistency_policy", 0, "consistency_level")...)
			errs = append(errs, expect(r, "Continuous", "backup", 0, "type")...)
			errs = append(errs, expect(r, "Continuous7Days", "backup", 0, "tier")...) // web/site/confirm.js says 7 days
			return append(errs, expect(r, false, "access_key_metadata_writes_enabled")...)
		}), []mutation{
			{"reads_that_may_miss_a_write", "azure.tf", `"Strong"`, `"Session"`},
			{"an_older_TLS_version", "azure.tf", `"Tls12"`, `"Tls"`},
			{"a_backup_that_outlives_what_the_page_says", "azure.tf", "Continuous7Days", "Continuous30Days"},
			{"periodic_backup", "azure.tf", `type = "Continuous"`, `type = "Periodic"`},
			{"account_keys_that_can_delete_databases", "azure.tf", "access_key_metadata_writes_enabled = false", "access_key_metadata_writes_enabled = true"},
		},
	},
}

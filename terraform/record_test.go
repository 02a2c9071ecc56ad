package terraform_test

import (
	"triptych/internal/records"
)

var recordRules = map[string]rule{
	"Cosmos_DB_is_where_the_programs_look_for_it": {
		func(p planned) (c []string) {
			container := resource{address: "the container", values: p.one("azurerm_cosmosdb_sql_container.records")}
			c = append(c, mustBe(container, records.ContainerName, "name")...)
			c = append(c, mustBe(container, []any{records.PartitionKey}, "partition_key_paths")...)
			return append(c, mustBe(resource{address: "the database", values: p.one("azurerm_cosmosdb_sql_database.records")}, records.Database, "name")...)
		}, []breach{
			{"another_container", "azure.tf", `cosmos_container = "pictures"`, `cosmos_container = "records"`},
			{"another_partition_key", "azure.tf", `["/id"]`, `["/bucket"]`},
		},
	},
	"a_Record_outlives_its_picture_by_a_week_and_then_goes": {
		each("azurerm_cosmosdb_sql_container", func(_ planned, r resource) (c []string) {
			c = append(c, mustBe(r, 37*24*60*60., "default_ttl")...)
			// Time-to-live does nothing where the index is off.
			c = append(c, mustBe(r, "consistent", "indexing_policy", 0, "indexing_mode")...)
			c = append(c, mustBe(r, "/*", "indexing_policy", 0, "excluded_path", 0, "path")...)
			return append(c, mustBe(r, nil, "indexing_policy", 0, "included_path")...)
		}), []breach{
			{"Records_that_stay", "azure.tf", "  default_ttl           = local.record_days * 24 * 60 * 60\n", ""},
			{"Records_that_go_with_the_picture", "locals.tf", "var.retention_days + 7", "var.retention_days"},
			{"an_index_that_is_off", "azure.tf", `"consistent"`, `"none"`},
		},
	},
	"Cosmos_DB_speaks_TLS_1.2_and_can_be_restored": {
		each("azurerm_cosmosdb_account", func(_ planned, r resource) (c []string) {
			c = append(c, mustBe(r, "Tls12", "minimal_tls_version")...)
			c = append(c, mustBe(r, "Session", "consistency_policy", 0, "consistency_level")...)
			c = append(c, mustBe(r, "Continuous", "backup", 0, "type")...)
			return append(c, mustBe(r, false, "access_key_metadata_writes_enabled")...)
		}), []breach{
			{"an_older_TLS", "azure.tf", `"Tls12"`, `"Tls"`},
			{"no_way_back", "azure.tf", `type = "Continuous"`, `type = "Periodic"`},
			{"keys_that_drop_databases", "azure.tf", "access_key_metadata_writes_enabled = false", "access_key_metadata_writes_enabled = true"},
		},
	},
}

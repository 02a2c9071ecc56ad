package terraform_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/local/permissions"
)

var permissionRules = map[string]rule{
	"each_program_has_exactly_the_S3_permissions_it_uses": {
		func(p plan) (errs []string) {
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
				got := map[string][]string{}
				for _, s := range statements(p.resource(address), "policy") {
					for _, action := range asList(lookup(s, "Action")) {
						if strings.HasPrefix(action.(string), "s3:") {
							arn := lookup(s, "Resource").(string)
							got[arn] = append(got[arn], action.(string))
						}
					}
				}
				for _, actions := range got {
					slices.Sort(actions)
				}
				if !reflect.DeepEqual(got, allowed) {
					errs = append(errs, fmt.Sprintf("%s allows %v, want %v", address, got, allowed))
				}
			}
			return errs
		}, []mutation{
			{"a_worker_that_gets_403_for_deleted_objects", "worker.tf", `["s3:ListBucket", "s3:ListBucketVersions"]`, `["s3:ListBucketVersions"]`},
			{"a_worker_that_cannot_read_versions", "worker.tf", `"s3:GetObject", "s3:GetObjectVersion", `, `"s3:GetObject", `},
			{"a_web_API_that_can_delete_objects", "web.tf", `["s3:PutObject", `, `["s3:DeleteObject", "s3:PutObject", `},
			{"a_web_API_that_can_write_outside_the_pictures_prefix", "web.tf", "${local.pictures_arn}/pictures/*", "${local.pictures_arn}/*"},
		},
	},
	"each_program_can_read_only_its_own_and_the_shared_settings": {
		func(p plan) (errs []string) {
			for _, program := range []string{"web", "trigger", "worker"} {
				parameters := "arn:aws:ssm:" + p.region() + ":123456789012:parameter/triptych/"
				paths := []any{parameters + program, parameters + program + "/*", parameters + "shared", parameters + "shared/*"}
				for _, s := range statements(p.resource("aws_iam_role_policy."+program), "policy") {
					if lookup(s, "Action") == "ssm:GetParametersByPath" && !reflect.DeepEqual(lookup(s, "Resource"), paths) {
						errs = append(errs, fmt.Sprintf("%s reads %v", program, lookup(s, "Resource")))
					}
				}
			}
			for _, r := range p.ofType("aws_ssm_parameter") {
				errs = append(errs, expect(r, "SecureString", "type")...)
				if strings.Contains(r.address, `"trigger/`) && !strings.Contains(r.address, "/TEMPORAL_") && !strings.Contains(r.address, "/TRIPTYCH_BUCKET") {
					errs = append(errs, r.address+" is a setting that the trigger does not need")
				}
			}
			return errs
		}, []mutation{
			{"programs_that_can_read_each_others_settings", "settings.tf", "[local.program_path[program], local.shared_path]", `["/${var.name}", local.shared_path]`},
			{"an_unencrypted_setting", "settings.tf", `"SecureString"`, `"String"`},
			{"a_Cosmos_DB_key_for_the_trigger", "settings.tf", "trigger = merge(local.temporal_settings.trigger, {", "trigger = merge(local.temporal_settings.trigger, local.cosmos_settings.worker, {"},
		},
	},
}

var update = flag.Bool("update", false, "write the planned permissions to local/permissions/policies.json")

// The local stack enforces policies.json, so a permission that is missing in Terraform is missing there too.
func TestLocalPermissions(t *testing.T) {
	p := mustPlan(t, readSources(t), map[string]cty.Value{"backfill_buckets": cty.SetVal([]cty.Value{cty.StringVal(permissions.BackfillBucket)})})
	programs := map[string]permissions.Program{}
	for _, program := range []string{"trigger", "web", "worker"} {
		policy, _ := lookup(p.resource("aws_iam_role_policy."+program).values, "policy").(string)
		if policy == "" {
			t.Fatalf("the plan has no policy of %s", program)
		}
		programs[program] = permissions.Program{IAM: json.RawMessage(policy), Cosmos: assignments(t, p, program)}
	}
	want, err := json.MarshalIndent(programs, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	const file = "../local/permissions/policies.json"
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs from the plan: go test ./terraform -run TestLocalPermissions -update", file)
	}
}

func assignments(t *testing.T, p plan, program string) (found []cosmosdb.Role) {
	const account = "azurerm_cosmosdb_account.records.id"
	for _, r := range p.ofType("azurerm_cosmosdb_sql_role_assignment") {
		if lookup(r.values, "principal_id") != `azurerm_user_assigned_identity.program["`+program+`"].principal_id` {
			continue
		}
		definition := p.resource(strings.TrimSuffix(lookup(r.values, "role_definition_id").(string), ".id"))
		var actions []string
		for _, action := range asList(lookup(definition.values, "permissions", 0, "data_actions")) {
			actions = append(actions, action.(string))
		}
		scope, ok := strings.CutPrefix(lookup(r.values, "scope").(string), account)
		if len(actions) == 0 || !ok {
			t.Fatalf("%s has no known actions or scope", r.address)
		}
		found = append(found, cosmosdb.Role{Scope: strings.TrimPrefix(scope, "/"), Actions: actions})
	}
	return found
}

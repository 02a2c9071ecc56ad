package terraform_test

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/zclconf/go-cty/cty"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/local/permissions"
)

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

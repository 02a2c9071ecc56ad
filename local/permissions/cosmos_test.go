package permissions

import (
	"context"
	"encoding/base64"
	"errors"
	"maps"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/internal/records"
	"triptych/picture"
)

func TestCosmosDB(t *testing.T) {
	_, programs, err := loadPolicies()
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func(context.Context, *records.Container) error{
		cosmosdb.CreateItem: func(ctx context.Context, c *records.Container) error {
			return c.Create(ctx, picture.Tombstone("new"))
		},
		cosmosdb.ReadItem: func(ctx context.Context, c *records.Container) error {
			_, _, err := c.Read(ctx, "old")
			return err
		},
		cosmosdb.ReplaceItem: func(ctx context.Context, c *records.Container) error {
			err := c.Replace(ctx, picture.Tombstone("old"), `"another"`)
			if errors.Is(err, records.ErrChanged) {
				return nil
			}
			return err
		},
	}
	every := slices.Sorted(maps.Keys(calls))
	allowed := map[string][]string{"worker": every, "web": {cosmosdb.ReadItem}, "trigger": nil}
	check := func(t *testing.T, roles []cosmosdb.Role, want []string) {
		t.Helper()
		operator, program := openAccount(t, roles)
		if err := operator.Create(t.Context(), picture.Tombstone("old")); err != nil {
			t.Fatal(err)
		}
		for action, call := range calls {
			err := call(t.Context(), program)
			if slices.Contains(want, action) {
				if err != nil {
					t.Errorf("%s: %v", action, err)
				}
			} else if err == nil || records.Explain(err).Kind != picture.Forbidden {
				t.Errorf("%s: the error is %v, want a refusal", action, err)
			}
		}
	}
	for name, want := range allowed {
		t.Run(name+"_has_exactly_its_permissions", func(t *testing.T) { check(t, assigned(programs[name].Cosmos, ""), want) })
		for _, a := range programs[name].Cosmos {
			for _, removed := range a.Actions {
				short := removed[strings.LastIndex(removed, "/")+1:]
				t.Run(name+"_without_"+short+"_is_refused", func(t *testing.T) {
					left := slices.DeleteFunc(slices.Clone(want), func(action string) bool { return action == removed || removed == cosmosdb.ReadMetadata })
					check(t, assigned(programs[name].Cosmos, removed), left)
				})
			}
		}
	}
	t.Run("role_for_another_container_is_refused", func(t *testing.T) {
		roles := assigned(programs["worker"].Cosmos, "")
		for i := range roles {
			roles[i].Scope = strings.Replace(roles[i].Scope, "pictures", "picture", 1)
		}
		check(t, roles, nil)
	})
}

func assigned(assignments []cosmosdb.Role, removed string) (roles []cosmosdb.Role) {
	for _, a := range assignments {
		actions := slices.DeleteFunc(slices.Clone(a.Actions), func(action string) bool { return action == removed })
		roles = append(roles, cosmosdb.Role{Scope: a.Scope, Actions: actions})
	}
	return roles
}

func openAccount(t *testing.T, roles []cosmosdb.Role) (operator, program *records.Container) {
	t.Helper()
	key := func(name string) string { return base64.StdEncoding.EncodeToString([]byte(name)) }
	account, err := cosmosdb.Open(filepath.Join(t.TempDir(), "cosmos.db"), key("operator"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(account)
	t.Cleanup(func() { server.Close(); account.Close() })
	if err := errors.Join(account.Provision(records.Database, records.ContainerName), account.AdmitKey(key("program"), roles...)); err != nil {
		t.Fatal(err)
	}
	open := func(name string) *records.Container {
		c, err := records.Open(records.Config{Endpoint: server.URL, Key: key(name)})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	return open("operator"), open("program")
}

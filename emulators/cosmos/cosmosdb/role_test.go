package cosmosdb

import (
	"net/http"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

func TestRoles(t *testing.T) {
	const scope = "dbs/db/colls/items"
	metadata := Role{Actions: []string{ReadMetadata}}
	for name, c := range map[string]struct {
		roles      []Role
		read, make int // HTTP statuses
	}{
		"role_with_both_actions_may_do_both":     {[]Role{metadata, {scope, []string{ReadItem, CreateItem}}}, http.StatusNotFound, http.StatusCreated},
		"role_without_create_may_only_read":      {[]Role{metadata, {scope, []string{ReadItem}}}, http.StatusNotFound, http.StatusForbidden},
		"role_for_a_longer_name_is_no_prefix":    {[]Role{metadata, {scope + "2", []string{ReadItem, CreateItem}}}, http.StatusForbidden, http.StatusForbidden},
		"identity_without_metadata_may_not_read": {[]Role{{scope, []string{ReadItem, CreateItem}}}, http.StatusForbidden, http.StatusForbidden},
		"identity_without_roles_may_not_read":    {nil, http.StatusForbidden, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			e := newEmulator(t)
			if err := e.Provision("db", "items"); err != nil {
				t.Fatal(err)
			}
			key := newKey()
			if err := e.AdmitKey(key, c.roles...); err != nil {
				t.Fatal(err)
			}
			items, err := connect(t, e.endpoint, key).NewContainer("db", "items")
			if err != nil {
				t.Fatal(err)
			}
			_, err = items.ReadItem(t.Context(), azcosmos.NewPartitionKeyString("a"), "a", nil)
			expectStatus(t, "read", err, c.read)
			_, err = items.CreateItem(t.Context(), azcosmos.NewPartitionKeyString("a"), []byte(`{"id":"a"}`), nil)
			if c.make != http.StatusCreated {
				expectStatus(t, "create", err, c.make)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

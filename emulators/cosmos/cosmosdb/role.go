package cosmosdb

import (
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
)

// Role is a role assignment of Azure's data plane. Names of the actions:
// https://learn.microsoft.com/azure/cosmos-db/reference-data-plane-security
type Role struct {
	Scope   string   `json:"scope"`   // "" for the account, or like "dbs/triptych/colls/pictures"
	Actions []string `json:"actions"` // such as ReadMetadata
}

// These are all data actions that the supported requests need.
const (
	ReadMetadata = "Microsoft.DocumentDB/databaseAccounts/readMetadata"
	CreateItem   = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/create"
	ReadItem     = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read"
	ReplaceItem  = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/replace"
)

// DataContributor has the rights of the built-in role for supported requests.
var DataContributor = Role{Actions: []string{ReadMetadata, CreateItem, ReadItem, ReplaceItem}}

// Admit accepts an access token of Entra ID.
func (s *Server) Admit(token string, roles ...Role) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens[token] = roles
}

// AdmitKey accepts signatures by a second key, which stands for an identity with these roles. A real account has no
// such keys, but programs that use keys need no emulator of Entra ID.
func (s *Server) AdmitKey(key string, roles ...Role) error {
	secret, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(secret) == 0 {
		return errors.New("the key of an identity is not base64")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[string(secret)] = roles
	return nil
}

// Sub-statuses of a 403. 5300: the operation needs the master key
// (https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden). 5301: no role has the action
// (https://github.com/Azure/azure-cosmos-dotnet-v3/issues/3110).
const (
	needsMasterKey = 5300
	noPermission   = 5301
)

func authorizeRoles(r *http.Request, t target, roles []Role) error {
	var action string
	switch {
	case r.Method == http.MethodGet && !t.isDocument():
		action = ReadMetadata
	case !t.isDocument():
		return newError(http.StatusForbidden, needsMasterKey, "The given request [%s %s] cannot be authorized by AAD token in data plane", r.Method, r.URL.Path)
	default:
		action = map[string]string{http.MethodGet: ReadItem, http.MethodPost: CreateItem, http.MethodPut: ReplaceItem}[r.Method]
		if action == "" {
			return unsupported(operationName(r, t))
		}
	}
	for _, role := range roles {
		if slices.Contains(role.Actions, action) && (role.Scope == "" || strings.HasPrefix(t.resourceLink+"/", role.Scope+"/")) {
			return nil
		}
	}
	return newError(http.StatusForbidden, noPermission, "Request is blocked because principal does not have required RBAC permissions to perform action [%s] on resource [%s]", action, "/"+t.resourceLink)
}

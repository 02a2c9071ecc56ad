package cosmosdb

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// target is what a request is about: the names in its path, and the two strings of it that are signed.
type target struct {
	shape                      string // the path with * for each name, as the keys of operations
	names                      []string
	resourceType, resourceLink string
}

func (t target) database() string  { return t.names[0] }
func (t target) container() string { return t.names[1] }
func (t target) document() string  { return t.names[2] }

func (t target) ofDocuments() bool { return t.resourceType == "docs" }

// parseTarget splits the path before it unescapes it, so that a name may hold an escaped slash.
func parseTarget(r *http.Request) (target, error) {
	path := strings.Trim(r.URL.EscapedPath(), "/")
	if path == "" {
		return target{}, nil
	}
	var t target
	var plain, shape []string
	for i, segment := range strings.Split(path, "/") {
		name, err := url.PathUnescape(segment)
		if err != nil || name == "" {
			return target{}, refuse(http.StatusBadRequest, 0, "The path has a segment that is empty or wrongly escaped: %.80q", segment)
		}
		plain = append(plain, name)
		if i%2 == 0 {
			t.resourceType = strings.ToLower(name)
			shape = append(shape, name)
		} else {
			t.names = append(t.names, name)
			shape = append(shape, "*")
		}
	}
	if len(plain)%2 == 1 { // a feed is signed by its parent
		plain = plain[:len(plain)-1]
	}
	t.shape, t.resourceLink = strings.Join(shape, "/"), strings.Join(plain, "/")
	return t, nil
}

type operation func(*Server, request) (reply, error)

var operations = map[string]operation{
	"GET ":                        account,
	"POST dbs":                    createDatabase,
	"GET dbs/*":                   readDatabase,
	"DELETE dbs/*":                deleteDatabase,
	"POST dbs/*/colls":            createContainer,
	"GET dbs/*/colls/*":           readContainer,
	"PUT dbs/*/colls/*":           replaceContainer,
	"DELETE dbs/*/colls/*":        deleteContainer,
	"POST dbs/*/colls/*/docs":     createDocument,
	"GET dbs/*/colls/*/docs/*":    readDocument,
	"PUT dbs/*/colls/*/docs/*":    replaceDocument,
	"DELETE dbs/*/colls/*/docs/*": deleteDocument,
}

// missingHeaders turn a known operation into one that is not part of this server.
var missingHeaders = map[string]string{
	"x-ms-documentdb-query":                "queries",
	"x-ms-documentdb-isquery":              "queries",
	"x-ms-cosmos-is-query-plan-request":    "queries",
	"x-ms-cosmos-is-batch-request":         "transactional batches",
	"A-IM":                                 "change feed",
	"x-ms-documentdb-pre-trigger-include":  "triggers",
	"x-ms-documentdb-post-trigger-include": "triggers",
}

// missingKinds are the kinds of resource Cosmos DB has and this server has not.
var missingKinds = map[string]string{
	"pkranges": "partition key ranges", "offers": "throughput offers", "sprocs": "stored procedures",
	"triggers": "triggers", "udfs": "user-defined functions", "users": "users", "permissions": "permissions",
	"conflicts": "conflicts", "clientencryptionkeys": "client encryption keys", "attachments": "attachments",
}

// route finds the operation, or says what is missing.
func route(r *http.Request, t target) (operation, error) {
	if r.Header.Get("x-ms-version") == "" {
		return nil, refuse(http.StatusBadRequest, 0, "The header x-ms-version is missing")
	}
	if what, ok := missingKinds[t.resourceType]; ok {
		return nil, missing(what)
	}
	for header, what := range missingHeaders {
		if r.Header.Get(header) != "" {
			return nil, missing(what)
		}
	}
	if operation, ok := operations[r.Method+" "+t.shape]; ok {
		return operation, nil
	}
	switch {
	case r.Method == http.MethodPatch:
		return nil, missing("patching")
	case r.Method == http.MethodGet && !strings.HasSuffix(t.shape, "*"):
		return nil, missing("listing")
	}
	return nil, missing(fmt.Sprintf("%s on %.80q", r.Method, t.shape))
}

func missing(what string) error {
	return refuse(http.StatusNotImplemented, 0, "The local Cosmos DB has no %s: it creates, reads, replaces and deletes databases, containers and documents, and upserts documents", what)
}

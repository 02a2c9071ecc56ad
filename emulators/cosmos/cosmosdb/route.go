package cosmosdb

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"go.etcd.io/bbolt"
)

type target struct {
	shape        string   // for example dbs/*/colls/*/docs
	names        []string // what the stars stand for
	resourceType string   // signed by the client; for example docs
	resourceLink string   // must be signed by the client; for example dbs/a/colls/b, without a trailing docs
}

func (t target) database() string  { return t.names[0] }
func (t target) container() string { return t.names[1] }
func (t target) document() string  { return t.names[2] }

func (t target) isDocument() bool { return t.resourceType == "docs" }

// parseTarget splits the path before unescaping, because a name may contain an escaped slash.
func parseTarget(r *http.Request) (target, error) {
	escaped := strings.Trim(r.URL.EscapedPath(), "/")
	if escaped == "" {
		return target{}, nil
	}
	var t target
	var segments, shape []string
	for i, segment := range strings.Split(escaped, "/") {
		name, err := url.PathUnescape(segment)
		if err != nil || name == "" {
			return target{}, newError(http.StatusBadRequest, 0, "The path has a segment that is empty or wrongly escaped: %.80q", segment)
		}
		segments = append(segments, name)
		if i%2 == 0 {
			t.resourceType = strings.ToLower(name)
			shape = append(shape, name)
		} else {
			t.names = append(t.names, name)
			shape = append(shape, "*")
		}
	}
	if len(segments)%2 == 1 {
		segments = segments[:len(segments)-1]
	}
	if last := len(segments) - 1; t.isDocument() && len(t.names) == 3 {
		if strings.ContainsFunc(segments[last], unicode.IsControl) {
			return target{}, newError(http.StatusBadRequest, 0, "The URL has a control character: Cosmos DB creates documents with this id, but cannot find them by their URL")
		}
		segments[last] = gatewayID(segments[last])
	}
	t.shape, t.resourceLink = strings.Join(shape, "/"), strings.Join(segments, "/")
	return t, nil
}

// gatewayID returns the id that Azure's gateway reads from a URL. The service creates documents with all ids, but the
// signatures of some of them do not match later, because clients sign the real id. TestItemIdEncodingRoutingGW in
// https://github.com/Azure/azure-sdk-for-go/blob/main/sdk/data/azcosmos/emulator_cosmos_item_test.go lists the statuses.
func gatewayID(id string) string {
	if decoded, err := url.PathUnescape(id); err == nil {
		id = decoded
	}
	id, _, _ = strings.Cut(strings.ReplaceAll(strings.TrimRight(id, " "), `\`, "/"), "#")
	return id[strings.LastIndexByte(id, '/')+1:]
}

type operation func(*bbolt.Tx, request) (response, error)

var operations = map[string]operation{
	"GET ":                     readAccount,
	"POST dbs":                 createDatabase,
	"GET dbs/*":                readDatabase,
	"POST dbs/*/colls":         createContainer,
	"GET dbs/*/colls/*":        readContainer,
	"POST dbs/*/colls/*/docs":  createDocument,
	"GET dbs/*/colls/*/docs/*": readDocument,
	"PUT dbs/*/colls/*/docs/*": replaceDocument,
}

// The server refuses requests with these headers. The first match names the feature in the error message.
var unsupportedHeaders = []struct{ header, feature string }{
	{"A-IM", "change feeds"},
	{"x-ms-documentdb-query", "queries"},
	{"x-ms-documentdb-isquery", "queries"},
	{"x-ms-cosmos-is-query-plan-request", "queries"},
	{"x-ms-cosmos-is-batch-request", "transactional batches and bulk operations"},
	{"x-ms-documentdb-is-upsert", "upserts"},
	{"x-ms-documentdb-pre-trigger-include", "triggers"},
	{"x-ms-documentdb-post-trigger-include", "triggers"},
	{"If-None-Match", "conditional reads with If-None-Match"},
}

func route(r *http.Request, t target) (operation, error) {
	if r.Header.Get("x-ms-version") == "" {
		return nil, newError(http.StatusBadRequest, 0, "The header x-ms-version is missing")
	}
	operation, ok := operations[r.Method+" "+t.shape]
	if !ok && !t.isDocument() {
		return nil, unsupported(operationName(r, t))
	}
	for _, h := range unsupportedHeaders {
		if value := r.Header.Get(h.header); value != "" && !strings.EqualFold(value, "false") {
			return nil, unsupported(h.feature)
		}
	}
	switch {
	case strings.HasPrefix(r.Header.Get("Content-Type"), "application/query+json"):
		return nil, unsupported("queries")
	case !ok:
		return nil, unsupported(operationName(r, t))
	}
	return operation, nil
}

// https://learn.microsoft.com/rest/api/cosmos-db/cosmosdb-resource-uri-syntax-for-rest
var resources = map[string]string{
	"": "the account", "dbs": "databases", "colls": "containers", "docs": "documents", "users": "users", "permissions": "permissions",
	"sprocs": "stored procedures", "triggers": "triggers", "udfs": "user-defined functions", "attachments": "attachments",
	"conflicts": "conflicts", "offers": "throughput (offers)", "pkranges": "partition key ranges, which queries and bulk operations need", "clientencryptionkeys": "client encryption keys",
}

// operationName returns for example "patching documents (PATCH /dbs/*/colls/*/docs/*)".
func operationName(r *http.Request, t target) string {
	isItem := t.shape == "" || strings.HasSuffix(t.shape, "*")
	verb := map[string]string{http.MethodPut: "replacing", http.MethodPatch: "patching", http.MethodDelete: "deleting"}[r.Method]
	switch {
	case r.Method == http.MethodGet && isItem:
		verb = "reading"
	case r.Method == http.MethodGet:
		verb = "listing"
	case r.Method == http.MethodPost && t.resourceType == "sprocs" && isItem:
		verb = "executing"
	case r.Method == http.MethodPost && (t.resourceType == "offers" || strings.HasPrefix(r.Header.Get("Content-Type"), "application/query+json")):
		verb = "querying"
	case r.Method == http.MethodPost:
		verb = "creating"
	}
	resource := resources[t.resourceType]
	if verb == "" || resource == "" {
		return fmt.Sprintf("the operation %.20s /%.80s", r.Method, t.shape)
	}
	return fmt.Sprintf("%s %s (%.20s /%.80s)", verb, resource, r.Method, t.shape)
}

func unsupported(feature string) error {
	return newError(http.StatusNotImplemented, 0, "The local Cosmos DB does not support %.160s. It creates and reads databases and containers, and creates, reads and replaces documents", feature)
}

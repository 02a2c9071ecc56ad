package cosmosdb

import (
	"net/http"
	"net/url"
	"strings"

	"go.etcd.io/bbolt"
)

type target struct {
	shape        string   // for example dbs/*/colls/*/docs
	names        []string // what the stars stand for
	resourceType string   // signed by the client; for example docs
	resourceLink string   // signed by the client; for example dbs/a/colls/b, without a trailing docs
}

func (t target) database() string  { return t.names[0] }
func (t target) container() string { return t.names[1] }
func (t target) document() string  { return t.names[2] }

func (t target) isDocument() bool { return t.resourceType == "docs" }

// parseTarget splits the path before unescaping, because a name may contain an escaped slash.
func parseTarget(r *http.Request) (target, error) {
	path := strings.Trim(r.URL.EscapedPath(), "/")
	if path == "" {
		return target{}, nil
	}
	var t target
	var segments, shape []string
	for i, segment := range strings.Split(path, "/") {
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
	t.shape, t.resourceLink = strings.Join(shape, "/"), strings.Join(segments, "/")
	return t, nil
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

// The server refuses requests with these headers. The values of the map are the names of the unsupported features,
// for the error message.
var unsupportedHeaders = map[string]string{
	"x-ms-documentdb-query":                "queries",
	"x-ms-documentdb-isquery":              "queries",
	"x-ms-cosmos-is-query-plan-request":    "queries",
	"x-ms-cosmos-is-batch-request":         "transactional batches",
	"x-ms-documentdb-is-upsert":            "upserts",
	"x-ms-documentdb-pre-trigger-include":  "triggers",
	"x-ms-documentdb-post-trigger-include": "triggers",
	"A-IM":                                 "change feeds",
	"If-None-Match":                        "If-None-Match",
}

func route(r *http.Request, t target) (operation, error) {
	if r.Header.Get("x-ms-version") == "" {
		return nil, newError(http.StatusBadRequest, 0, "The header x-ms-version is missing")
	}
	for header, feature := range unsupportedHeaders {
		if r.Header.Get(header) != "" {
			return nil, unsupported(feature)
		}
	}
	if operation, ok := operations[r.Method+" "+t.shape]; ok {
		return operation, nil
	}
	return nil, unsupported(r.Method + " /" + t.shape)
}

func unsupported(feature string) error {
	return newError(http.StatusNotImplemented, 0, "The local Cosmos DB does not support %.80s. It creates and reads databases and containers, and creates, reads and replaces documents", feature)
}

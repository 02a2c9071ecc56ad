// Package cosmosdb emulates the Azure Cosmos DB operations (https://learn.microsoft.com/rest/api/cosmos-db/) that
// Triptych uses, and erases replaced documents from disk.
package cosmosdb

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"triptych/emulators/faults"
)

// A document has at most 2 MB of JSON (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
const maxBody = 2 << 20

// A client that is still sending sees the 413 only if the server discards the remaining body.
const maxDiscard = 8 << 20

// Server emulates one Cosmos DB account in one region.
type Server struct {
	db      *bbolt.DB
	file    *os.File     // of db
	readers sync.RWMutex // read-locked by read transactions
	key     []byte
	now     func() time.Time
	faults  faults.Set[Fault]

	mu     sync.Mutex
	tokens map[string][]Role // by access token of Entra ID
	keys   map[string][]Role // by decoded key
}

// Open creates the database file if it is missing, and fails if another Server uses the file. The key is in base64.
func Open(path, key string) (*Server, error) {
	secret, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("the Cosmos DB master key is not base64: copy the whole key, with its trailing ==")
	}
	s := &Server{key: secret, now: time.Now, tokens: map[string][]Role{}, keys: map[string][]Role{}}
	if err := s.openDB(path); err != nil {
		return nil, err
	}
	return s, nil
}

// Close waits for writes in progress. Later requests receive 503.
func (s *Server) Close() error { return s.db.Close() }

type request struct {
	target
	http.Header
	host string
	tls  bool
	body object // nil for GET
	id   string // of body
	now  time.Time
}

// ServeHTTP panics with http.ErrAbortHandler if a Fault closes the connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, err := parseTarget(r)
	if err == nil {
		err = s.authorize(r, t)
	}
	if err != nil {
		errorResponse(err).send(w)
		return
	}
	fault := s.takeFault(r, t)
	if fault.AfterApply {
		s.apply(r, t)
	}
	_ = fault.Rule().Wait(r.Context()) // fails only if the client has disconnected
	switch {
	case fault.Status != 0:
		fault.response().send(w)
	case fault.AfterApply:
		panic(http.ErrAbortHandler)
	default:
		s.apply(r, t).send(w)
	}
}

func (s *Server) apply(r *http.Request, t target) response {
	operation, err := route(r, t)
	if err != nil {
		return errorResponse(err)
	}
	req, execute := request{target: t, Header: r.Header, host: r.Host, tls: r.TLS != nil, now: s.now()}, s.read
	if r.Method != http.MethodGet {
		execute = s.write
		if req.body, req.id, err = readBody(r); err != nil {
			return errorResponse(err)
		}
	}
	res, err := execute(operation, req)
	if err == nil && r.Method == http.MethodPut {
		err = s.eraseFreePages()
	}
	if err != nil {
		return errorResponse(err)
	}
	return res
}

func readBody(r *http.Request) (object, string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, "", newError(http.StatusBadRequest, 0, "The request body is incomplete: %v", err)
	}
	if len(body) > maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscard)
		return nil, "", newError(http.StatusRequestEntityTooLarge, 0, "Request size is too large: an item has at most %d bytes of JSON", maxBody)
	}
	return parseBody(body)
}

func parseBody(text []byte) (object, string, error) {
	body, err := parseObject(text)
	if err != nil {
		return nil, "", err
	}
	id, err := body.id()
	return body, id, err
}

// The response names the request's host as the account's only endpoint. SDKs send all later requests to the endpoint
// in this response.
func readAccount(_ *bbolt.Tx, r request) (response, error) {
	scheme := "http"
	if r.tls {
		scheme = "https"
	}
	locations := []map[string]string{{"name": "Local", "databaseAccountEndpoint": scheme + "://" + r.host + "/"}}
	body, err := json.Marshal(map[string]any{
		"id": "local", "_rid": "local", "_self": "", "_dbs": "//dbs/", "media": "//media/", "addresses": "//addresses/",
		"writableLocations": locations, "readableLocations": locations, "enableMultipleWriteLocations": false,
		"userConsistencyPolicy": map[string]string{"defaultConsistencyLevel": "Strong"},
	})
	return response{status: http.StatusOK, body: body}, err
}

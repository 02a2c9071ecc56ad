// Package cosmosdb implements the part of Azure Cosmos DB's REST protocol that Triptych uses: creating and reading
// databases and containers, and creating, reading and replacing documents whose partition key is /id. Data is stored in
// one file, and a write is on disk before its response is sent. All other operations are refused with 501 and a message
// that names the operation. The package implements no queries and is not meant for an open network.
//
// The protocol is described at https://learn.microsoft.com/rest/api/cosmos-db/.
package cosmosdb

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"triptych/emulators/faults"
)

// maxBody is the maximum size of a document: 2 MB of UTF-8 JSON
// (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
const maxBody = 2 << 20

// maxDiscard limits how many bytes of an oversized body are read and discarded. If none were read, a client that is
// still sending would see a closed connection instead of the status 413.
const maxDiscard = 8 << 20

// Server is one Cosmos DB account in one region.
type Server struct {
	store  *store
	key    []byte
	now    func() time.Time
	faults faults.Set[Fault]

	mu     sync.Mutex
	tokens []string // accepted access tokens of Entra ID
}

// Open returns a Server that stores its data in the file at path; Open creates the file if it is missing. key is the
// account's master key in base64. Open fails if another Server has opened the file.
func Open(path, key string) (*Server, error) {
	secret, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("the Cosmos DB master key is not base64: copy the whole key, with its trailing ==")
	}
	st, err := openStore(path)
	if err != nil {
		return nil, err
	}
	return &Server{store: st, key: secret, now: time.Now}, nil
}

// Close waits for writes in progress and closes the file. Later requests receive 503.
func (s *Server) Close() error { return s.store.db.Close() }

// request contains the parts of an HTTP request that operations use.
type request struct {
	target
	http.Header
	host string
	tls  bool
	body []byte
	now  time.Time
}

// ServeHTTP panics only with http.ErrAbortHandler, when a Fault closes the connection.
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
	body, err := readBody(r)
	if err != nil {
		return errorResponse(err)
	}
	res, err := operation(s, request{t, r.Header, r.Host, r.TLS != nil, body, s.now()})
	if err != nil {
		return errorResponse(err)
	}
	return res
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, newError(http.StatusBadRequest, 0, "The request body is incomplete: %v", err)
	}
	if len(body) > maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, maxDiscard)
		return nil, newError(http.StatusRequestEntityTooLarge, 0, "Request size is too large: an item has at most %d bytes of JSON", maxBody)
	}
	return body, nil
}

// readAccount returns the locations of the account. SDKs call it before all other operations and then send their
// requests to the writable location. The writable location is therefore the host of this request.
func readAccount(_ *Server, r request) (response, error) {
	scheme := "http"
	if r.tls {
		scheme = "https"
	}
	locations := []map[string]string{{"name": "Local", "databaseAccountEndpoint": scheme + "://" + r.host + "/"}}
	body, err := json.Marshal(map[string]any{
		"id": "local", "_rid": "local", "_self": "", "_dbs": "//dbs/", "media": "//media/", "addresses": "//addresses/",
		"writableLocations": locations, "readableLocations": locations, "enableMultipleWriteLocations": false,
		"userConsistencyPolicy": map[string]string{"defaultConsistencyLevel": "Session"},
	})
	return response{status: http.StatusOK, body: body}, err
}

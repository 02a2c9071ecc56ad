// Package cosmos is the part of Azure Cosmos DB's REST protocol that Triptych uses, kept in one file. A
// write that was answered is on the disk, whatever is killed next; an answer here is the answer Azure
// gives, and what is not part of it is refused with a 501 that says what is missing. It never guesses at
// a query, and it is no database for the open network: the master key and admitted tokens are its only locks.
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
)

// maxBody is the largest item, as it is sent: 2 MB of UTF-8 JSON
// (https://learn.microsoft.com/azure/cosmos-db/concepts-limits#per-item-limits).
const maxBody = 2 << 20

// drained is how much of a body over maxBody is read and thrown away, so that its sender gets to read
// the 413 instead of a broken connection.
const drained = 8 << 20

// Server answers as one Cosmos DB account in one region.
type Server struct {
	store *store
	key   []byte
	now   func() time.Time

	swept map[string][]byte // container's _rid: where its sweep goes on; touched only inside writes, one at a time

	mu       sync.Mutex
	admitted []string // tokens of Entra ID
	faults   map[selector]Fault
}

// Open serves the account kept in the file at path, which is made if it is missing; key is the account's
// master key in base64. A file that another Server has open is refused.
func Open(path, key string) (*Server, error) {
	secret, err := base64.StdEncoding.DecodeString(key)
	if err != nil || len(secret) == 0 {
		return nil, fmt.Errorf("the Cosmos DB master key is not base64: copy the whole key, with its trailing ==")
	}
	st, err := openStore(path)
	if err != nil {
		return nil, err
	}
	return &Server{store: st, key: secret, now: time.Now, swept: map[string][]byte{}, faults: map[selector]Fault{}}, nil
}

// Close waits for what is being written and releases the file. Requests that come later get 503.
func (s *Server) Close() error { return s.store.db.Close() }

// request is what an operation needs to know of an HTTP request.
type request struct {
	target
	http.Header
	host string
	tls  bool
	body []byte
	now  time.Time
}

// ServeHTTP answers one request. It panics only with http.ErrAbortHandler, when a Fault cuts the connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	t, err := parseTarget(r)
	if err == nil {
		err = s.authorize(r, t)
	}
	if err != nil {
		refused(err).send(w)
		return
	}
	f := s.strike(r, t)
	if !f.AfterApply {
		f.wait(r.Context())
	}
	if f.Status != 0 && !f.AfterApply {
		f.reply().send(w)
		return
	}
	answer := s.apply(r, t)
	if f.AfterApply {
		f.wait(r.Context())
	}
	switch {
	case f.AfterApply && f.Status == 0:
		panic(http.ErrAbortHandler)
	case f.AfterApply:
		f.reply().send(w)
	default:
		answer.send(w)
	}
}

func (s *Server) apply(r *http.Request, t target) reply {
	operation, err := route(r, t)
	if err != nil {
		return refused(err)
	}
	body, err := readBody(r)
	if err != nil {
		return refused(err)
	}
	answer, err := operation(s, request{t, r.Header, r.Host, r.TLS != nil, body, s.now()})
	if err != nil {
		return refused(err)
	}
	return answer
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Method != http.MethodPost && r.Method != http.MethodPut {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return nil, refuse(http.StatusBadRequest, 0, "The request body broke off: %v", err)
	}
	if len(body) > maxBody {
		_, _ = io.CopyN(io.Discard, r.Body, drained)
		return nil, refuse(http.StatusRequestEntityTooLarge, 0, "Request size is too large: an item has at most %d bytes of JSON", maxBody)
	}
	return body, nil
}

// account is what a client asks for first: it sends every later request to the writable location named
// here, so that is the very host it already found.
func account(_ *Server, r request) (reply, error) {
	scheme := "http"
	if r.tls {
		scheme = "https"
	}
	here := []map[string]string{{"name": "Local", "databaseAccountEndpoint": scheme + "://" + r.host + "/"}}
	body, err := json.Marshal(map[string]any{
		"id": "local", "_rid": "local", "_self": "", "_dbs": "//dbs/", "media": "//media/", "addresses": "//addresses/",
		"writableLocations": here, "readableLocations": here, "enableMultipleWriteLocations": false,
		"userConsistencyPolicy": map[string]string{"defaultConsistencyLevel": "Session"},
	})
	return reply{status: http.StatusOK, body: body}, err
}

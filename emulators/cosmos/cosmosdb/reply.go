package cosmosdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// reply is one answer, before it is HTTP.
type reply struct {
	status, substatus int
	body              []byte
	etag              string
	lsn               uint64 // the container's count of writes; 0 outside containers
	charge            float64
	retryAfter        time.Duration
}

func (a reply) send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("x-ms-activity-id", uuid.NewString())
	h.Set("x-ms-gatewayversion", "version=2.14.0")
	h.Set("x-ms-schemaversion", "1.18")
	h.Set("x-ms-request-charge", strconv.FormatFloat(max(a.charge, 1), 'f', 2, 64))
	if a.substatus != 0 {
		h.Set("x-ms-substatus", strconv.Itoa(a.substatus))
	}
	if a.etag != "" {
		h.Set("etag", a.etag)
	}
	if a.lsn != 0 {
		lsn := strconv.FormatUint(a.lsn, 10)
		h.Set("lsn", lsn)
		h.Set("x-ms-cosmos-llsn", lsn)
		h.Set("x-ms-session-token", "0:-1#"+lsn)
	}
	if a.retryAfter > 0 {
		h.Set("x-ms-retry-after-ms", strconv.FormatInt(a.retryAfter.Milliseconds(), 10))
	}
	if len(a.body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // whoever hung up will ask again
}

// codeOf is the word Cosmos DB puts in an error's body for a status.
func codeOf(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return "RequestEntityTooLarge"
	case 449: // https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
		return "RetryWith"
	}
	return strings.ReplaceAll(http.StatusText(status), " ", "")
}

// refusal is an error a client made, or has to bear. An operation returns one only before it has written
// anything.
type refusal struct {
	status, substatus int
	message           string
}

func (e *refusal) Error() string { return e.message }

func refuse(status, substatus int, format string, args ...any) error {
	return &refusal{status, substatus, fmt.Sprintf(format, args...)}
}

func refused(err error) reply {
	e, ok := errors.AsType[*refusal](err)
	switch {
	case !ok && errors.Is(err, errClosed):
		e = &refusal{http.StatusServiceUnavailable, 0, "The local Cosmos DB is shutting down"}
	case !ok:
		e = &refusal{http.StatusInternalServerError, 0, err.Error()}
	}
	body, _ := json.Marshal(map[string]string{"code": codeOf(e.status), "message": e.message})
	return reply{status: e.status, substatus: e.substatus, body: body}
}

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
	bolterrors "go.etcd.io/bbolt/errors"
)

type response struct {
	status, substatus int
	body              []byte
	etag              string
	lsn               uint64 // number of writes to the container; 0 if the request addresses no document
	charge            float64
	retryAfter        time.Duration
}

func (res response) send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("x-ms-activity-id", uuid.NewString())
	h.Set("x-ms-gatewayversion", "version=2.14.0")
	h.Set("x-ms-schemaversion", "1.18")
	h.Set("x-ms-request-charge", strconv.FormatFloat(max(res.charge, 1), 'f', 2, 64))
	if res.substatus != 0 {
		h.Set("x-ms-substatus", strconv.Itoa(res.substatus))
	}
	if res.etag != "" {
		h.Set("etag", res.etag)
	}
	if res.lsn != 0 {
		lsn := strconv.FormatUint(res.lsn, 10)
		h.Set("lsn", lsn)
		h.Set("x-ms-cosmos-llsn", lsn)
		h.Set("x-ms-session-token", "0:-1#"+lsn)
	}
	if res.retryAfter > 0 {
		h.Set("x-ms-retry-after-ms", strconv.FormatInt(res.retryAfter.Milliseconds(), 10))
	}
	if len(res.body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	w.WriteHeader(res.status)
	_, _ = w.Write(res.body) // fails only if the client has disconnected
}

// codeOf returns Cosmos DB's name of an error status, for example NotFound for 404.
func codeOf(status int) string {
	switch status {
	case http.StatusRequestEntityTooLarge:
		return "RequestEntityTooLarge"
	case 449: // https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb
		return "RetryWith"
	}
	return strings.ReplaceAll(http.StatusText(status), " ", "")
}

type statusError struct {
	status, substatus int
	message           string
}

func (e *statusError) Error() string { return e.message }

func newError(status, substatus int, format string, args ...any) error {
	return &statusError{status, substatus, fmt.Sprintf(format, args...)}
}

func errorResponse(err error) response {
	e, ok := errors.AsType[*statusError](err)
	switch {
	case !ok && errors.Is(err, bolterrors.ErrDatabaseNotOpen):
		e = &statusError{http.StatusServiceUnavailable, 0, "The local Cosmos DB is shutting down"}
	case !ok:
		e = &statusError{http.StatusInternalServerError, 0, err.Error()}
	}
	body, _ := json.Marshal(map[string]string{"code": codeOf(e.status), "message": e.message})
	return response{status: e.status, substatus: e.substatus, body: body}
}

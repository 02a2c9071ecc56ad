package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"triptych/picture"
)

// Sentinel errors of Container's methods. errors.As still finds Cosmos DB's own response, an *azcore.ResponseError.
var (
	ErrExists   = errors.New("the picture already has a Record")
	ErrNotFound = errors.New("the picture has no Record")
	ErrChanged  = errors.New("the Record has changed: read it again")
	// ErrUnreadable means that the document is not a Record. Reading it again does not help.
	ErrUnreadable = errors.New("the document is not a Record")
)

// callError is the error of one call. Its text is one line. The text of an *azcore.ResponseError would contain the
// whole request and response, and therefore the picture's ID.
type callError struct {
	line   string
	causes []error
}

func (e *callError) Error() string   { return e.line }
func (e *callError) Unwrap() []error { return e.causes }

// wrap returns err with the operation and the sentinel error for its HTTP status.
func wrap(operation string, id picture.ID, err error) error {
	if err == nil {
		return nil
	}
	e := &callError{causes: []error{err}}
	var reason string
	if response, ok := errors.AsType[*azcore.ResponseError](err); !ok {
		reason = err.Error()
	} else if sentinel := sentinelOf(response); sentinel != nil {
		reason = sentinel.Error()
		e.causes = append(e.causes, sentinel)
	} else {
		reason = fmt.Sprintf("Cosmos DB returned %d: %s", response.StatusCode, message(response))
	}
	e.line = picture.Redact(fmt.Sprintf("%s the Record of %s: %s", operation, id, reason))
	return e
}

// ownerNotFound is the sub-status of a 404 that refers to the container, not to the Record. See StatusCodes.md in
// https://github.com/Azure/azure-sdk-for-java/tree/main/sdk/cosmos/azure-cosmos/docs.
const ownerNotFound = "1003"

func sentinelOf(response *azcore.ResponseError) error {
	if !strings.Contains(response.RawResponse.Request.URL.Path, "/docs") {
		return nil // the request for the account, which precedes all others
	}
	switch {
	case response.StatusCode == http.StatusConflict:
		return ErrExists
	case response.StatusCode == http.StatusPreconditionFailed:
		return ErrChanged
	case response.StatusCode == http.StatusNotFound && response.RawResponse.Header.Get("x-ms-substatus") != ownerNotFound:
		return ErrNotFound
	}
	return nil
}

// bodyMutex protects response bodies from concurrent reads. If the request for the account document fails, azcosmos
// returns the same response to all callers that waited for it, and each of them reads the body.
var bodyMutex sync.Mutex

// message returns the first line of the error message in Cosmos DB's response.
func message(response *azcore.ResponseError) string {
	bodyMutex.Lock()
	defer bodyMutex.Unlock()
	var body struct{ Message string }
	text, err := runtime.Payload(response.RawResponse)
	if err != nil || json.Unmarshal(text, &body) != nil || body.Message == "" {
		return http.StatusText(response.StatusCode)
	}
	line, _, _ := strings.Cut(body.Message, "\n")
	return strings.TrimSpace(line)
}

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

// What a call meets. Cosmos DB's own answer stays reachable through errors.As as an *azcore.ResponseError.
var (
	ErrExists   = errors.New("the picture already has a Record")
	ErrNotFound = errors.New("the picture has no Record")
	ErrChanged  = errors.New("the Record was changed meanwhile: read it again")
	// ErrUnreadable is a document that is no Record; reading it again does not help.
	ErrUnreadable = errors.New("what is kept of the picture is no Record")
)

// failure says in one line what was being done and what came of it. An *azcore.ResponseError would print
// the whole exchange, with the picture's ID in its URL.
type failure struct {
	line   string
	causes []error
}

func (f *failure) Error() string   { return f.line }
func (f *failure) Unwrap() []error { return f.causes }

// explain says what was being done, and adds the sentinel that a status stands for.
func explain(doing string, id picture.ID, err error) error {
	if err == nil {
		return nil
	}
	f := &failure{causes: []error{err}}
	var reason string
	if answer, ok := errors.AsType[*azcore.ResponseError](err); !ok {
		reason = err.Error()
	} else if meaning := meaningOf(answer); meaning != nil {
		reason = meaning.Error()
		f.causes = append(f.causes, meaning)
	} else {
		reason = fmt.Sprintf("Cosmos DB answers %d: %s", answer.StatusCode, message(answer))
	}
	line := fmt.Sprintf("%s the Record of %s: %s", doing, id.Redacted(), reason)
	f.line = strings.ReplaceAll(line, string(id), id.Redacted())
	return f
}

// noOwner is the sub-status of a 404 that is about the container, not the Record; see StatusCodes.md in
// https://github.com/Azure/azure-sdk-for-java/tree/main/sdk/cosmos/azure-cosmos/docs.
const noOwner = "1003"

func meaningOf(answer *azcore.ResponseError) error {
	if !strings.Contains(answer.RawResponse.Request.URL.Path, "/docs") {
		return nil // about the account, which is asked for first
	}
	switch {
	case answer.StatusCode == http.StatusConflict:
		return ErrExists
	case answer.StatusCode == http.StatusPreconditionFailed:
		return ErrChanged
	case answer.StatusCode == http.StatusNotFound && answer.RawResponse.Header.Get("x-ms-substatus") != noOwner:
		return ErrNotFound
	}
	return nil
}

// reading guards an answer's body: azcosmos gives one failed answer about the account to every caller
// that waited for it.
var reading sync.Mutex

// message is the first line of what Cosmos DB wrote about its answer.
func message(answer *azcore.ResponseError) string {
	reading.Lock()
	defer reading.Unlock()
	var body struct{ Message string }
	text, err := runtime.Payload(answer.RawResponse)
	if err != nil || json.Unmarshal(text, &body) != nil || body.Message == "" {
		return http.StatusText(answer.StatusCode)
	}
	line, _, _ := strings.Cut(body.Message, "\n")
	return strings.TrimSpace(line)
}

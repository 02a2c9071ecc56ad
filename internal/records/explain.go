package records

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"triptych/picture"
)

// phase is the part of a call in which an error occurred.
type phase int

const (
	request phase = iota // Cosmos DB responded, or could not be reached
	signIn               // AWS or Entra ID refused a token
	decode               // the document is not a Record
	noCredentials
)

// cause identifies an error. code is an HTTP status; in the phase signIn it can also be an error code of AWS.
type cause struct {
	phase phase
	code  string
}

// explanations maps errors to their meaning for the picture. A test provokes each of them.
//
// Sources: Cosmos DB's status codes (https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb),
// AWS's error codes (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html) and Entra ID's
// error codes (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
var explanations = map[cause]struct {
	kind    picture.Kind
	message string
}{
	{request, "400"}: {picture.Misconfigured, "Cosmos DB refused the format of the Record: the container's partition key must be /id"},
	{request, "401"}: {picture.Forbidden, "Azure refused the worker's credentials: check COSMOS_KEY or the federated identity, and the clock"},
	{request, "403"}: {picture.Forbidden, "Azure refused access: the worker needs the role Cosmos DB Built-in Data Contributor"},
	{request, "404"}: {picture.Misconfigured, "The database or container does not exist: create it (Terraform does)"},
	{request, "408"}: {picture.Unavailable, "Cosmos DB timed out"},
	{request, "410"}: {picture.Unavailable, "Cosmos DB is moving the partition"},
	{request, "413"}: {picture.TooLarge, "The Record is larger than Cosmos DB allows"},
	{request, "429"}: {picture.Throttled, "Cosmos DB has no request units left"},
	{request, "449"}: {picture.Unavailable, "Cosmos DB was processing another write of the same Record"},
	{request, "500"}: {picture.Unavailable, "Cosmos DB had an internal error"},
	{request, "503"}: {picture.Unavailable, "Cosmos DB is unavailable"},
	// No response, or an unknown status.
	{}: {picture.Unavailable, "Cosmos DB could not be reached"},

	{phase: noCredentials}: {picture.Forbidden, "The worker has no credentials for Azure: set AZURE_FEDERATION or COSMOS_KEY, or give it an identity"},

	{signIn, "AccessDenied"}:                                   {picture.Forbidden, "AWS does not allow the worker's role to request a token for Azure: allow sts:GetWebIdentityToken for api://AzureADTokenExchange"},
	{signIn, "OutboundWebIdentityFederationDisabledException"}: {picture.Misconfigured, "This AWS account issues no tokens for other clouds: enable outbound web identity federation (Terraform does)"},
	{signIn, "400"}:                                            {picture.Misconfigured, "Azure does not know the worker's identity or does not trust the AWS role: check AZURE_TENANT_ID, AZURE_CLIENT_ID and the identity's federated credential"},
	{signIn, "401"}:                                            {picture.Forbidden, "Azure does not trust the worker's AWS role: the identity's federated credential must name AWS's issuer, the role and api://AzureADTokenExchange"},

	{phase: decode}: {picture.Misconfigured, "The document of this picture in Cosmos DB is not a Record: repair or delete it"},
}

// Explain translates an error of Container's methods.
func Explain(err error) *picture.Error {
	c, text, retryAfter := describe(err)
	e, known := explanations[c]
	if !known {
		e = explanations[cause{}]
	}
	return &picture.Error{Kind: e.kind, Cloud: picture.Azure, Message: e.message, RetryAfter: retryAfter, Err: errors.New(text)}
}

// describe returns the cause of err, its text in one line, and the delay that Cosmos DB requested.
func describe(err error) (cause, string, time.Duration) {
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return cause{request, strconv.Itoa(e.StatusCode)}, fmt.Sprintf("%d %s", e.StatusCode, e.ErrorCode), retryAfter(e.RawResponse)
	}
	if errors.Is(err, ErrUnreadable) {
		return cause{phase: decode}, err.Error(), 0
	}
	if e, ok := errors.AsType[*SignInError](err); ok {
		return cause{signIn, e.Code}, e.Error(), 0
	}
	// azidentity has several types of errors for missing credentials. This method is the only property that they share.
	if e, ok := errors.AsType[interface {
		error
		NonRetriable()
	}](err); ok {
		return cause{phase: noCredentials}, e.Error(), 0
	}
	return cause{}, err.Error(), 0
}

func retryAfter(r *http.Response) time.Duration {
	if r == nil {
		return 0
	}
	ms, _ := strconv.ParseInt(r.Header.Get("x-ms-retry-after-ms"), 10, 32) // 0 if absent
	return time.Duration(ms) * time.Millisecond
}

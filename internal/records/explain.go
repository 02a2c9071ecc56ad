package records

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"triptych/picture"
)

type phase int

const (
	request   phase = iota // Cosmos DB responded, or could not be reached
	signingIn              // AWS or Entra ID refused a token
	decode                 // the document is not a Record
	noCredentials
)

type cause struct {
	phase phase
	code  string // an HTTP status, a constant below, or in the phase signingIn an AWS error code ("AccessDenied")
}

const (
	firewall    = "403 firewall"
	otherRegion = "403 other region"
	skewed      = "403 skewed"
	uncertain   = "404 uncertain"
	refusedRole = "refused role" // AWS refuses the program's credentials, or it has none
)

// Codes: https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb,
// https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html,
// https://learn.microsoft.com/entra/identity-platform/reference-error-codes,
// https://learn.microsoft.com/azure/cosmos-db/troubleshoot-forbidden
var explanations = map[cause]struct {
	kind    picture.Kind
	message string
}{
	{request, "400"}:       {picture.Misconfigured, "Cosmos DB refused the format of the Record: the container's partition key must be /id"},
	{request, "401"}:       {picture.Forbidden, "Azure refused the program's credentials: check COSMOS_KEY or the federated identity, and the clock"},
	{request, "403"}:       {picture.Forbidden, "Azure refused access: assign the Cosmos DB roles that Terraform defines to the program's identity"},
	{request, firewall}:    {picture.Forbidden, "Cosmos DB blocked the program: allow its network in the firewall of the account, and check its credentials"},
	{request, skewed}:      {picture.Forbidden, "Azure refused the time of the program's request: set the program's clock"},
	{request, otherRegion}: {picture.Unavailable, "This Azure region does not accept the request: if this lasts for minutes, check COSMOS_ENDPOINT and the account's regions"},
	{request, "404"}:       {picture.Misconfigured, "The database or container does not exist: create it (Terraform does)"},
	{request, uncertain}:   {picture.Unavailable, "Cosmos DB does not know yet whether the picture has a Record"},
	{request, "408"}:       {picture.Unavailable, "Cosmos DB timed out"},
	{request, "410"}:       {picture.Unavailable, "Cosmos DB is moving the partition"},
	{request, "413"}:       {picture.TooLarge, "The Record is larger than Cosmos DB allows"},
	{request, "429"}:       {picture.Throttled, "Cosmos DB has no request units left"},
	{request, "449"}:       {picture.Unavailable, "Cosmos DB was processing another write of the same Record"},
	{request, "500"}:       {picture.Unavailable, "Cosmos DB had an internal error"},
	{request, "503"}:       {picture.Unavailable, "Cosmos DB is unavailable"},
	// No response, or an unknown status.
	{}: {picture.Unavailable, "Cosmos DB could not be reached"},

	{phase: noCredentials}: {picture.Forbidden, "The program has no credentials for Azure: set AZURE_FEDERATION or COSMOS_KEY, or give it an identity"},

	{signingIn, "AccessDenied"}:                                   {picture.Forbidden, "AWS does not allow the program's role to request a token for Azure: allow sts:GetWebIdentityToken for api://AzureADTokenExchange"},
	{signingIn, refusedRole}:                                      {picture.Forbidden, "AWS refused the program's credentials, or it has none: give it a role or renew its credentials, and check the clock"},
	{signingIn, "RegionDisabledException"}:                        {picture.Misconfigured, "AWS STS is not active in this region: activate it for the AWS account, or check AWS_REGION"},
	{signingIn, "OutboundWebIdentityFederationDisabledException"}: {picture.Misconfigured, "This AWS account issues no tokens for other clouds: enable outbound web identity federation (Terraform does)"},
	{signingIn, "400"}:                                            {picture.Misconfigured, "Azure does not know the program's identity or does not trust the AWS role: check AZURE_TENANT_ID, AZURE_CLIENT_ID and the identity's federated credential"},
	{signingIn, "401"}:                                            {picture.Forbidden, "Azure does not trust the program's AWS role: the identity's federated credential must name AWS's issuer, the role and api://AzureADTokenExchange"},

	{phase: decode}: {picture.Misconfigured, "The document of this picture in Cosmos DB is not a Record: repair or delete it"},
}

// The text of a callError is one line without secrets.
type callError struct {
	cause
	text       string
	retryAfter time.Duration // as Cosmos DB requested
	wrapped    error         // never a network error, which azcosmos would retry
}

func (e *callError) Error() string { return e.text }
func (e *callError) Unwrap() error { return e.wrapped }

var sentinels = map[int]error{
	http.StatusConflict: ErrExists, http.StatusPreconditionFailed: ErrChanged, http.StatusNotFound: ErrNotFound,
}

// Sub-statuses: StatusCodes.md in https://github.com/Azure/azure-sdk-for-java/tree/main/sdk/cosmos/azure-cosmos/docs
var refinements = map[string]string{
	"403/3":    otherRegion, // this region accepts no writes
	"403/1008": otherRegion, // this region does not have the account
	"404/1003": "404",       // the container does not exist
}

func refused(r *http.Response) *callError {
	ms, _ := strconv.ParseInt(r.Header.Get("x-ms-retry-after-ms"), 10, 32) // 0 if absent
	status, subStatus := strconv.Itoa(r.StatusCode), cmp.Or(r.Header.Get("x-ms-substatus"), "0")
	e := &callError{cause: cause{request, status}, retryAfter: time.Duration(ms) * time.Millisecond}
	code, refined := refinements[status+"/"+subStatus]
	isNotFound, ofDocument := r.StatusCode == http.StatusNotFound, strings.Contains(r.Request.URL.Path, "/docs")
	switch sentinel, ok := sentinels[r.StatusCode]; {
	case refined:
		e.code = code
	case isNotFound && subStatus != "0": // such as 1002, a replica that lags
		e.code, e.wrapped = uncertain, ErrUncertain
	case ok && ofDocument:
		e.text, e.wrapped = sentinel.Error(), sentinel
		return e
	}
	var body struct{ Message string }
	if text, err := runtime.Payload(r); err == nil {
		_ = json.Unmarshal(text, &body) // the response of a proxy may not be JSON
	}
	switch {
	case r.StatusCode != http.StatusForbidden:
	case strings.Contains(body.Message, "firewall"):
		e.code = firewall
	case strings.Contains(body.Message, "not valid at the current time"):
		e.code = skewed
	}
	message, _, _ := strings.Cut(cmp.Or(strings.TrimSpace(body.Message), http.StatusText(r.StatusCode)), "\n")
	e.text = picture.Redact(fmt.Sprintf("Cosmos DB returned %d: %s", r.StatusCode, strings.TrimSpace(message)))
	return e
}

func Explain(err error) *picture.Error {
	var c cause
	var retryAfter time.Duration
	var noToken interface{ NonRetriable() } // azidentity's errors for missing credentials share only this method
	switch e, ok := errors.AsType[*callError](err); {
	case ok:
		c, retryAfter = e.cause, e.retryAfter
	case errors.Is(err, ErrUnreadable):
		c.phase = decode
	case errors.As(err, &noToken):
		c.phase = noCredentials
	}
	e, known := explanations[c]
	if !known {
		e = explanations[cause{}]
	}
	return &picture.Error{Kind: e.kind, Cloud: picture.Azure, Message: e.message, RetryAfter: retryAfter, Err: errors.New(err.Error())}
}

package records

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// The assertion that Entra ID accepts must have this audience and this algorithm
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
const (
	entraAudience    = "api://AzureADTokenExchange"
	entraAlgorithm   = "RS256"
	assertionSeconds = 300 // the role's policy allows no longer lifetime
)

// renewBefore is how long before its expiry a token is renewed.
const renewBefore = 5 * time.Minute

// federation is a credential that signs in to Azure without a key. First, AWS issues an assertion: a token that
// identifies the program's role. Entra ID trusts that role and returns its own token in exchange. Entra ID's token is
// valid for an hour.
//
// azidentity offers a callback that requests the assertion, but an error in this callback would lose its type.
// federation therefore requests the assertion before it calls azidentity, and caches Entra ID's token itself.
type federation struct {
	sts              *sts.Client
	tenantID, client string

	mu    sync.Mutex
	token azcore.AccessToken
}

func newFederation(c Config) (*federation, error) {
	if c.Federation != "aws" {
		return nil, fmt.Errorf("AZURE_FEDERATION is %q: the only supported value is aws", c.Federation)
	}
	if c.TenantID == "" || c.ClientID == "" {
		return nil, errors.New("AZURE_FEDERATION needs AZURE_TENANT_ID and AZURE_CLIENT_ID, the identity that trusts the AWS role")
	}
	f := &federation{sts: sts.NewFromConfig(c.AWS), tenantID: c.TenantID, client: c.ClientID}
	if _, err := f.credential(""); err != nil {
		return nil, fmt.Errorf("preparing to sign in to Azure (AZURE_TENANT_ID, AZURE_AUTHORITY_HOST): %w", err)
	}
	return f, nil
}

// GetToken implements azcore.TokenCredential.
func (f *federation) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Until(f.token.ExpiresOn) > renewBefore && o.Claims == "" { // claims request a token that replaces the cached one
		return f.token, nil
	}
	assertion, err := f.assertion(ctx)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	credential, err := f.credential(assertion)
	if err != nil {
		return azcore.AccessToken{}, err
	}
	token, err := credential.GetToken(ctx, o)
	if refused, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return azcore.AccessToken{}, refusal(refused)
	}
	if err == nil {
		f.token = token
	}
	return token, err
}

func (f *federation) credential(assertion string) (*azidentity.ClientAssertionCredential, error) {
	return azidentity.NewClientAssertionCredential(f.tenantID, f.client,
		func(context.Context) (string, error) { return assertion, nil },
		&azidentity.ClientAssertionCredentialOptions{
			ClientOptions: azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}},
			// Instance discovery asks a third host whether the authority is genuine. The authority is Microsoft's own
			// or comes from a setting, so this is not necessary.
			DisableInstanceDiscovery: true,
		})
}

// assertion requests a token from AWS that identifies the program's role.
func (f *federation) assertion(ctx context.Context) (string, error) {
	response, err := f.sts.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{entraAudience}, SigningAlgorithm: aws.String(entraAlgorithm), DurationSeconds: aws.Int32(assertionSeconds),
	})
	if err == nil {
		return aws.ToString(response.WebIdentityToken), nil
	}
	failed := &SignInError{message: "requesting a token for Azure from AWS: " + err.Error()}
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		failed.Code = refused.ErrorCode()
	}
	return "", failed
}

// SignInError is the error of an attempt to get a token for Azure. It wraps no error, because azcosmos would recognize
// some causes and retry them; see noRetry.
type SignInError struct {
	Code    string // AWS's error code or Entra ID's HTTP status; "" if there was no response
	message string
}

func (e *SignInError) Error() string { return e.message }

func refusal(err *azidentity.AuthenticationFailedError) *SignInError {
	failed := &SignInError{message: "signing in to Azure: " + strings.Join(strings.Fields(err.Error()), " ")}
	if err.RawResponse != nil {
		failed.Code = strconv.Itoa(err.RawResponse.StatusCode)
	}
	return failed
}

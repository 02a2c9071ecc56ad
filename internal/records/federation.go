package records

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// What Entra ID takes: the audience it has for federation, a signature it knows, and no longer than it is needed
// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
const (
	entraAudience  = "api://AzureADTokenExchange"
	entraAlgorithm = "RS256"
	proofSeconds   = 300 // stated because the role is allowed no longer one
)

// federation signs in to Azure without a key: AWS writes a token that says which role this is, and Entra ID, which was
// told to trust that role, gives one of its own for it. That lives an hour and is kept by azidentity.
type federation struct {
	aws   *sts.Client
	azure *azidentity.ClientAssertionCredential
}

func federate(from string) (*federation, error) {
	if from != "aws" {
		return nil, fmt.Errorf("AZURE_FEDERATION is %q: the only identity that can be shown to Azure is that of aws", from)
	}
	tenant, client := os.Getenv("AZURE_TENANT_ID"), os.Getenv("AZURE_CLIENT_ID")
	if tenant == "" || client == "" {
		return nil, errors.New("AZURE_FEDERATION takes AZURE_TENANT_ID and AZURE_CLIENT_ID, the identity that trusts the AWS role")
	}
	role, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	f := &federation{aws: sts.NewFromConfig(role)}
	f.azure, err = azidentity.NewClientAssertionCredential(tenant, client, f.prove,
		&azidentity.ClientAssertionCredentialOptions{
			ClientOptions: azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}},
			// The authority is Microsoft's or a setting, so no one else is asked whether it is one.
			DisableInstanceDiscovery: true,
		})
	if err != nil {
		return nil, fmt.Errorf("preparing to sign in to Azure (AZURE_TENANT_ID, AZURE_AUTHORITY_HOST): %w", err)
	}
	return f, nil
}

// GetToken implements azcore.TokenCredential.
func (f *federation) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	var unproven *SignInError // azidentity would keep no more of it than its text
	token, err := f.azure.GetToken(context.WithValue(ctx, unprovenKey{}, &unproven), o)
	if unproven != nil {
		return azcore.AccessToken{}, unproven
	}
	if refused, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok {
		return azcore.AccessToken{}, refusal(refused)
	}
	return token, err
}

type unprovenKey struct{}

// prove has AWS say, for Azure, who this is.
func (f *federation) prove(ctx context.Context) (string, error) {
	proof, err := f.aws.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{entraAudience}, SigningAlgorithm: aws.String(entraAlgorithm), DurationSeconds: aws.Int32(proofSeconds),
	})
	if err == nil {
		return aws.ToString(proof.WebIdentityToken), nil
	}
	failed := &SignInError{said: "asking AWS for a token that Azure takes: " + err.Error()}
	if answer, ok := errors.AsType[smithy.APIError](err); ok {
		failed.Code = answer.ErrorCode()
	}
	*ctx.Value(unprovenKey{}).(**SignInError) = failed
	return "", failed
}

// SignInError is why there is no token for Azure. It wraps nothing on purpose; see once.
type SignInError struct {
	Code string // AWS's error code or the HTTP status of Entra ID, whichever refused; "" if one of them did not answer
	said string
}

func (e *SignInError) Error() string { return e.said }

func refusal(err *azidentity.AuthenticationFailedError) *SignInError {
	failed := &SignInError{said: "signing in to Azure: " + strings.Join(strings.Fields(err.Error()), " ")}
	if err.RawResponse != nil {
		failed.Code = strconv.Itoa(err.RawResponse.StatusCode)
	}
	return failed
}

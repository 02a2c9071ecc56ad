package records

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"triptych/internal/settings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// AWS issues a token for the program's role, and Entra ID exchanges the AWS token for an Azure token.
type federation struct{ azcore.TokenCredential }

func newFederation(c Config) (federation, error) {
	if c.Federation != "aws" {
		return federation{}, fmt.Errorf("AZURE_FEDERATION is %q: the only supported value is aws", c.Federation)
	}
	if c.TenantID == "" || c.ClientID == "" {
		return federation{}, errors.New("AZURE_FEDERATION needs AZURE_TENANT_ID and AZURE_CLIENT_ID, the identity that trusts the AWS role")
	}
	client := sts.NewFromConfig(c.AWS)
	credential, err := azidentity.NewClientAssertionCredential(c.TenantID, c.ClientID,
		func(ctx context.Context) (string, error) { return assertion(ctx, client) },
		&azidentity.ClientAssertionCredentialOptions{
			ClientOptions:            azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}},
			DisableInstanceDiscovery: true, // instance discovery asks a third host whether the authority is genuine
		})
	if err != nil {
		return federation{}, fmt.Errorf("preparing to sign in to Azure (AZURE_TENANT_ID, AZURE_AUTHORITY_HOST): %w", err)
	}
	return federation{credential}, nil
}

func (f federation) GetToken(ctx context.Context, o policy.TokenRequestOptions) (azcore.AccessToken, error) {
	token, err := f.TokenCredential.GetToken(ctx, o)
	if err == nil {
		return token, nil
	}
	if refusedByAWS, ok := errors.AsType[*callError](err); ok {
		return token, refusedByAWS
	}
	failed := &callError{cause: cause{phase: signingIn}, text: "signing in to Azure: " + strings.Join(strings.Fields(err.Error()), " ")}
	if e, ok := errors.AsType[*azidentity.AuthenticationFailedError](err); ok && e.RawResponse != nil {
		failed.code = strconv.Itoa(e.RawResponse.StatusCode)
	}
	return token, failed
}

func assertion(ctx context.Context, client *sts.Client) (string, error) {
	if _, err := client.Options().Credentials.Retrieve(ctx); err != nil && !settings.CredentialsUnavailable(err) {
		return "", refusedAssertion(refusedRole, err)
	}
	response, err := client.GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		// Entra ID requires RS256 and recommends this audience
		// (https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations).
		Audience: []string{"api://AzureADTokenExchange"}, SigningAlgorithm: aws.String("RS256"),
		DurationSeconds: aws.Int32(300), // the role's policy allows no longer lifetime
	})
	if err == nil {
		return aws.ToString(response.WebIdentityToken), nil
	}
	var code string
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		code = e.ErrorCode()
	}
	return "", refusedAssertion(cmp.Or(stsCodes[code], code), err)
}

// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
var stsCodes = map[string]string{
	"AccessDeniedException": "AccessDenied",
	"ExpiredToken":          refusedRole,
	"ExpiredTokenException": refusedRole,
	"InvalidClientTokenId":  refusedRole,
	"SignatureDoesNotMatch": refusedRole, // also the answer to a wrong clock
	"IncompleteSignature":   refusedRole,
}

func refusedAssertion(code string, err error) *callError {
	return &callError{
		cause: cause{signingIn, code}, text: "requesting a token for Azure from AWS: " + strings.Join(strings.Fields(err.Error()), " "),
		wrapped: &azidentity.AuthenticationFailedError{}, // azidentity returns only errors of this type unchanged
	}
}

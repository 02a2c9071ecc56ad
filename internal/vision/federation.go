package vision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials/externalaccount"
	"github.com/aws/aws-sdk-go-v2/aws"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	visionScope      = "https://www.googleapis.com/auth/cloud-vision" // the token is valid for Vision only
	subjectTokenType = "urn:ietf:params:aws:token-type:aws4_request"  // a signed AWS request proves the role
)

// signInTimeout limits each of the two requests for a token, which is valid for an hour.
const signInTimeout = 10 * time.Second

// federated returns Google credentials for the program's AWS role. c.CredentialsConfig is a credential configuration of
// type external_account (https://google.aip.dev/auth/4117). It contains no secret.
func federated(c Config) (*auth.Credentials, error) {
	var file struct {
		Type             string `json:"type"`
		Audience         string `json:"audience"`
		SubjectTokenType string `json:"subject_token_type"`
		TokenURL         string `json:"token_url"`
		Impersonate      string `json:"service_account_impersonation_url"`
	}
	if err := json.Unmarshal([]byte(c.CredentialsConfig), &file); err != nil {
		return nil, fmt.Errorf("GOOGLE_CREDENTIALS_CONFIG is not the JSON of a credential configuration: %w", err)
	}
	if file.Type != "external_account" || file.SubjectTokenType != subjectTokenType {
		return nil, fmt.Errorf("GOOGLE_CREDENTIALS_CONFIG must have the type external_account and the subject token type %s, because the worker signs in with its AWS role", subjectTokenType)
	}
	credentials, err := externalaccount.NewCredentials(&externalaccount.Options{
		Audience: file.Audience, SubjectTokenType: file.SubjectTokenType, TokenURL: file.TokenURL,
		ServiceAccountImpersonationURL: file.Impersonate, Scopes: []string{visionScope},
		AwsSecurityCredentialsProvider: awsRole{c.AWS},
		Client:                         &http.Client{Timeout: signInTimeout, Transport: refusalTransport{http.DefaultTransport}},
	})
	if err != nil {
		return nil, fmt.Errorf("reading GOOGLE_CREDENTIALS_CONFIG: %w", err)
	}
	return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: signIn{credentials}}), nil
}

// awsRole is the source of the worker's AWS credentials. Google's library finds the role of an EC2 instance but not the
// role of an ECS task (https://github.com/googleapis/google-cloud-go/issues/13479). awsRole uses AWS's default chain,
// which finds both.
type awsRole struct{ aws.Config }

// AwsRegion implements externalaccount.AwsSecurityCredentialsProvider.
func (r awsRole) AwsRegion(context.Context, *externalaccount.RequestOptions) (string, error) {
	if r.Region == "" {
		return "", &refusal{noCredentials, "AWS_REGION is not set"}
	}
	return r.Region, nil
}

// AwsSecurityCredentials implements externalaccount.AwsSecurityCredentialsProvider.
func (r awsRole) AwsSecurityCredentials(ctx context.Context, _ *externalaccount.RequestOptions) (*externalaccount.AwsSecurityCredentials, error) {
	found, err := r.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, &refusal{noCredentials, err.Error()}
	}
	return &externalaccount.AwsSecurityCredentials{
		AccessKeyID: found.AccessKeyID, SecretAccessKey: found.SecretAccessKey, SessionToken: found.SessionToken,
	}, nil
}

// refusal is the error of a request for a token that Google or AWS refused, or that could not be sent because there are
// no AWS credentials.
type refusal struct {
	code    string // noCredentials or an HTTP status
	message string
}

func (r *refusal) Error() string { return r.message }

// refusalTransport is an HTTP transport that returns a refused token request as an error of type refusal. The error
// contains the HTTP status, which Google's library would convert to text.
type refusalTransport struct{ next http.RoundTripper }

func (t refusalTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(req)
	if err != nil || res.StatusCode < 400 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
		return res, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<10))
	if err != nil {
		return nil, err
	}
	return nil, &refusal{strconv.Itoa(res.StatusCode), fmt.Sprintf("%s returned %s: %s", req.URL.Host, res.Status, strings.Join(strings.Fields(string(body)), " "))}
}

// signInDomain is the ErrorInfo domain of errors that occurred before the call to Vision.
const signInDomain = "sign-in"

// signIn is a token provider that returns its errors as gRPC statuses. gRPC would change any other error of a token
// provider.
type signIn struct{ auth.TokenProvider }

// Token implements auth.TokenProvider.
func (s signIn) Token(ctx context.Context) (*auth.Token, error) {
	token, err := s.TokenProvider.Token(ctx)
	if err == nil {
		return token, nil
	}
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return nil, status.Error(codes.Unavailable, "signing in to Google: "+err.Error())
	}
	failed, err := status.New(codes.Unauthenticated, "signing in to Google: "+refused.message).
		WithDetails(&errdetails.ErrorInfo{Domain: signInDomain, Reason: refused.code})
	if err != nil {
		return nil, fmt.Errorf("signing in to Google: %w", refused)
	}
	return nil, failed.Err()
}

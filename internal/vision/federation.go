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
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const subjectTokenType = "urn:ietf:params:aws:token-type:aws4_request"

// GOOGLE_CREDENTIALS_CONFIG contains no secret. Its format: https://google.aip.dev/auth/4117
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
		ServiceAccountImpersonationURL: file.Impersonate, Scopes: []string{"https://www.googleapis.com/auth/cloud-vision"}, // Vision only
		AwsSecurityCredentialsProvider: awsRole{c.AWS},
		Client:                         &http.Client{Timeout: 10 * time.Second, Transport: refusalTransport{}}, // for each of the two requests
	})
	if err != nil {
		return nil, fmt.Errorf("reading GOOGLE_CREDENTIALS_CONFIG: %w", err)
	}
	return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: signIn{credentials}}), nil
}

// awsRole uses the AWS SDK, because Google's own library does not find the role of an ECS task
// (https://github.com/googleapis/google-cloud-go/issues/13479).
type awsRole struct{ aws.Config }

func (r awsRole) AwsRegion(context.Context, *externalaccount.RequestOptions) (string, error) {
	if r.Region == "" {
		return "", &refusal{noCredentials, "AWS_REGION is not set"}
	}
	return r.Region, nil
}

func (r awsRole) AwsSecurityCredentials(ctx context.Context, _ *externalaccount.RequestOptions) (*externalaccount.AwsSecurityCredentials, error) {
	found, err := r.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, &refusal{noCredentials, err.Error()}
	}
	return &externalaccount.AwsSecurityCredentials{
		AccessKeyID: found.AccessKeyID, SecretAccessKey: found.SecretAccessKey, SessionToken: found.SessionToken,
	}, nil
}

type refusal struct {
	code    string // noCredentials or an HTTP status
	message string
}

func (r *refusal) Error() string { return "signing in to Google: " + r.message }

// Without GRPCStatus, gRPC would replace a *refusal with an error of its own.
func (r *refusal) GRPCStatus() *status.Status { return status.New(codes.Unauthenticated, r.Error()) }

// refusalTransport keeps the HTTP status of a refused token request, which the library's error does not contain.
type refusalTransport struct{}

func (refusalTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil || res.StatusCode < 400 || res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
		return res, err
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10)) // for the message only
	return nil, &refusal{strconv.Itoa(res.StatusCode), fmt.Sprintf("%s returned %s: %s", req.URL.Host, res.Status, strings.Join(strings.Fields(string(body)), " "))}
}

type signIn struct{ auth.TokenProvider }

func (s signIn) Token(ctx context.Context) (*auth.Token, error) {
	token, err := s.TokenProvider.Token(ctx)
	if refused, ok := errors.AsType[*refusal](err); ok {
		return nil, refused
	}
	if err != nil {
		return nil, status.Error(codes.Unavailable, "signing in to Google: "+err.Error())
	}
	return token, nil
}

package activities

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
	"github.com/aws/aws-sdk-go-v2/config"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	visionScope = "https://www.googleapis.com/auth/cloud-vision" // the worker's token opens nothing else
	callerProof = "urn:ietf:params:aws:token-type:aws4_request"  // what AWS's kind of provider takes
)

// signInTimeout bounds each of the two questions that a token takes; a token is good for an hour.
const signInTimeout = 10 * time.Second

// federated makes credentials of Google's from the worker's AWS role and from setting, which is a credential
// configuration as Google writes it (external_account, https://google.aip.dev/auth/4117). It holds no secret.
func federated(ctx context.Context, setting string) (*auth.Credentials, error) {
	var file struct {
		Type             string `json:"type"`
		Audience         string `json:"audience"`
		SubjectTokenType string `json:"subject_token_type"`
		TokenURL         string `json:"token_url"`
		Impersonate      string `json:"service_account_impersonation_url"`
	}
	if err := json.Unmarshal([]byte(setting), &file); err != nil {
		return nil, fmt.Errorf("GOOGLE_CREDENTIALS_CONFIG is not the JSON of a credential configuration: %w", err)
	}
	if file.Type != "external_account" || file.SubjectTokenType != callerProof {
		return nil, fmt.Errorf("GOOGLE_CREDENTIALS_CONFIG must be of type external_account and of subject token type %s, for the worker shows Google its AWS role", callerProof)
	}
	role, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	credentials, err := externalaccount.NewCredentials(&externalaccount.Options{
		Audience: file.Audience, SubjectTokenType: file.SubjectTokenType, TokenURL: file.TokenURL,
		ServiceAccountImpersonationURL: file.Impersonate, Scopes: []string{visionScope},
		AwsSecurityCredentialsProvider: awsRole{role},
		Client:                         &http.Client{Timeout: signInTimeout, Transport: refusing{http.DefaultTransport}},
	})
	if err != nil {
		return nil, fmt.Errorf("reading GOOGLE_CREDENTIALS_CONFIG: %w", err)
	}
	return auth.NewCredentials(&auth.CredentialsOptions{TokenProvider: signIn{credentials}}), nil
}

// awsRole is what the worker shows Google. Google's own library finds the role of an EC2 machine but not that of an ECS
// task (https://github.com/googleapis/google-cloud-go/issues/13479); AWS's default chain finds any.
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

// refusal is why there is no token, by its row in answers.
type refusal struct{ code, said string }

func (r *refusal) Error() string { return r.said }

// refusing turns a refused token into an error that still knows the status; Google's library makes a text of it.
type refusing struct{ next http.RoundTripper }

func (r refusing) RoundTrip(question *http.Request) (*http.Response, error) {
	reply, err := r.next.RoundTrip(question)
	if err != nil || reply.StatusCode < 400 || reply.StatusCode == http.StatusTooManyRequests || reply.StatusCode >= 500 {
		return reply, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(io.LimitReader(reply.Body, 4<<10))
	if err != nil {
		return nil, err
	}
	return nil, &refusal{strconv.Itoa(reply.StatusCode), fmt.Sprintf("%s answers %s: %s", question.URL.Host, reply.Status, strings.Join(strings.Fields(string(body)), " "))}
}

// signIn marks what went wrong before Vision was asked, in the one form that passes through gRPC whole: a status.
type signIn struct{ auth.TokenProvider }

func (s signIn) Token(ctx context.Context) (*auth.Token, error) {
	token, err := s.TokenProvider.Token(ctx)
	if err == nil {
		return token, nil
	}
	refused, ok := errors.AsType[*refusal](err)
	if !ok {
		return nil, status.Error(codes.Unavailable, "signing in to Google: "+err.Error())
	}
	failed, err := status.New(codes.Unauthenticated, "signing in to Google: "+refused.said).
		WithDetails(&errdetails.ErrorInfo{Domain: signingIn, Reason: refused.code})
	if err != nil {
		return nil, fmt.Errorf("signing in to Google: %w", refused)
	}
	return nil, failed.Err()
}

package main

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
)

var ecrHost = regexp.MustCompile(`^\d{12}\.dkr\.ecr\.([a-z0-9-]+)\.amazonaws\.com$`)

// For registries other than ECR, ecrKeychain returns no credentials, so that the credentials of `docker login` are
// used.
type ecrKeychain struct{ ctx context.Context }

// Resolve implements authn.Keychain.
func (k ecrKeychain) Resolve(registry authn.Resource) (authn.Authenticator, error) {
	host := ecrHost.FindStringSubmatch(registry.RegistryStr())
	if host == nil {
		return authn.Anonymous, nil
	}
	cfg, err := config.LoadDefaultConfig(k.ctx, config.WithRegion(host[1]))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	response, err := ecr.NewFromConfig(cfg).GetAuthorizationToken(k.ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return nil, fmt.Errorf("requesting access to %s from AWS: %w", registry, err)
	}
	if len(response.AuthorizationData) == 0 {
		return nil, errors.New("AWS returned no credentials for " + registry.String())
	}
	decoded, err := base64.StdEncoding.DecodeString(aws.ToString(response.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return nil, fmt.Errorf("decoding the credentials for %s: %w", registry, err)
	}
	user, password, _ := strings.Cut(string(decoded), ":")
	return &authn.Basic{Username: user, Password: password}, nil
}

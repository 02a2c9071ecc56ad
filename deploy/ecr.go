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

// ecrKeychain opens AWS's registry to whoever has AWS credentials for it. Other registries are docker login's.
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
	answer, err := ecr.NewFromConfig(cfg).GetAuthorizationToken(k.ctx, &ecr.GetAuthorizationTokenInput{})
	if err != nil {
		return nil, fmt.Errorf("asking AWS for access to %s: %w", registry, err)
	}
	if len(answer.AuthorizationData) == 0 {
		return nil, errors.New("AWS gave no access to " + registry.String())
	}
	plain, err := base64.StdEncoding.DecodeString(aws.ToString(answer.AuthorizationData[0].AuthorizationToken))
	if err != nil {
		return nil, fmt.Errorf("reading AWS's access to %s: %w", registry, err)
	}
	user, password, _ := strings.Cut(string(plain), ":")
	return &authn.Basic{Username: user, Password: password}, nil
}

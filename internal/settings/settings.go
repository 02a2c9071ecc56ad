// Package settings reads a process's settings from its environment, over which the parameters of AWS
// Systems Manager are laid where TRIPTYCH_SSM_PATH says so: no key to another cloud lies in a Lambda's
// configuration or in an image. It never writes a setting anywhere and never prints a value.
package settings

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// Load lays every parameter directly under TRIPTYCH_SSM_PATH over the environment, /name/worker/COSMOS_KEY as
// COSMOS_KEY, so that each cloud's own SDK finds its own variables: all of them or, if it fails, none. Without that
// path it does nothing. AWS's SDK asks again when SSM is busy.
func Load(ctx context.Context) error {
	under := strings.TrimSuffix(os.Getenv("TRIPTYCH_SSM_PATH"), "/")
	if under == "" {
		return nil
	}
	found, err := read(ctx, under)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("SSM has no settings under %s: check TRIPTYCH_SSM_PATH and AWS_REGION", under)
	}
	for _, p := range found {
		if err := os.Setenv(path.Base(aws.ToString(p.Name)), aws.ToString(p.Value)); err != nil {
			return fmt.Errorf("laying %s over the environment: %w", aws.ToString(p.Name), err)
		}
	}
	return nil
}

// read decrypts what lies under a path.
func read(ctx context.Context, under string) ([]types.Parameter, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	var found []types.Parameter
	pages := ssm.NewGetParametersByPathPaginator(ssm.NewFromConfig(cfg), &ssm.GetParametersByPathInput{
		Path: &under, WithDecryption: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if refused, ok := errors.AsType[smithy.APIError](err); ok && refused.ErrorCode() == "AccessDeniedException" {
			return nil, fmt.Errorf("AWS does not let this role read its settings: allow it ssm:GetParametersByPath on %s, and to decrypt with their key: %w", under, err)
		}
		if err != nil {
			return nil, fmt.Errorf("reading the settings under %s in SSM: %w", under, err)
		}
		found = append(found, page.Parameters...)
	}
	return found, nil
}

// Require fails with one sentence that names every variable of names that is empty.
func Require(names ...string) error {
	var missing []string
	for _, name := range names {
		if os.Getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return errors.New("set " + strings.Join(missing, ", ") + " (or start everything with: go run ./local)")
}

// Package settings reads the settings of a program: the environment variables, and from them the configurations of Temporal
// and AWS. Parameters of AWS Systems Manager override variables, so that Lambda configurations and container images contain
// no keys. AWS credentials are renewed before they expire. The package does not log the values.
package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

type Settings struct {
	Getenv   func(string) string // os.Getenv, after the override
	Temporal client.Options      // from the TEMPORAL_* variables
	AWS      aws.Config          // from the AWS_* variables
}

// ErrSSM marks the errors of reading SSM, which may need minutes to apply a new permission.
var ErrSSM = errors.New("reading the settings in SSM")

// While Lambda freezes a function, the network may drop its connection to Temporal without notice. The SDK's default of
// 15 s is longer than its requests wait (10 s), so the first request after the freeze would fail.
const lambdaKeepAliveTimeout = 2 * time.Second

// Only main packages may call Load, because Load changes the environment of the process.
func Load(ctx context.Context) (Settings, error) {
	if err := override(ctx); err != nil {
		return Settings{}, err
	}
	temporal, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return Settings{}, fmt.Errorf("reading the TEMPORAL_* settings: %w", err)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Settings{}, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if cache, ok := cfg.Credentials.(*aws.CredentialsCache); ok {
		cfg.Credentials = &renewing{cache: cache}
	}
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") != "" {
		temporal.ConnectionOptions.KeepAliveTimeout = lambdaKeepAliveTimeout
	}
	return Settings{os.Getenv, temporal, cfg}, nil
}

// override copies parameters of SSM to the environment, but only if it can read all of them.
func override(ctx context.Context) error {
	paths := os.Getenv("TRIPTYCH_SSM_PATH")
	if paths == "" {
		return nil
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading the AWS configuration: %w", err)
	}
	values := map[string]string{}
	for root := range strings.SplitSeq(paths, ",") {
		if err := read(ctx, ssm.NewFromConfig(cfg), strings.TrimSuffix(root, "/"), values); err != nil {
			return err
		}
	}
	for name, value := range values {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("setting the environment variable %s: %w", name, err)
		}
	}
	return nil
}

func read(ctx context.Context, store *ssm.Client, root string, values map[string]string) error {
	found := 0
	pages := ssm.NewGetParametersByPathPaginator(store, &ssm.GetParametersByPathInput{
		Path: &root, WithDecryption: aws.Bool(true),
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("%w (the role needs ssm:GetParametersByPath on %s, and decryption with their key): %w", ErrSSM, root, err)
		}
		for _, p := range page.Parameters {
			values[path.Base(aws.ToString(p.Name))] = aws.ToString(p.Value)
		}
		found += len(page.Parameters)
	}
	if found == 0 {
		return fmt.Errorf("%w: none exist under %s; check TRIPTYCH_SSM_PATH and AWS_REGION", ErrSSM, root)
	}
	return nil
}

// A signed URL expires with the credentials that signed it, so credentials are renewed early.
const renewBefore = 2 * time.Minute

// If a renewal fails, the old credentials are used until they expire.
type renewing struct {
	cache    *aws.CredentialsCache
	expiring atomic.Pointer[aws.Credentials]
}

func (r *renewing) Retrieve(ctx context.Context) (aws.Credentials, error) {
	current, err := r.cache.Retrieve(ctx)
	if err == nil && current.CanExpire && time.Until(current.Expires) <= renewBefore {
		expiring := current
		r.expiring.Store(&expiring)
		r.cache.Invalidate()
		current, err = r.cache.Retrieve(ctx)
	}
	if old := r.expiring.Load(); err != nil && old != nil && !old.Expired() {
		return *old, nil
	}
	return current, err
}

func (s Settings) Require(names ...string) error {
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return s.Getenv(name) != "" })
	if len(missing) == 0 {
		return nil
	}
	return errors.New("set " + strings.Join(missing, ", ") + " (or start everything with: go run ./local)")
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)

// Bucket returns the name of the bucket with the pictures.
func (s Settings) Bucket() (string, error) {
	if bucket := s.Getenv("TRIPTYCH_BUCKET"); bucketName.MatchString(bucket) {
		return bucket, nil
	}
	return "", errors.New("TRIPTYCH_BUCKET must be the name of a bucket, such as my-pictures: 3 to 63 characters of a-z, 0-9, - and ., not an ARN or a URL")
}

// CredentialsUnavailable reports whether the server that gives AWS credentials does not work at the moment. With any other error, the
// program has none.
func CredentialsUnavailable(err error) bool {
	response, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err)
	return errors.Is(err, context.DeadlineExceeded) || ok && (response.HTTPStatusCode() >= 500 || response.HTTPStatusCode() == http.StatusTooManyRequests)
}

// IsOrigin reports whether s has the form http(s)://host[:port].
func IsOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && strings.EqualFold(s, u.Scheme+"://"+u.Host)
}

var regionName = regexp.MustCompile(`^[a-z0-9-]+$`)

// CheckRegion refuses a region with which the AWS SDK cannot make the address of the bucket.
func (s Settings) CheckRegion() error {
	if s.AWS.Region == "" { // it may also come from the AWS configuration file
		return errors.New("set AWS_REGION to the region of the bucket, such as eu-central-1")
	}
	if !regionName.MatchString(s.AWS.Region) {
		return errors.New("AWS_REGION must be the region of the bucket, such as eu-central-1, of a-z, 0-9 and -")
	}
	return nil
}

func (s Settings) AnnotationsPerSecond() (float64, error) {
	n, err := strconv.ParseFloat(s.Getenv("TRIPTYCH_ANNOTATIONS_PER_SECOND"), 64)
	if err != nil || !(n > 0) { // also refuses NaN
		return 0, errors.New("TRIPTYCH_ANNOTATIONS_PER_SECOND must be a number above 0, such as 0.1 or 30")
	}
	return n, nil
}

func (s Settings) AnnotationsPerDay() (int, error) {
	n, err := strconv.ParseUint(cmp.Or(s.Getenv("TRIPTYCH_ANNOTATIONS_PER_DAY"), "1000"), 10, 31)
	if err != nil {
		return 0, errors.New("TRIPTYCH_ANNOTATIONS_PER_DAY must be a whole number from 0 to 2147483647, such as 1000; 0 disables annotation")
	}
	return int(n), nil
}

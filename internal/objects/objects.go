// Package objects reaches the pictures in S3: it opens the client and signs the URLs they can be seen by.
// It never writes an object and never makes one public.
package objects

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/picture"
)

// Open makes a client from AWS's own settings. Retries are Temporal's and the browser's business, not
// the SDK's. An endpoint of one's own (AWS_ENDPOINT_URL_S3) is addressed by path, for it rarely has a
// host name per bucket.
func Open(ctx context.Context) (*s3.Client, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(func() aws.Retryer { return aws.NopRetryer{} }))
	if err != nil {
		return nil, fmt.Errorf("reading the AWS configuration: %w", err)
	}
	if cache, ok := cfg.Credentials.(*aws.CredentialsCache); ok {
		cfg.Credentials = renewing{cache, new(atomic.Pointer[aws.Credentials])}
	}
	return s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil }), nil
}

// SignGet signs a URL that shows exactly this object version to whoever holds it, for ttl or for as long as
// the credentials that signed it live, whichever is shorter.
func SignGet(ctx context.Context, client *s3.Client, p picture.Picture, ttl time.Duration) (string, time.Time, error) {
	now := time.Now()
	credentials, err := client.Options().Credentials.Retrieve(ctx)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("finding AWS credentials: %w", err)
	}
	if credentials.CanExpire {
		ttl = min(ttl, credentials.Expires.Sub(now))
	}
	in := &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key}
	if p.VersionID != "" {
		in.VersionId = &p.VersionID
	}
	signed, err := s3.NewPresignClient(client).PresignGetObject(ctx, in, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("signing the URL of picture %s: %w", p.ID.Redacted(), err)
	}
	return signed.URL, now.Add(ttl), nil
}

// Package objects opens S3 clients, lists buckets, presigns URLs and translates S3's errors. The AWS SDK's own retries are off.
package objects

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"triptych/internal/telemetry"
	"triptych/picture"
)

// Most custom endpoints have no DNS name per bucket, so Open uses path-style URLs for a custom endpoint.
func Open(cfg aws.Config) *s3.Client {
	cfg = cfg.Copy()
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return s3.NewFromConfig(cfg, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil
		o.HTTPClient = telemetry.Client{Service: "S3", Next: o.HTTPClient}
	})
}

// A Lister lists objects with any key. It requests encoded keys, because XML cannot contain all characters, and decodes them, because
// the SDK does not (github.com/aws/aws-sdk-go-v2/issues/1676).
type Lister struct{ Client *s3.Client }

// ListObjectsV2 implements s3.ListObjectsV2APIClient. Only the keys of the objects are decoded.
func (l Lister) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input, options ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	encoded := *in
	encoded.EncodingType = types.EncodingTypeUrl
	page, err := l.Client.ListObjectsV2(ctx, &encoded, options...)
	if err != nil || page.EncodingType != types.EncodingTypeUrl { // some compatible servers do not encode
		return page, err
	}
	for i := range page.Contents {
		key, err := url.QueryUnescape(aws.ToString(page.Contents[i].Key))
		if err != nil {
			return nil, fmt.Errorf("decoding a key in the list of %s: %w", aws.ToString(in.Bucket), err)
		}
		page.Contents[i].Key = &key
	}
	return page, nil
}

// ErrNoCredentials means that AWS credentials are missing or expired.
var ErrNoCredentials = errors.New("finding AWS credentials")

// SignGet returns a presigned URL and its expiry, which is never later than the expiry of the AWS credentials.
func SignGet(ctx context.Context, client *s3.Client, p picture.Picture, ttl time.Duration) (string, time.Time, error) {
	now := time.Now()
	credentials, err := client.Options().Credentials.Retrieve(ctx)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("%w: %w", ErrNoCredentials, err)
	}
	if credentials.CanExpire {
		ttl = min(ttl, credentials.Expires.Sub(now))
	}
	if ttl <= 0 {
		return "", time.Time{}, fmt.Errorf("%w: they expired at %s", ErrNoCredentials, credentials.Expires.Format(time.RFC3339))
	}
	// The signed URL overrides the response headers that the uploader could have chosen.
	in := &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key, ResponseCacheControl: aws.String("no-store"),
		ResponseContentDisposition: aws.String("inline"), ResponseContentEncoding: aws.String("identity"),
		ResponseContentLanguage: aws.String("und"), ResponseExpires: aws.Time(time.Unix(0, 0))}
	if _, contentType, err := picture.ParseKey(p.Key); err == nil {
		in.ResponseContentType = &contentType
	}
	if p.VersionID != "" {
		in.VersionId = &p.VersionID
	}
	signed, err := s3.NewPresignClient(client).PresignGetObject(ctx, in, s3.WithPresignExpires(ttl))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("signing the URL of picture %s: %w", p.ID, err)
	}
	return signed.URL, now.Add(ttl), nil
}

package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"mime"
	"path"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cloudfronttypes "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"triptych/deploy/page"
)

// A changed file keeps its name, so browsers must check every file for changes. The program `web` sends the same
// header.
const revalidate = "no-cache"

const frontPage = "index.html"

// publish also deletes every object in the bucket that is not a file of the page.
func publish(ctx context.Context, site fs.FS, bucket, distribution string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading the AWS configuration: %w", err)
	}
	// Unlike objects.Open, this client retries, because nothing else would.
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = o.BaseEndpoint != nil })
	names, err := listFiles(site)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := upload(ctx, client, site, bucket, name); err != nil {
			return err
		}
	}
	if err := prune(ctx, client, bucket, names); err != nil {
		return err
	}
	return invalidate(ctx, distribution)
}

// The last file is index.html, so that uploads in this order never publish a link to a missing file.
func listFiles(site fs.FS) ([]string, error) {
	var names []string
	err := fs.WalkDir(site, ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && name != frontPage {
			names = append(names, name)
		}
		return err
	})
	if err == nil {
		_, err = fs.Stat(site, frontPage)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the page: %w", err)
	}
	return append(names, frontPage), nil
}

func upload(ctx context.Context, client *s3.Client, site fs.FS, bucket, name string) error {
	content, err := fs.ReadFile(site, name)
	if err != nil {
		return fmt.Errorf("reading the page: %w", err)
	}
	if content, err = page.Minify(name, content); err != nil {
		return err
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		return fmt.Errorf("%s has an extension without a known media type", name)
	}
	_, err = client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: &bucket, Key: &name, Body: bytes.NewReader(content), ContentType: &kind, CacheControl: aws.String(revalidate),
	})
	if err != nil {
		return fmt.Errorf("copying %s to %s: %w", name, bucket, err)
	}
	return nil
}

func prune(ctx context.Context, client *s3.Client, bucket string, keep []string) error {
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		listed, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("listing %s: %w", bucket, err)
		}
		for _, object := range listed.Contents {
			if slices.Contains(keep, aws.ToString(object.Key)) {
				continue
			}
			if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: object.Key}); err != nil {
				return fmt.Errorf("deleting %s from %s: %w", aws.ToString(object.Key), bucket, err)
			}
		}
	}
	return nil
}

func invalidate(ctx context.Context, distribution string) error {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return fmt.Errorf("reading the AWS configuration: %w", err)
	}
	_, err = cloudfront.NewFromConfig(cfg).CreateInvalidation(ctx, &cloudfront.CreateInvalidationInput{
		DistributionId: &distribution,
		InvalidationBatch: &cloudfronttypes.InvalidationBatch{
			CallerReference: aws.String(time.Now().UTC().Format(time.RFC3339Nano)),
			Paths:           &cloudfronttypes.Paths{Quantity: aws.Int32(1), Items: []string{"/*"}},
		},
	})
	if err != nil {
		return fmt.Errorf("invalidating the CloudFront distribution %s: %w", distribution, err)
	}
	return nil
}

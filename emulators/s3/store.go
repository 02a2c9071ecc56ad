package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/versity/versitygw/auth"
	"github.com/versity/versitygw/backend"
	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
	"github.com/versity/versitygw/s3api"
	"github.com/versity/versitygw/s3err"
)

// grantHeaders are what a browser sets on an upload that web has granted.
var grantHeaders = []auth.CORSHeader{"content-type", "if-none-match", "x-amz-checksum-sha256"}

// store keeps objects as plain files.
type store struct {
	backend.Backend
	objects    string // directory of the current versions
	attributes meta.MetadataStorer
}

func openStore(dir string) (*store, error) {
	dir, err := filepath.Abs(dir) // posix.New changes the working directory
	if err != nil {
		return nil, fmt.Errorf("find the directory: %w", err)
	}
	s := &store{objects: filepath.Join(dir, "objects")}
	options := posix.PosixOpts{VersioningDir: filepath.Join(dir, "versions"), CopyObjectThreshold: 5 << 30}
	for _, d := range []string{s.objects, options.VersioningDir} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("make the directories of S3: %w", err)
		}
	}
	s.attributes, options.SideCarDir, err = openAttributes(s.objects, filepath.Join(dir, "attributes"))
	if err != nil {
		return nil, err
	}
	s.Backend, err = posix.New(s.objects, s.attributes, options)
	if err != nil {
		return nil, fmt.Errorf("open the objects: %w", err)
	}
	return s, nil
}

// openAttributes keeps ETags, types and versions in extended attributes, which appear and vanish with the
// object itself. Where the file system has none, or had none when the directory was first used, they are
// files in dir; forget mends what these leave behind.
func openAttributes(objects, dir string) (storer meta.MetadataStorer, used string, err error) {
	const probe = "probe"
	var extended meta.XattrMeta
	_, err = os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) && extended.StoreAttribute(nil, objects, "", probe, []byte(probe)) == nil {
		return extended, "", extended.DeleteAttribute(objects, "", probe)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("make the directory of the objects' attributes: %w", err)
	}
	sidecar, err := meta.NewSideCar(dir)
	if err != nil {
		return nil, "", fmt.Errorf("open the objects' attributes: %w", err)
	}
	return sidecar, dir, nil
}

// prepare makes the bucket what it must be, whatever it was; also when its creation was cut short.
func (s *store) prepare(ctx context.Context, bucket, owner string, origins []string) error {
	acl, err := json.Marshal(auth.ACL{Owner: owner})
	if err != nil {
		return fmt.Errorf("write the bucket's owner: %w", err)
	}
	const ownership = types.ObjectOwnershipBucketOwnerEnforced
	_, err = s.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	if answer, ok := errors.AsType[s3err.S3Error](err); ok && answer.StatusCode() == 404 {
		err = s.CreateBucket(ctx, &s3.CreateBucketInput{
			Bucket: &bucket, ObjectOwnership: ownership, CreateBucketConfiguration: &types.CreateBucketConfiguration{},
		}, acl)
	}
	if err != nil {
		return fmt.Errorf("create bucket %q: %w", bucket, err)
	}
	if err := s.PutBucketAcl(ctx, bucket, acl); err != nil {
		return fmt.Errorf("set the owner of bucket %q: %w", bucket, err)
	}
	if err := s.PutBucketOwnershipControls(ctx, bucket, ownership); err != nil {
		return fmt.Errorf("switch off ACLs of bucket %q: %w", bucket, err)
	}
	if err := s.PutBucketVersioning(ctx, bucket, types.BucketVersioningStatusEnabled); err != nil {
		return fmt.Errorf("switch on versions of bucket %q: %w", bucket, err)
	}
	return s.allow(ctx, bucket, origins)
}

// allow lets pages of these origins, and no others, use URLs that web has signed.
func (s *store) allow(ctx context.Context, bucket string, origins []string) error {
	maxAge := int32(3600)
	rule := auth.CORSRule{
		AllowedMethods: []auth.CORSHTTPMethod{"PUT", "GET", "HEAD"},
		AllowedHeaders: grantHeaders,
		ExposeHeaders:  []auth.CORSHeader{"ETag"},
		MaxAgeSeconds:  &maxAge,
	}
	for _, o := range origins {
		rule.AllowedOrigins = append(rule.AllowedOrigins, auth.CORSOrigin(o))
	}
	cors := auth.CORSConfiguration{Rules: []auth.CORSRule{rule}}
	if err := cors.Validate(); err != nil {
		return fmt.Errorf("allow origins %q: %w", origins, err)
	}
	doc, err := xml.Marshal(cors)
	if err != nil {
		return fmt.Errorf("write the CORS rules: %w", err)
	}
	if err := s.PutBucketCors(ctx, bucket, doc); err != nil {
		return fmt.Errorf("set the CORS rules of bucket %q: %w", bucket, err)
	}
	return nil
}

// serve answers S3 requests until ctx ends.
func serve(ctx context.Context, be backend.Backend, s settings) error {
	err := embedgw.RunVersityGW(ctx, be, &embedgw.Config{
		RootUserAccess: s.accessKey, RootUserSecret: s.secretKey, Region: s.region,
		Ports: []string{s.addr}, HealthPath: "/healthz",
		MaxConnections: 1024, MaxRequests: 512, MultipartMaxParts: 10000,
		KeepAlive: true, Quiet: true,
		S3Options: []s3api.Option{s3api.WithOnListen(func() { slog.Info("S3 is ready", "address", s.addr, "bucket", s.bucket) })},
	})
	if err != nil {
		return fmt.Errorf("serve S3 on %s: %w", s.addr, err)
	}
	return nil
}

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
	"github.com/versity/versitygw/s3api/controllers"
	"github.com/versity/versitygw/s3err"
)

// CORS must allow the headers that a browser sends to a presigned URL.
var grantHeaders = []auth.CORSHeader{"content-type", "if-none-match", "x-amz-checksum-sha256"}

// openStore changes the working directory of the process, so dir must be absolute.
func openStore(dir string) (_ *store, err error) {
	s := &store{objects: filepath.Join(dir, "objects"), versions: filepath.Join(dir, "versions")}
	options := posix.PosixOpts{VersioningDir: s.versions, CopyObjectThreshold: 5 << 30}
	options.SetNewFilePerm(0o600) // versitygw ignores the umask of the process
	options.SetNewDirPerm(0o700)
	for _, d := range []string{s.objects, s.versions} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("creating the directories of S3: %w", err)
		}
	}
	s.attributes, options.SideCarDir, err = openAttributes(s.objects, filepath.Join(dir, "attributes"))
	if err != nil {
		return nil, err
	}
	s.sidecar = options.SideCarDir != ""
	s.Backend, err = posix.New(s.objects, s.attributes, options)
	if err != nil {
		return nil, fmt.Errorf("opening the objects: %w", err)
	}
	return s, nil
}

func openAttributes(objects, dir string) (storer meta.MetadataStorer, used string, err error) {
	const probe = "probe"
	var extended meta.XattrMeta
	_, err = os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) && extended.StoreAttribute(nil, objects, "", probe, []byte(probe)) == nil {
		return extended, "", extended.DeleteAttribute(objects, "", probe)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("creating the directory of the attributes: %w", err)
	}
	sidecar, err := meta.NewSideCar(dir)
	if err != nil {
		return nil, "", fmt.Errorf("opening the attributes: %w", err)
	}
	return sidecar, dir, nil
}

// An existing bucket is configured too, because an earlier process may have been killed before it configured the
// bucket.
func (s *store) prepare(ctx context.Context, bucket, owner string, origins []string) error {
	acl, err := json.Marshal(auth.ACL{Owner: owner})
	if err != nil {
		return fmt.Errorf("encoding the bucket's owner: %w", err)
	}
	const ownership = types.ObjectOwnershipBucketOwnerEnforced
	_, err = s.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &bucket})
	if s3Error, ok := errors.AsType[s3err.S3Error](err); ok && s3Error.StatusCode() == 404 {
		err = s.CreateBucket(ctx, &s3.CreateBucketInput{
			Bucket: &bucket, ObjectOwnership: ownership, CreateBucketConfiguration: &types.CreateBucketConfiguration{},
		}, acl)
	}
	if err != nil {
		return fmt.Errorf("creating bucket %q: %w", bucket, err)
	}
	if err := s.PutBucketAcl(ctx, bucket, acl); err != nil {
		return fmt.Errorf("setting the owner of bucket %q: %w", bucket, err)
	}
	if err := s.PutBucketOwnershipControls(ctx, bucket, ownership); err != nil {
		return fmt.Errorf("disabling ACLs of bucket %q: %w", bucket, err)
	}
	if err := s.PutBucketVersioning(ctx, bucket, types.BucketVersioningStatusEnabled); err != nil {
		return fmt.Errorf("enabling versioning of bucket %q: %w", bucket, err)
	}
	return s.allowOrigins(ctx, bucket, origins)
}

func (s *store) allowOrigins(ctx context.Context, bucket string, origins []string) error {
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
		return fmt.Errorf("allowing the origins %q: %w", origins, err)
	}
	doc, err := xml.Marshal(cors)
	if err != nil {
		return fmt.Errorf("encoding the CORS rules: %w", err)
	}
	if err := s.PutBucketCors(ctx, bucket, doc); err != nil {
		return fmt.Errorf("setting the CORS rules of bucket %q: %w", bucket, err)
	}
	return nil
}

func serve(ctx context.Context, be backend.Backend, s settings, iam auth.IAMService) error {
	err := embedgw.RunVersityGW(ctx, be, &embedgw.Config{
		RootUserAccess: s.accessKey, RootUserSecret: s.secretKey, Region: s.region, IAMService: iam,
		Ports: []string{s.addr}, HealthPath: "/healthz",
		MaxConnections: 1024, MaxRequests: 512, MultipartMaxParts: 10000,
		KeepAlive: true, Quiet: true,
		S3Options: []s3api.Option{
			s3api.WithMiddleware("/", removeSecondID),
			s3api.WithMiddleware("/", controllers.WrapMiddleware(checkRequest, nil, nil)),
			s3api.WithOnListen(func() { slog.Info("S3 is ready", "address", s.addr, "bucket", s.bucket) }),
		},
	})
	if err != nil {
		return fmt.Errorf("serving S3 on %s: %w", s.addr, err)
	}
	return nil
}

package activities

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/grpc/codes"

	"triptych/e2e/checktest"
	"triptych/e2e/s3test"
	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/check"
	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/internal/vision/features"
)

func TestChecks(t *testing.T) {
	for name, test := range map[string]struct {
		breakOne func(*testing.T, *clouds)
		failed   []string // starts of the names of the calls that fail
		reason   string   // part of each of their lines
	}{
		"all_calls_work": {breakOne: func(*testing.T, *clouds) {}},
		"wrong_bucket_is_named": {func(_ *testing.T, c *clouds) { c.Bucket = "no-such-bucket" },
			[]string{"S3,"}, "check TRIPTYCH_BUCKET"},
		"wrong_secret_key_is_named": {func(_ *testing.T, c *clouds) {
			c.S3 = signedBy(c.S3, s3test.AccessKey, "a guess")
		}, []string{"S3,"}, "check its secret key and clock"},
		"unknown_access_key_is_named": {func(_ *testing.T, c *clouds) {
			c.S3 = signedBy(c.S3, "UNKNOWNKEY", s3test.SecretKey)
		}, []string{"S3,"}, "does not know the program's access key"},
		"missing_list_permission_is_named": {func(t *testing.T, _ *clouds) {
			gateway.Fail(t, `{"status":403,"operations":["ListObjectsV2"]}`)
		}, []string{"S3, list the"}, "s3:ListBucket"},
		"missing_read_permission_is_named": {func(t *testing.T, _ *clouds) {
			gateway.Fail(t, `{"status":403,"operations":["GetObject"]}`)
		}, []string{"S3, read"}, "s3:GetObject"},
		"missing_delete_permission_is_named": {func(t *testing.T, _ *clouds) {
			gateway.Fail(t, `{"status":403,"operations":["DeleteObject"]}`)
		}, []string{"S3, delete"}, "s3:DeleteObjectVersion"},
		"S3_that_is_down_is_named": {func(_ *testing.T, c *clouds) {
			c.S3 = s3.New(c.S3.Options(), func(o *s3.Options) { o.BaseEndpoint = aws.String("http://" + s3test.FreeAddress()) })
		}, []string{"S3,"}, "S3 could not be reached"},
		"refused_Google_credentials_are_named": {func(_ *testing.T, c *clouds) {
			c.google.SetFault(annotator.Fault{Code: codes.Unauthenticated})
		}, []string{"Google"}, "check GOOGLE_CREDENTIALS_CONFIG"},
		"disabled_Vision_API_is_named": {func(_ *testing.T, c *clouds) {
			c.google.SetFault(annotator.Fault{Code: codes.PermissionDenied})
		}, []string{"Google"}, "enable vision.googleapis.com"},
		"feature_that_the_endpoint_does_not_support_is_named": {func(t *testing.T, c *clouds) {
			features, err := features.Parse("LANDMARK_DETECTION")
			if err != nil {
				t.Fatal(err)
			}
			c.Features = features
		}, []string{"Google"}, "check TRIPTYCH_FEATURES"},
		"wrong_Cosmos_DB_key_is_named": {func(t *testing.T, c *clouds) {
			_, config := startAccount(t)
			config.Key = newKey()
			c.connectRecords(t, config)
		}, []string{"Cosmos DB,"}, "check COSMOS_KEY"},
		"missing_container_is_named": {func(t *testing.T, c *clouds) {
			server, config := startAccount(t)
			if err := server.Provision(records.Database, "another"); err != nil {
				t.Fatal(err)
			}
			c.connectRecords(t, config)
		}, []string{"Cosmos DB,"}, "The database or container does not exist"},
		"missing_write_permission_in_Cosmos_DB_is_named": {func(_ *testing.T, c *clouds) {
			c.azure.SetFault(cosmosdb.Fault{Method: "PUT", Status: 403})
		}, []string{"Cosmos DB, replace"}, "Azure refused access"},
	} {
		t.Run(name, func(t *testing.T) {
			c := openClouds(t)
			test.breakOne(t, c)
			var out strings.Builder
			if failed := check.Run(t.Context(), &out, c.Checks()...); (failed > 0) != (test.failed != nil) {
				t.Errorf("%d calls failed", failed)
			}
			checktest.Verify(t, out.String(), test.failed, test.reason)
		})
	}
	t.Run("repeated_check_leaves_no_object_and_no_delete_marker", func(t *testing.T) {
		c := openClouds(t)
		for range 2 {
			var out strings.Builder
			if check.Run(t.Context(), &out, c.Checks()...) > 0 {
				t.Error(out.String())
			}
		}
		found, err := c.S3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{Bucket: &c.Bucket, Prefix: aws.String(checkKey)})
		if err != nil || len(found.Versions)+len(found.DeleteMarkers) > 0 {
			t.Errorf("S3 has %d versions and %d delete markers, %v", len(found.Versions), len(found.DeleteMarkers), err)
		}
	})
}

func signedBy(c *s3.Client, access, secret string) *s3.Client {
	cfg := aws.Config{Region: c.Options().Region, BaseEndpoint: c.Options().BaseEndpoint,
		Credentials: credentials.NewStaticCredentialsProvider(access, secret, "")}
	return objects.Open(cfg)
}

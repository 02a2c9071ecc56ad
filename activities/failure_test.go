package activities

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/picture"
)

type failureCase struct {
	name       string
	kind       picture.Kind
	cloud      picture.Cloud
	retryAfter time.Duration
	message    string
	provoke    func(*testing.T, *clouds) error
}

const (
	retries = "; Triptych tries again"
	waits   = "; the picture waits until this is fixed"
	resends = "; Triptych sends the bytes instead"
)

var failureCases = []failureCase{
	{"missing_object", picture.Gone, picture.AWS, 0, "The picture is no longer in S3", func(t *testing.T, c *clouds) error {
		_, err := c.annotate(t, newPicture(t), ByBytes)
		return err
	}},
	{"S3_asks_to_slow_down", picture.Throttled, picture.AWS, 0, "S3 asked to slow down" + retries, func(t *testing.T, c *clouds) error {
		gateway.Fail(t, `{"status":503,"code":"SlowDown"}`)
		_, err := c.annotate(t, newPicture(t), ByBytes)
		return err
	}},
	{"expired_AWS_credentials", picture.Forbidden, picture.AWS, 0, "The program's AWS credentials have expired: renew them" + waits, func(t *testing.T, c *clouds) error {
		gateway.Fail(t, `{"status":400,"code":"ExpiredToken"}`)
		_, err := c.annotate(t, newPicture(t), ByBytes)
		return err
	}},
	{"missing_bucket", picture.Misconfigured, picture.AWS, 0, "The bucket does not exist: check TRIPTYCH_BUCKET" + waits, func(t *testing.T, c *clouds) error {
		p := newPicture(t)
		p.Bucket = "pictures-elsewhere"
		_, err := c.annotate(t, p, ByBytes)
		return err
	}},

	{"text_file_sent_as_bytes", picture.BadImage, picture.Google, 0, "Google cannot read this file as an image", func(t *testing.T, c *clouds) error {
		_, err := c.annotate(t, c.upload(t, newPicture(t), []byte("not an image")), ByBytes)
		return err
	}},
	{"text_file_by_URL", picture.Unfetchable, picture.Google, 0, "Google could not read what it fetched" + resends, func(t *testing.T, c *clouds) error {
		_, err := c.annotate(t, c.upload(t, newPicture(t), []byte("not an image")), ByURL)
		return err
	}},
	googleFailure("exhausted_quota", annotator.Fault{Code: codes.ResourceExhausted, RetryAfter: 7 * time.Second}, picture.Throttled,
		"Google's quota for Cloud Vision is exhausted"+retries),
	googleFailure("Cloud_Vision_is_unavailable", annotator.Fault{Code: codes.Unavailable}, picture.Unavailable,
		"Cloud Vision is unavailable or unreachable"+retries),
	googleFailure("refused_Google_credentials", annotator.Fault{Code: codes.Unauthenticated}, picture.Forbidden,
		"Google refused the worker's credentials: check GOOGLE_CREDENTIALS_CONFIG or Application Default Credentials"+waits),
	googleFailure("refused_request", annotator.Fault{Code: codes.InvalidArgument}, picture.Misconfigured,
		"Google refused the request, not the picture: check TRIPTYCH_FEATURES and TRIPTYCH_VISION_PARENT"+waits),

	azureFailure("throttled_by_Cosmos_DB", cosmosdb.Fault{Status: 429, RetryAfter: 1234 * time.Millisecond}, picture.Throttled,
		"Cosmos DB has no request units left"+retries),
	azureFailure("Cosmos_DB_is_unavailable", cosmosdb.Fault{Status: 503, RetryAfter: 2 * time.Second}, picture.Unavailable,
		"Cosmos DB is unavailable"+retries),
	azureFailure("missing_Azure_role", cosmosdb.Fault{Status: 403}, picture.Forbidden,
		"Azure refused access: assign the Cosmos DB roles that Terraform defines to the program's identity"+waits),
	{"missing_container", picture.Misconfigured, picture.Azure, 0, "The database or container does not exist: create it (Terraform does)" + waits, func(t *testing.T, c *clouds) error {
		_, config := startAccount(t)
		c.connectRecords(t, config)
		_, err := c.persist(t, newRecord(t))
		return err
	}},
	{"Record_of_more_than_2_MB", picture.TooLarge, picture.Azure, 0, "The Record is larger than Cosmos DB allows", func(t *testing.T, c *clouds) error {
		r := newRecord(t)
		r.Annotation = []byte(`"` + strings.Repeat("x", 2<<20) + `"`)
		_, err := c.persist(t, r)
		return err
	}},

	{"unreachable_Temporal", picture.Unavailable, picture.Temporal, 0, "Temporal could not be reached: check TEMPORAL_ADDRESS and TEMPORAL_TLS" + retries, func(t *testing.T, c *clouds) error {
		return c.terminateUnreachable(t)
	}},
	temporalFailure("refused_Temporal_API_key", status.Error(codes.Unauthenticated, "expired"), picture.Forbidden,
		"Temporal refused the API key: check TEMPORAL_API_KEY and its expiry"+waits),
	temporalFailure("missing_Temporal_namespace", serviceerror.NewNamespaceNotFound("elsewhere"), picture.Misconfigured,
		"The namespace does not exist: check TEMPORAL_NAMESPACE"+waits),
	{"erased_picture", picture.WasErased, "", 0, "The owner erased the picture", func(t *testing.T, c *clouds) error {
		p := newPicture(t)
		if err := c.Records.Create(t.Context(), picture.Tombstone(p.ID)); err != nil {
			t.Fatal(err)
		}
		_, err := c.annotate(t, p, ByURL)
		return err
	}},
}

func TestFailure(t *testing.T) {
	covered := map[picture.Kind]bool{}
	for _, tt := range failureCases {
		covered[tt.kind] = true
		t.Run(tt.name+"_is_"+string(tt.kind), func(t *testing.T) {
			failure := checkFailure(t, tt.provoke(t, openClouds(t)), tt.kind)
			checkCloud(t, failure, tt.cloud)
			if failure.NextRetryDelay() != tt.retryAfter {
				t.Errorf("next retry after %s, the cloud requested %s", failure.NextRetryDelay(), tt.retryAfter)
			}
			if failure.Message() != tt.message {
				t.Errorf("message %q, want %q", failure.Message(), tt.message)
			}
			if cause := failure.Unwrap(); tt.cloud != "" && (cause == nil || cause.Error() == "") {
				t.Error("the cloud's own message is missing")
			}
		})
	}
	for _, kind := range []picture.Kind{
		picture.BadImage, picture.TooLarge, picture.Gone, picture.Unfetchable, picture.WasErased,
		picture.Unavailable, picture.Throttled, picture.Forbidden, picture.Misconfigured,
	} {
		if !covered[kind] {
			t.Errorf("no test for kind %s", kind)
		}
	}
	t.Run("unexpected_error_is_retried_and_its_cause_is_redacted", func(t *testing.T) {
		err := failure(errors.New("fetching https://s3/k?X-Amz-Signature=0a1b2c failed"))
		e, ok := err.(*temporal.ApplicationError)
		if !ok || e.Type() != "" || e.NonRetryable() || e.Message() != "An unexpected error occurred"+retries {
			t.Fatalf("got %T %v, want a retryable ApplicationError without a kind", err, err)
		}
		if cause := e.Unwrap(); cause == nil || strings.Contains(cause.Error(), "0a1b2c") || !strings.Contains(cause.Error(), "failed") {
			t.Errorf("cause %v", cause)
		}
	})
}

func checkCloud(t *testing.T, failure *temporal.ApplicationError, want picture.Cloud) {
	t.Helper()
	var details picture.FailureDetails
	if err := failure.Details(&details); err != nil {
		t.Fatal(err)
	}
	if details.Cloud != want {
		t.Errorf("cloud %q, want %q", details.Cloud, want)
	}
}

// googleFailure makes only the first call fail. If the Vision client retried by itself, the call would succeed and
// the test would fail.
func googleFailure(name string, fault annotator.Fault, kind picture.Kind, message string) failureCase {
	fault.Times = 1
	return failureCase{name, kind, picture.Google, fault.RetryAfter, message, func(t *testing.T, c *clouds) error {
		c.google.SetFault(fault)
		_, err := c.annotate(t, c.uploadPhoto(t), ByURL)
		return err
	}}
}

func temporalFailure(name string, refusal error, kind picture.Kind, message string) failureCase {
	return failureCase{name, kind, picture.Temporal, 0, message, func(t *testing.T, c *clouds) error {
		c.startTemporal(t).refusal = refusal
		_, err := execute[any](t, c, picture.TerminateWorkflowActivity, newPicture(t).ID)
		return err
	}}
}

func azureFailure(name string, fault cosmosdb.Fault, kind picture.Kind, message string) failureCase {
	return failureCase{name, kind, picture.Azure, fault.RetryAfter, message, func(t *testing.T, c *clouds) error {
		c.azure.SetFault(fault)
		_, err := c.persist(t, newRecord(t))
		return err
	}}
}

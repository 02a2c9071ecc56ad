package activities

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"triptych/emulators/cosmos/cosmosdb"
	"triptych/emulators/vision/annotator"
	"triptych/internal/records"
	"triptych/picture"
)

// An occasion makes a cloud give one answer of the table, and runs the activity that gets it.
type occasion struct {
	from source
	code string
	name string
	kind picture.Kind
	hint time.Duration // what the cloud asks to wait
	meet func(*testing.T, *clouds) error
}

// occasions has one for every row of answers, or several.
var occasions = slices.Concat([]occasion{
	{s3API, "NoSuchKey", "a_key_that_never_was", picture.Gone, 0, func(t *testing.T, c *clouds) error {
		return c.fetch(t, somePicture(t))
	}},
	{s3API, "NoSuchVersion", "a_version_that_was_deleted", picture.Gone, 0, func(t *testing.T, c *clouds) error {
		p := c.upload(t, somePicture(t), photograph(t))
		c.upload(t, p, photograph(t))
		c.remove(t, p)
		return c.fetch(t, p)
	}},
	{s3API, "MethodNotAllowed", "a_delete_marker", picture.Gone, 0, func(t *testing.T, c *clouds) error {
		p := c.upload(t, somePicture(t), photograph(t))
		version := p.VersionID
		p.VersionID = ""
		if p.VersionID = c.remove(t, p); p.VersionID == version {
			t.Fatal("there is no delete marker")
		}
		return c.fetch(t, p)
	}},
	{s3API, "NoSuchBucket", "another_bucket", picture.Misconfigured, 0, func(t *testing.T, c *clouds) error {
		p := somePicture(t)
		p.Bucket = "pictures-elsewhere"
		return c.fetch(t, p)
	}},
	{s3API, "SignatureDoesNotMatch", "a_wrong_secret_key", picture.Forbidden, 0, func(t *testing.T, c *clouds) error {
		options := c.S3.Options()
		options.Credentials = credentials.NewStaticCredentialsProvider(accessKey, "a guess", "")
		c.S3 = s3.New(options)
		return c.fetch(t, somePicture(t))
	}},
	{s3API, other, "nothing_listens", picture.Unavailable, 0, func(t *testing.T, c *clouds) error {
		options := c.S3.Options()
		nowhere := "http://" + freePort()
		options.BaseEndpoint = &nowhere
		c.S3 = s3.New(options)
		return c.fetch(t, somePicture(t))
	}},
	{s3API, "Forbidden", "an_object_of_which_it_will_not_tell", picture.Forbidden, 0, func(t *testing.T, c *clouds) error {
		p := somePicture(t)
		before := picture.KeyAt(p.ID.CreatedAt())
		c.upload(t, p, photograph(t))
		breakS3(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
		_, err := take[SweepResult](t, c.Activities, picture.SweepPageActivity, picture.Sweep{After: before})
		return err
	}},
	s3Says(400, "ExpiredToken", picture.Forbidden),
	s3Says(403, "AccessDenied", picture.Forbidden),
	s3Says(403, "InvalidAccessKeyId", picture.Forbidden), // the local S3 has another code of its own for it
	s3Says(400, "InvalidToken", picture.Forbidden),
	s3Says(403, "RequestTimeTooSkewed", picture.Forbidden),
	s3Says(400, "PermanentRedirect", picture.Misconfigured), // a 301, to which the SDK's client would go
	s3Says(500, "InternalError", picture.Unavailable),
	s3Says(503, "ServiceUnavailable", picture.Unavailable),
	s3Says(503, "SlowDown", picture.Throttled),
	{s3API, other, "an_unforeseen_code", picture.Unavailable, 0, s3Says(501, "NotImplemented", "").meet},

	visionSays(codes.ResourceExhausted, picture.Throttled, 0),
	visionSays(codes.ResourceExhausted, picture.Throttled, 7*time.Second),
	visionSays(codes.Unauthenticated, picture.Forbidden, 0),
	visionSays(codes.PermissionDenied, picture.Forbidden, 0),
	visionSays(codes.InvalidArgument, picture.Misconfigured, 0),
	visionSays(codes.FailedPrecondition, picture.Misconfigured, 0),
	visionSays(codes.NotFound, picture.Misconfigured, 0),
	visionSays(codes.Unavailable, picture.Unavailable, 0),
	visionSays(codes.Unavailable, picture.Unavailable, 90*time.Second),
	visionSays(codes.DeadlineExceeded, picture.Unavailable, 0),
	visionSays(codes.Internal, picture.Unavailable, 0),
	{visionRPC, "Unavailable", "nothing_listens", picture.Unavailable, 0, func(t *testing.T, c *clouds) error {
		c.connectVision(t, freePort())
		return c.show(t)
	}},
	{visionRPC, "Unimplemented", "another_server_listens", picture.Misconfigured, 0, func(t *testing.T, c *clouds) error {
		c.connectVision(t, serveGRPC(t, func(*grpc.Server) {}))
		return c.show(t)
	}},
	{visionRPC, other, "an_unforeseen_code", picture.Unavailable, 0, visionSays(codes.DataLoss, "", 0).meet},

	{visionByURL, "InvalidArgument", "an_object_that_is_no_picture", picture.Unfetchable, 0, func(t *testing.T, c *clouds) error {
		return c.look(t, ByURL, []byte("dear diary"))
	}},
	{visionByURL, aboutURL, "an_object_that_was_deleted", picture.Unfetchable, 0, func(t *testing.T, c *clouds) error {
		p := c.upload(t, somePicture(t), photograph(t))
		c.remove(t, p)
		_, err := c.annotate(t, p, ByURL)
		return err
	}},
	{visionByURL, aboutURL, "a_URL_that_Google_may_not_open", picture.Unfetchable, 0, func(t *testing.T, c *clouds) error {
		_, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: somePicture(t), Send: ByURL,
			SignedURL: SignedURL{URL: "gs://private/picture.jpg", ExpiresAt: time.Now().Add(time.Hour)}})
		return err
	}},
	{visionByURL, aboutURL, "a_URL_said_to_be_inaccessible", picture.Unfetchable, 0, func(t *testing.T, c *clouds) error {
		c.google.SetFault(annotator.Fault{ImageCode: codes.InvalidArgument,
			Message: "The URL does not appear to be accessible by us. Please double check or download the content and pass it in."})
		return c.look(t, ByURL, photograph(t))
	}},
	{visionByURL, "Unavailable", "an_error_without_words", picture.Unfetchable, 0, func(t *testing.T, c *clouds) error {
		c.google.SetFault(annotator.Fault{ImageCode: codes.Unavailable, Message: "later"})
		return c.look(t, ByURL, photograph(t))
	}},
	{visionByURL, "PermissionDenied", "a_refusal_without_a_URL", picture.Unfetchable, 0, func(t *testing.T, c *clouds) error {
		c.google.SetFault(annotator.Fault{ImageCode: codes.PermissionDenied, Message: "no access"})
		return c.look(t, ByURL, photograph(t))
	}},
	imageSays(visionByURL, codes.DeadlineExceeded, picture.Unfetchable),
	imageSays(visionByURL, codes.NotFound, picture.Unfetchable),
	imageSays(visionByURL, codes.ResourceExhausted, picture.Throttled),
	{visionByURL, "Unimplemented", "a_feature_that_the_local_server_lacks", picture.Misconfigured, 0, askTooMuch(ByURL)},
	{visionByURL, other, "an_unforeseen_code", picture.Unavailable, 0, imageSays(visionByURL, codes.Internal, "").meet},

	{visionByBytes, "InvalidArgument", "an_object_that_is_no_picture", picture.BadImage, 0, func(t *testing.T, c *clouds) error {
		return c.look(t, ByBytes, []byte("dear diary"))
	}},
	imageSays(visionByBytes, codes.ResourceExhausted, picture.Throttled),
	{visionByBytes, "Unimplemented", "a_feature_that_the_local_server_lacks", picture.Misconfigured, 0, askTooMuch(ByBytes)},
	{visionByBytes, other, "an_unforeseen_code", picture.Unavailable, 0, imageSays(visionByBytes, codes.Internal, "").meet},
	// What means by URL that Google could not fetch the picture has nothing to say of bytes.
	{visionByBytes, other, "a_code_of_fetching", picture.Unavailable, 0, imageSays(visionByBytes, codes.PermissionDenied, "").meet},

	{cosmosDB, noCredentials, "no_identity_at_all", picture.Forbidden, 0, func(t *testing.T, c *clouds) error {
		t.Setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential") // which finds nothing, and asks no network
		c.connectRecords(t, "https://127.0.0.1:1", "")
		return c.keep(t)
	}},
	{cosmosDB, "400", "a_container_with_another_partition_key", picture.Misconfigured, 0, func(t *testing.T, c *clouds) error {
		_, endpoint, key := account(t)
		createContainer(t, endpoint, key, "/owner")
		c.connectRecords(t, endpoint, key)
		return c.keep(t)
	}},
	{cosmosDB, "401", "a_wrong_key", picture.Forbidden, 0, func(t *testing.T, c *clouds) error {
		_, endpoint, _ := account(t)
		c.connectRecords(t, endpoint, newKey())
		return c.keep(t)
	}},
	{cosmosDB, "404", "an_account_without_the_container", picture.Misconfigured, 0, func(t *testing.T, c *clouds) error {
		_, endpoint, key := account(t)
		c.connectRecords(t, endpoint, key)
		return c.keep(t)
	}},
	{cosmosDB, "413", "a_Record_of_more_than_2_MB", picture.TooLarge, 0, func(t *testing.T, c *clouds) error {
		huge, err := json.Marshal(strings.Repeat("x", 2<<20))
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.persist(t, somePicture(t).AnnotatedRecord(huge, time.Now(), nil, "run"))
		return err
	}},
	{cosmosDB, other, "nothing_listens", picture.Unavailable, 0, func(t *testing.T, c *clouds) error {
		c.connectRecords(t, "http://"+freePort(), newKey())
		return c.keep(t)
	}},
	{cosmosDB, other, "a_connection_that_is_cut", picture.Unavailable, 0, func(t *testing.T, c *clouds) error {
		c.azure.SetFault(cosmosdb.Fault{AfterApply: true})
		return c.keep(t)
	}},
	{cosmosDB, noRecord, "a_document_that_is_something_else_before_Google_is_asked", picture.Misconfigured, 0, func(t *testing.T, c *clouds) error {
		p := c.upload(t, somePicture(t), photograph(t))
		c.scribble(t, p.ID)
		_, err := c.annotate(t, p, ByURL)
		if c.google.Billed() != 0 {
			t.Error("Google was paid")
		}
		return err
	}},
	{cosmosDB, noRecord, "a_document_that_is_something_else_in_the_Record's_place", picture.Misconfigured, 0, func(t *testing.T, c *clouds) error {
		r := someRecord(t)
		c.scribble(t, r.ID)
		_, err := c.persist(t, r)
		return err
	}},
	cosmosSays(403, picture.Forbidden, 0),
	cosmosSays(408, picture.Unavailable, 0),
	cosmosSays(410, picture.Unavailable, 0),
	cosmosSays(429, picture.Throttled, 0),
	cosmosSays(429, picture.Throttled, 1234*time.Millisecond),
	cosmosSays(449, picture.Unavailable, 5*time.Millisecond),
	cosmosSays(500, picture.Unavailable, 0),
	cosmosSays(503, picture.Unavailable, 2*time.Second),
	{cosmosDB, other, "an_unforeseen_status", picture.Unavailable, 0, cosmosSays(418, "", 0).meet},
}, signIns, azureSignIns)

func TestAnswers(t *testing.T) {
	met := map[source]map[string]bool{}
	for _, o := range occasions {
		t.Run(fmt.Sprintf("%s/%s/%s_is_%s", o.from, cmp.Or(o.code, "other"), o.name, o.kind), func(t *testing.T) {
			meaning, ok := answers[o.from][o.code]
			if !ok {
				t.Fatal("answers has no such row")
			}
			failure := fails(t, o.meet(t, open(t)), o.kind)
			if failure.NextRetryDelay() != o.hint {
				t.Errorf("it is tried again in %s, the cloud said %s", failure.NextRetryDelay(), o.hint)
			}
			if failure.Message() != meaning.says { // so it is this row and no other
				t.Errorf("it says %q, want %q", failure.Message(), meaning.says)
			}
			if cause := failure.Unwrap(); cause == nil || cause.Error() == "" {
				t.Error("what the cloud said is lost")
			}
		})
		if met[o.from] == nil {
			met[o.from] = map[string]bool{}
		}
		met[o.from][o.code] = true
	}
	for from, rows := range answers {
		t.Run(fmt.Sprintf("%s/every_row_has_a_test", from), func(t *testing.T) {
			for code := range rows {
				if !met[from][code] {
					t.Errorf("%s, code %q: no occasion", from, code)
				}
			}
			if _, ok := rows[other]; !ok {
				t.Error("an unforeseen answer has no row")
			}
		})
	}
}

// s3Says is an answer of S3 that has to be asked for, here and in the following.
func s3Says(status int, code string, kind picture.Kind) occasion {
	return occasion{s3API, code, itself(0), kind, 0, func(t *testing.T, c *clouds) error {
		breakS3(t, fmt.Sprintf(`{"status":%d,"code":%q}`, status, code))
		return c.fetch(t, somePicture(t))
	}}
}

// visionSays lasts for one call: a client that tried again by itself would not notice it.
func visionSays(code codes.Code, kind picture.Kind, hint time.Duration) occasion {
	return occasion{visionRPC, code.String(), itself(hint), kind, hint, func(t *testing.T, c *clouds) error {
		c.google.SetFault(annotator.Fault{Code: code, RetryAfter: hint, Times: 1})
		return c.show(t)
	}}
}

func imageSays(from source, code codes.Code, kind picture.Kind) occasion {
	send := map[source]Send{visionByURL: ByURL, visionByBytes: ByBytes}[from]
	return occasion{from, code.String(), itself(0), kind, 0, func(t *testing.T, c *clouds) error {
		c.google.SetFault(annotator.Fault{ImageCode: code})
		return c.look(t, send, photograph(t))
	}}
}

func cosmosSays(status int, kind picture.Kind, hint time.Duration) occasion {
	return occasion{cosmosDB, fmt.Sprint(status), itself(hint), kind, hint, func(t *testing.T, c *clouds) error {
		c.azure.SetFault(cosmosdb.Fault{Status: status, RetryAfter: hint})
		return c.keep(t)
	}}
}

// itself names an occasion that is nothing but the answer.
func itself(hint time.Duration) string {
	if hint > 0 {
		return "it_with_a_time_to_wait"
	}
	return "it"
}

func askTooMuch(send Send) func(*testing.T, *clouds) error {
	return func(t *testing.T, c *clouds) error {
		c.ask(t, DefaultFeatures)
		return c.look(t, send, photograph(t))
	}
}

// fetch has the worker read a picture from S3.
func (c *clouds) fetch(t *testing.T, p picture.Picture) error {
	t.Helper()
	_, err := take[AnnotateResult](t, c.Activities, picture.AnnotateStep, AnnotateInput{Picture: p, Send: ByBytes})
	return err
}

// show shows Google the URL of a photograph.
func (c *clouds) show(t *testing.T) error {
	t.Helper()
	return c.look(t, ByURL, photograph(t))
}

// look shows Google content.
func (c *clouds) look(t *testing.T, send Send, content []byte) error {
	t.Helper()
	_, err := c.annotate(t, c.upload(t, somePicture(t), content), send)
	return err
}

// keep has a small Record kept.
func (c *clouds) keep(t *testing.T) error {
	t.Helper()
	_, err := c.persist(t, somePicture(t).AnnotatedRecord(json.RawMessage("{}"), time.Now(), nil, "run"))
	return err
}

// serveGRPC serves what register puts into a server, and nothing else.
func serveGRPC(t *testing.T, register func(*grpc.Server)) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	register(server)
	stopped := make(chan error, 1)
	go func() { stopped <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// scribble moves to an account in which the picture's document is no Record.
func (c *clouds) scribble(t *testing.T, id picture.ID) {
	t.Helper()
	_, endpoint, key := account(t)
	if err := records.Provision(t.Context(), endpoint, key); err != nil {
		t.Fatal(err)
	}
	c.connectRecords(t, endpoint, key)
	items, err := client(t, endpoint, key).NewContainer(records.Database, records.ContainerName)
	if err != nil {
		t.Fatal(err)
	}
	document := fmt.Appendf(nil, `{"id":%q,"steps":"by hand"}`, id)
	if _, err := items.CreateItem(t.Context(), azcosmos.NewPartitionKeyString(string(id)), document, nil); err != nil {
		t.Fatal(err)
	}
}

func client(t *testing.T, endpoint, key string) *azcosmos.Client {
	t.Helper()
	credential, err := azcosmos.NewKeyCredential(key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azcosmos.NewClientWithKey(endpoint, credential, nil)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// createContainer makes the container of Records with another partition key than Provision does.
func createContainer(t *testing.T, endpoint, key, partitionKey string) {
	t.Helper()
	client := client(t, endpoint, key)
	if _, err := client.CreateDatabase(t.Context(), azcosmos.DatabaseProperties{ID: records.Database}, nil); err != nil {
		t.Fatal(err)
	}
	database, err := client.NewDatabase(records.Database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := database.CreateContainer(t.Context(), azcosmos.ContainerProperties{
		ID: records.ContainerName, PartitionKeyDefinition: azcosmos.PartitionKeyDefinition{Paths: []string{partitionKey}},
	}, nil); err != nil {
		t.Fatal(err)
	}
}

package activities

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/aws/smithy-go"
	"go.temporal.io/sdk/temporal"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/internal/records"
	"triptych/picture"
)

// source is who gave an answer, and how.
type source string

const (
	s3API         source = "S3"
	visionRPC     source = "Cloud Vision"
	visionByURL   source = "Cloud Vision, of a URL"
	visionByBytes source = "Cloud Vision, of bytes"
	cosmosDB      source = "Cosmos DB"
)

func visionImage(send Send) source {
	if send == ByBytes {
		return visionByBytes
	}
	return visionByURL
}

// meaning is what one answer of a cloud is to the picture: its kind, and a sentence for the operator.
type meaning struct {
	kind picture.Kind
	says string
}

const (
	other         = ""            // any other answer, and no answer at all
	noCredentials = "credentials" // the SDK found none that it could use
	aboutURL      = "the URL"     // per image, with one code or another
	signingIn     = "sign-in "    // before the status with which a token was refused
	noRecord      = "no Record"   // what is kept is something else
)

// answers is every answer of S3, Cloud Vision and Cosmos DB that is known, by its code. Sources: S3's error
// codes (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), Google's
// (https://cloud.google.com/apis/design/errors; per image as seen in answers of Vision itself), Cosmos DB's
// (https://learn.microsoft.com/rest/api/cosmos-db/http-status-codes-for-cosmosdb).
var answers = map[source]map[string]meaning{
	s3API: {
		"NoSuchKey":             {picture.Gone, "The picture is no longer in S3"},
		"NoSuchVersion":         {picture.Gone, "This version of the picture is no longer in S3"},
		"MethodNotAllowed":      {picture.Gone, "The picture has been deleted from S3"}, // the version is a delete marker
		"NoSuchBucket":          {picture.Misconfigured, "The bucket does not exist: check TRIPTYCH_BUCKET; the picture waits"},
		"AccessDenied":          {picture.Forbidden, "AWS refused: the worker's role needs s3:GetObject, s3:GetObjectVersion, s3:DeleteObject, s3:DeleteObjectVersion, s3:ListBucket and s3:ListBucketVersions; the picture waits"},
		"Forbidden":             {picture.Forbidden, "AWS refused to tell of the object: the worker's role needs s3:GetObject, s3:GetObjectVersion and s3:ListBucket; the sweep waits"}, // of HEAD, which has no body
		"InvalidAccessKeyId":    {picture.Forbidden, "AWS does not know the worker's access key: check its credentials; the picture waits"},
		"SignatureDoesNotMatch": {picture.Forbidden, "AWS refused the worker's signature: check its secret key and clock; the picture waits"},
		"ExpiredToken":          {picture.Forbidden, "The worker's AWS credentials have expired: renew them; the picture waits"},
		"InvalidToken":          {picture.Forbidden, "AWS refused the worker's session token: renew its credentials; the picture waits"},
		"RequestTimeTooSkewed":  {picture.Forbidden, "AWS refused the worker's signature for its time: set the clock; the picture waits"},
		"PermanentRedirect":     {picture.Misconfigured, "The bucket is in another region: check AWS_REGION; the picture waits"},
		"SlowDown":              {picture.Throttled, "S3 asks to slow down; the picture is tried again"},
		"ServiceUnavailable":    {picture.Unavailable, "S3 is unavailable; the picture is tried again"},
		"InternalError":         {picture.Unavailable, "S3 had an internal error; the picture is tried again"},
		other:                   {picture.Unavailable, "S3 could not be asked for the picture; it is tried again"},
	},
	visionRPC: {
		"ResourceExhausted":  {picture.Throttled, "Google's quota for Cloud Vision is used up; the picture is tried again"},
		"Unauthenticated":    {picture.Forbidden, "Google does not accept the worker's credentials: check GOOGLE_CREDENTIALS_CONFIG or Application Default Credentials; the picture waits"},
		"PermissionDenied":   {picture.Forbidden, "Google refused: enable vision.googleapis.com and billing for the project, and let the worker's account use it; the picture waits"},
		"InvalidArgument":    {picture.Misconfigured, "Google calls the request wrong, not the picture: check TRIPTYCH_FEATURES; the picture waits"},
		"FailedPrecondition": {picture.Misconfigured, "Google's project is not ready for Cloud Vision: check its billing and settings; the picture waits"},
		"NotFound":           {picture.Misconfigured, "Google's project or endpoint does not exist: check the settings; the picture waits"},
		"Unimplemented":      {picture.Misconfigured, "What answers is not Cloud Vision: check VISION_EMULATOR_HOST; the picture waits"},
		"Unavailable":        {picture.Unavailable, "Cloud Vision is unavailable or unreachable; the picture is tried again"},
		"DeadlineExceeded":   {picture.Unavailable, "Cloud Vision did not answer in time; the picture is tried again"},
		"Internal":           {picture.Unavailable, "Cloud Vision had an internal error; the picture is tried again"},
		other:                {picture.Unavailable, "Cloud Vision could not be asked; the picture is tried again"},
		// What the token endpoint answers (https://cloud.google.com/iam/docs/troubleshooting-workload-identity-federation)
		// and then generateAccessToken of the service account.
		signingIn + noCredentials: {picture.Forbidden, "The worker has no AWS role to show to Google: give it one, and set AWS_REGION; the picture waits"},
		signingIn + "400":         {picture.Misconfigured, "Google does not know the identity pool that the worker signs in to, or AWS did not vouch for the worker: check GOOGLE_CREDENTIALS_CONFIG and the clock; the picture waits"},
		signingIn + "401":         {picture.Forbidden, "Google's identity pool does not trust the worker's AWS role: check the provider's attribute condition; the picture waits"},
		signingIn + "403":         {picture.Forbidden, "Google does not let the worker be its service account: grant the worker's AWS role roles/iam.workloadIdentityUser on it; the picture waits"},
		signingIn + "404":         {picture.Misconfigured, "Google's service account of the worker does not exist: check GOOGLE_CREDENTIALS_CONFIG; the picture waits"},
	},
	visionByURL: {
		// "The URL does not appear to be accessible by us": seen with codes 3, 7, 12 and 14.
		aboutURL: {picture.Unfetchable, "Google could not fetch the picture; its bytes are sent instead"},
		// Also seen of good pictures (github.com/googleapis/google-cloud-java/issues/2276): believed only of bytes.
		"InvalidArgument":   {picture.Unfetchable, "Google cannot read what it fetched as a picture; its bytes are sent to make sure"},
		"DeadlineExceeded":  {picture.Unfetchable, "Google could not fetch the picture in time; its bytes are sent instead"},
		"PermissionDenied":  {picture.Unfetchable, "Google may not fetch the picture; its bytes are sent instead"},
		"Unavailable":       {picture.Unfetchable, "Google could not fetch the picture; its bytes are sent instead"},
		"NotFound":          {picture.Unfetchable, "Google did not find the picture; its bytes are sent instead"},
		"ResourceExhausted": {picture.Throttled, "Google's quota for Cloud Vision is used up; the picture is tried again"},
		"Unimplemented":     {picture.Misconfigured, "This server cannot do one of the features it was asked for: check TRIPTYCH_FEATURES; the picture waits"},
		other:               {picture.Unavailable, "Google could not look at the picture; it is asked again"},
	},
	visionByBytes: {
		"InvalidArgument":   {picture.BadImage, "Google cannot read this as a picture"},
		"ResourceExhausted": {picture.Throttled, "Google's quota for Cloud Vision is used up; the picture is tried again"},
		"Unimplemented":     {picture.Misconfigured, "This server cannot do one of the features it was asked for: check TRIPTYCH_FEATURES; the picture waits"},
		other:               {picture.Unavailable, "Google could not look at the picture; it is asked again"},
	},
	cosmosDB: {
		noCredentials: {picture.Forbidden, "The worker has no credentials for Azure: set AZURE_FEDERATION or COSMOS_KEY, or give it an identity; the picture waits"},
		// Before Cosmos DB is asked: AWS (https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html),
		// then Entra ID (https://learn.microsoft.com/entra/identity-platform/reference-error-codes).
		signingIn + "AccessDenied":                                   {picture.Forbidden, "AWS does not let the worker's role ask for the token that Azure takes: allow it sts:GetWebIdentityToken for api://AzureADTokenExchange; the picture waits"},
		signingIn + "OutboundWebIdentityFederationDisabledException": {picture.Misconfigured, "This AWS account gives no tokens for other clouds: enable outbound web identity federation (terraform does); the picture waits"},
		signingIn + "400":                                            {picture.Misconfigured, "Azure does not know the worker's identity or does not trust the AWS role: check AZURE_TENANT_ID, AZURE_CLIENT_ID and the identity's federated credential; the picture waits"},
		signingIn + "401":                                            {picture.Forbidden, "Azure does not trust the worker's AWS role: the identity's federated credential must name AWS's issuer, the role and api://AzureADTokenExchange; the picture waits"},
		"400":                                                        {picture.Misconfigured, "Cosmos DB calls the Record wrong: the container's partition key must be /id; the picture waits"},
		"401":                                                        {picture.Forbidden, "Azure does not accept the worker's credentials: check COSMOS_KEY or the federated identity, and the clock; the picture waits"},
		"403":                                                        {picture.Forbidden, "Azure refused the Record: the worker needs the role Cosmos DB Built-in Data Contributor; the picture waits"},
		"404":                                                        {picture.Misconfigured, "The database or container does not exist: create it (terraform does); the picture waits"},
		"408":                                                        {picture.Unavailable, "Cosmos DB timed out, perhaps after saving; the Record is written again, once"},
		"410":                                                        {picture.Unavailable, "Cosmos DB is moving the partition; the Record is written again"},
		"413":                                                        {picture.TooLarge, "The Record is larger than Cosmos DB can keep"},
		"429":                                                        {picture.Throttled, "Cosmos DB is out of request units; the Record is written when it says"},
		"449":                                                        {picture.Unavailable, "Cosmos DB was busy with the same Record; it is written again"},
		"500":                                                        {picture.Unavailable, "Cosmos DB had an internal error; the Record is written again"},
		"503":                                                        {picture.Unavailable, "Cosmos DB is unavailable; the Record is written again"},
		noRecord:                                                     {picture.Misconfigured, "What Cosmos DB keeps of this picture is no Record: mend the document or delete it; the picture waits"},
		other:                                                        {picture.Unavailable, "Cosmos DB could not be reached; the Record is written again"},
	},
}

// explain says what err, which from gave, means.
func explain(from source, err error) *picture.Error {
	a := answerOf(err)
	m, known := answers[from][a.code]
	if !known {
		m = answers[from][other]
	}
	return &picture.Error{Kind: m.kind, Message: m.says, RetryAfter: a.patience, Err: errors.New(a.said)}
}

// answer is what an SDK's error holds of a cloud's answer.
type answer struct {
	code     string
	said     string        // in the cloud's own words, one line
	patience time.Duration // how long the cloud asks to wait; 0 when it does not say
}

func answerOf(err error) answer {
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return answer{strconv.Itoa(e.StatusCode), fmt.Sprintf("%d %s", e.StatusCode, e.ErrorCode), cosmosPatience(e.RawResponse)}
	}
	if errors.Is(err, records.ErrUnreadable) {
		return answer{noRecord, err.Error(), 0}
	}
	if e, ok := errors.AsType[*records.SignInError](err); ok {
		return answer{signingIn + e.Code, e.Error(), 0}
	}
	if e, ok := errors.AsType[interface {
		error
		NonRetriable()
	}](err); ok { // azidentity's errors, whose types are not all exported
		return answer{noCredentials, e.Error(), 0}
	}
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return answer{e.ErrorCode(), fmt.Sprintf("%s: %s", e.ErrorCode(), e.ErrorMessage()), 0}
	}
	if e, ok := errors.AsType[*imageError](err); ok {
		if strings.Contains(e.message, "URL") {
			return answer{aboutURL, e.Error(), 0}
		}
		return answer{e.code.String(), e.Error(), 0}
	}
	if s, ok := status.FromError(err); ok {
		return answer{visionCode(s), fmt.Sprintf("%s: %s", s.Code(), s.Message()), visionPatience(s)}
	}
	return answer{other, err.Error(), 0}
}

func cosmosPatience(r *http.Response) time.Duration {
	if r == nil {
		return 0
	}
	ms, _ := strconv.ParseInt(r.Header.Get("x-ms-retry-after-ms"), 10, 32) // absent: no hint
	return time.Duration(ms) * time.Millisecond
}

// visionCode is the status's own code, unless it was made by signIn.
func visionCode(s *status.Status) string {
	for _, detail := range s.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetDomain() == signingIn {
			return signingIn + info.GetReason()
		}
	}
	return s.Code().String()
}

func visionPatience(s *status.Status) time.Duration {
	for _, detail := range s.Details() {
		if retry, ok := detail.(*errdetails.RetryInfo); ok {
			return retry.GetRetryDelay().AsDuration()
		}
	}
	return 0
}

// imageError is the error Google reports for one image inside a successful answer.
type imageError struct {
	code    codes.Code
	message string
}

func (e *imageError) Error() string { return fmt.Sprintf("%s (%d): %s", e.code, e.code, e.message) }

// failure makes err the only thing an activity may return: an ApplicationError, outermost, for Temporal
// looks no deeper for its type, whether to retry and when. Its message is the sentence, which is shown to everyone
// who watches the picture; what the cloud said is its cause, which is for the operator.
func failure(err error) error {
	e, ok := errors.AsType[*picture.Error](err)
	if !ok {
		return temporal.NewApplicationErrorWithCause("something unforeseen went wrong; it is tried again", "", errors.New(redact(err.Error())))
	}
	options := temporal.ApplicationErrorOptions{NonRetryable: !e.Kind.Retries(), NextRetryDelay: e.RetryAfter}
	if e.Err != nil {
		options.Cause = errors.New(redact(e.Err.Error()))
	}
	return temporal.NewApplicationErrorWithOptions(e.Message, string(e.Kind), options)
}

var (
	signature = regexp.MustCompile(`(?i)(X-Amz-(?:Signature|Credential|Security-Token)(?:=|%3D))[^&\s"]*`)
	wholeID   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
)

// redact keeps what opens a picture out of failures: a cloud may repeat the URL it was given, an SDK names the
// object it asked for, and the worker's log has it all.
func redact(s string) string {
	s = signature.ReplaceAllString(s, "${1}…")
	return wholeID.ReplaceAllStringFunc(s, func(id string) string { return picture.ID(id).Redacted() })
}

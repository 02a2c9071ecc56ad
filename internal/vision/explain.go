package vision

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"triptych/picture"
)

type phase int

const (
	call      phase = iota // Vision refused the call, or could not be reached
	signingIn              // AWS or Google refused a token
	byURL                  // Vision could not annotate an image that it had to fetch
	byBytes                // Vision could not annotate an image that was sent as bytes
)

type cause struct {
	phase phase
	code  string // a gRPC code ("NotFound"), an HTTP status (in the phase signingIn) or a constant below
}

const (
	noCredentials = "no credentials" // there is no AWS role to sign in with
	mentionsURL   = "mentions URL"   // the message of an error per image mentions the URL
	tooManyPixels = "too many pixels"
	tooManyBytes  = "too many bytes"
)

var explanations = map[cause]struct {
	kind    picture.Kind
	message string
}{
	// https://cloud.google.com/apis/design/errors
	{call, "ResourceExhausted"}:  {picture.Throttled, "Google's quota for Cloud Vision is exhausted"},
	{call, "Unauthenticated"}:    {picture.Forbidden, "Google refused the worker's credentials: check GOOGLE_CREDENTIALS_CONFIG or Application Default Credentials"},
	{call, "PermissionDenied"}:   {picture.Forbidden, "Google refused access: enable vision.googleapis.com and billing for the project, and let the worker's account use it"},
	{call, "InvalidArgument"}:    {picture.Misconfigured, "Google refused the request, not the picture: check TRIPTYCH_FEATURES and TRIPTYCH_VISION_PARENT"},
	{call, "FailedPrecondition"}: {picture.Misconfigured, "Google's project is not ready for Cloud Vision: check its billing and settings"},
	{call, "NotFound"}:           {picture.Misconfigured, "Google's project or endpoint does not exist: check the settings"},
	{call, "Unimplemented"}:      {picture.Misconfigured, "The server is not Cloud Vision: check TRIPTYCH_VISION_ENDPOINT or VISION_EMULATOR_HOST"},
	{call, "Unavailable"}:        {picture.Unavailable, "Cloud Vision is unavailable or unreachable"},
	{call, "DeadlineExceeded"}:   {picture.Unavailable, "Cloud Vision did not respond in time"},
	{call, "Internal"}:           {picture.Unavailable, "Cloud Vision had an internal error"},
	{call, ""}:                   {picture.Unavailable, "Cloud Vision could not be called"},

	// https://cloud.google.com/iam/docs/troubleshooting-workload-identity-federation
	{signingIn, noCredentials}: {picture.Forbidden, "The worker has no AWS role to sign in to Google with: give it one, and set AWS_REGION"},
	{signingIn, "400"}:         {picture.Misconfigured, "Google does not know the worker's identity pool, or AWS did not confirm the worker's role: check GOOGLE_CREDENTIALS_CONFIG and the clock"},
	{signingIn, "401"}:         {picture.Forbidden, "Google's identity pool does not trust the worker's AWS role: check the provider's attribute condition"},
	{signingIn, "403"}:         {picture.Forbidden, "Google does not let the worker use its service account: grant the worker's AWS role roles/iam.workloadIdentityUser on it"},
	{signingIn, "404"}:         {picture.Misconfigured, "The worker's service account does not exist: check GOOGLE_CREDENTIALS_CONFIG"},
	{signingIn, ""}:            {picture.Unavailable, "Signing in to Google failed"},

	// Vision reports "The URL does not appear to be accessible by us" with different codes (3, 7, 12 and 14), so the
	// word "URL" identifies this error.
	{byURL, mentionsURL}: {picture.Unfetchable, "Google could not fetch the picture"},
	// Vision sometimes returns InvalidArgument for the URL of a good picture
	// (github.com/googleapis/google-cloud-java/issues/2276). InvalidArgument means BadImage only if the picture was
	// sent as bytes.
	{byURL, tooManyPixels}:       {picture.TooLarge, "The picture has more than 75 megapixels, which Google does not accept: make it smaller"},
	{byURL, tooManyBytes}:        {picture.TooLarge, "The file is larger than Google accepts: make the picture smaller"},
	{byURL, "InvalidArgument"}:   {picture.Unfetchable, "Google could not read what it fetched"},
	{byURL, "DeadlineExceeded"}:  {picture.Unfetchable, "Google could not fetch the picture in time"},
	{byURL, "PermissionDenied"}:  {picture.Unfetchable, "Google was not allowed to fetch the picture"},
	{byURL, "Unavailable"}:       {picture.Unfetchable, "Google could not fetch the picture"},
	{byURL, "NotFound"}:          {picture.Unfetchable, "Google did not find the picture"},
	{byURL, "ResourceExhausted"}: {picture.Throttled, "Google's quota for Cloud Vision is exhausted"},
	{byURL, "Unimplemented"}:     {picture.Misconfigured, "The server does not support a requested feature: check TRIPTYCH_FEATURES"},
	{byURL, ""}:                  {picture.Unavailable, "Google could not annotate the picture"},

	{byBytes, tooManyPixels}:       {picture.TooLarge, "The picture has more than 75 megapixels, which Google does not accept: make it smaller"},
	{byBytes, tooManyBytes}:        {picture.TooLarge, "The file is larger than Google accepts: make the picture smaller"},
	{byBytes, "InvalidArgument"}:   {picture.BadImage, "Google cannot read this file as an image"},
	{byBytes, "ResourceExhausted"}: {picture.Throttled, "Google's quota for Cloud Vision is exhausted"},
	{byBytes, "Unimplemented"}:     {picture.Misconfigured, "The server does not support a requested feature: check TRIPTYCH_FEATURES"},
	{byBytes, ""}:                  {picture.Unavailable, "Google could not annotate the picture"},
}

// Explain translates the error of a call to Cloud Vision.
func Explain(err error) *picture.Error {
	c, text, retryAfter := cause{}, err.Error(), time.Duration(0)
	if s, ok := status.FromError(err); ok {
		c.code, text = s.Code().String(), fmt.Sprintf("%s: %s", s.Code(), s.Message())
		for _, detail := range s.Details() {
			if retry, ok := detail.(*errdetails.RetryInfo); ok {
				retryAfter = retry.GetRetryDelay().AsDuration()
			}
		}
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		c = cause{signingIn, refused.code}
	}
	return explain(c, text, retryAfter)
}

// ExplainImage translates the error of one image in an otherwise successful response.
func ExplainImage(s *statuspb.Status, sentBytes bool) *picture.Error {
	code := codes.Code(s.GetCode())
	c := cause{byURL, code.String()}
	if sentBytes {
		c.phase = byBytes
	}
	// "Image too large. Please limit to 75 megapixels." (github.com/openfoodfacts/openfoodfacts-server/issues/10764)
	tooLarge := code == codes.InvalidArgument && strings.HasPrefix(s.GetMessage(), "Image too large")
	switch {
	case strings.Contains(s.GetMessage(), "URL"):
		c.code = mentionsURL
	case tooLarge && strings.Contains(s.GetMessage(), "megapixels"):
		c.code = tooManyPixels
	case tooLarge:
		c.code = tooManyBytes
	}
	return explain(c, fmt.Sprintf("%s (%d): %s", code, code, s.GetMessage()), 0)
}

func explain(c cause, text string, retryAfter time.Duration) *picture.Error {
	e, known := explanations[c]
	if !known {
		e = explanations[cause{c.phase, ""}]
	}
	return &picture.Error{Kind: e.kind, Cloud: picture.Google, Message: e.message, RetryAfter: retryAfter, Err: errors.New(text)}
}

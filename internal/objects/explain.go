package objects

import (
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"

	"triptych/picture"
)

// Archived is the message for an object that must be restored before S3 returns it.
const Archived = "The object is archived: restore it"

const (
	otherRegion = "The bucket is in another region: check AWS_REGION"
	expired     = "The program's AWS credentials have expired: renew them"
	blocked     = "AWS has blocked the account or the bucket: contact AWS Support"
	internal    = "S3 had an internal error"
)

// Codes of AWS KMS begin with this prefix (github.com/localstack/localstack/issues/8422).
const keyManagement = "KMS."

// Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
var explanations = map[string]struct {
	kind    picture.Kind
	message string
}{
	"NoSuchKey":             {picture.Gone, "The picture is no longer in S3"},
	"NoSuchVersion":         {picture.Gone, "This version of the picture is no longer in S3"},
	"MethodNotAllowed":      {picture.Gone, "The picture has been deleted from S3"},         // the version is a delete marker
	"InvalidArgument":       {picture.Gone, "S3 does not know this version of the picture"}, // code of an invalid version ID
	"PreconditionFailed":    {picture.Gone, "The picture was replaced in S3"},               // its ETag differs
	"NoSuchBucket":          {picture.Misconfigured, "The bucket does not exist: check TRIPTYCH_BUCKET"},
	"AccessDenied":          {picture.Forbidden, "AWS refused access: the worker's role needs s3:GetObject, s3:GetObjectVersion, s3:DeleteObject, s3:DeleteObjectVersion, s3:ListBucket and s3:ListBucketVersions"},
	"InvalidAccessKeyId":    {picture.Forbidden, "AWS does not know the program's access key: check its credentials"},
	"SignatureDoesNotMatch": {picture.Forbidden, "AWS refused the program's signature: check its secret key and clock"},
	"ExpiredToken":          {picture.Forbidden, expired},
	"TokenRefreshRequired":  {picture.Forbidden, expired},
	"InvalidToken":          {picture.Forbidden, "AWS refused the program's session token: renew its credentials"},
	"RequestTimeTooSkewed":  {picture.Forbidden, "AWS refused the time of the program's request: set the program's clock"},
	"AllAccessDisabled":     {picture.Forbidden, blocked},
	"AccountProblem":        {picture.Forbidden, blocked},
	"NotSignedUp":           {picture.Forbidden, blocked},
	"InvalidBucketName":     {picture.Misconfigured, "The name of the bucket is invalid: check TRIPTYCH_BUCKET"},
	"InvalidObjectState":    {picture.Misconfigured, Archived},
	"PermanentRedirect":     {picture.Misconfigured, otherRegion},
	"InvalidRequest":        {picture.Misconfigured, "S3 refused the request: check whether the object is encrypted with a customer-provided key (SSE-C)"},
	// github.com/aws/aws-sdk-java-v2/issues/4425
	"AuthorizationHeaderMalformed":      {picture.Misconfigured, otherRegion},
	"AuthorizationQueryParametersError": {picture.Misconfigured, otherRegion}, // of a presigned URL
	// github.com/cloud-custodian/cloud-custodian/issues/8005
	"IllegalLocationConstraintException": {picture.Misconfigured, otherRegion},
	keyManagement:                        {picture.Forbidden, "AWS KMS did not decrypt the picture: enable its key, and grant the worker's role kms:Decrypt"},
	"KMS.ThrottlingException":            {picture.Throttled, "AWS KMS asked to slow down"},
	"SlowDown":                           {picture.Throttled, "S3 asked to slow down"},
	"ServiceUnavailable":                 {picture.Unavailable, "S3 is unavailable"},
	"InternalError":                      {picture.Unavailable, internal},
	// A HEAD response has no body. The AWS SDK then uses the HTTP status text as the error code.
	"MovedPermanently":    {picture.Misconfigured, otherRegion},
	"InternalServerError": {picture.Unavailable, internal},
	"NotFound":            {picture.Gone, "The picture is no longer in S3"},
	"BadRequest":          {picture.Forbidden, "AWS refused to describe an object and gave no reason: renew the worker's credentials, or check whether the object is encrypted with a customer-provided key (SSE-C)"},
	"Forbidden":           {picture.Forbidden, "AWS refused to describe an object: the worker's role needs s3:GetObject, s3:GetObjectVersion and s3:ListBucket"},
	// No response of S3, or an unknown code.
	"": {picture.Unavailable, "S3 could not be reached"},
}

// Code returns S3's error code, or "" if err is no answer of S3.
func Code(err error) string {
	answer, ok := errors.AsType[interface {
		error
		ServiceRequestID() string
	}](err)
	if ok && answer.ServiceRequestID() == "" { // a proxy answered: each response of S3 has a request ID
		return ""
	}
	if response, ok := errors.AsType[smithy.APIError](err); ok {
		return response.ErrorCode()
	}
	return ""
}

// ResponseError returns the error in S3's response to a presigned URL.
func ResponseError(r *http.Response) *smithy.GenericAPIError {
	var body struct{ Code, Message string }
	_ = xml.NewDecoder(r.Body).Decode(&body) // the response of a proxy may not be XML
	return &smithy.GenericAPIError{Code: cmp.Or(body.Code, r.Status), Message: body.Message}
}

func Explain(err error) *picture.Error {
	code, text := Code(err), err.Error()
	if response, ok := errors.AsType[smithy.APIError](err); ok && code != "" {
		text = fmt.Sprintf("%s: %s", code, response.ErrorMessage())
	}
	e, known := explanations[code]
	if !known && strings.HasPrefix(code, keyManagement) {
		e, known = explanations[keyManagement], true
	}
	if !known {
		e = explanations[""]
	}
	return &picture.Error{Kind: e.kind, Cloud: picture.AWS, Message: e.message, Err: errors.New(text)}
}

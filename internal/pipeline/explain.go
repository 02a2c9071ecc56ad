package pipeline

import (
	"errors"

	"go.temporal.io/api/serviceerror"
	"google.golang.org/grpc/codes"

	"triptych/picture"
)

// Codes: https://docs.temporal.io/cloud/api-keys and go.temporal.io/api/serviceerror
var explanations = map[codes.Code]struct {
	kind    picture.Kind
	message string
}{
	codes.Unauthenticated:   {picture.Forbidden, "Temporal refused the API key: check TEMPORAL_API_KEY and its expiry"},
	codes.PermissionDenied:  {picture.Forbidden, "Temporal refused access: give the service account of TEMPORAL_API_KEY write access to TEMPORAL_NAMESPACE"},
	codes.NotFound:          {picture.Misconfigured, "The namespace does not exist: check TEMPORAL_NAMESPACE"},
	codes.InvalidArgument:   {picture.Misconfigured, "Temporal refused the request: check TEMPORAL_NAMESPACE"},
	codes.ResourceExhausted: {picture.Throttled, "Temporal asked to slow down: ask for a higher limit of the namespace if this continues"},
}

// Explain returns nil if err is nil.
func Explain(err error) error {
	if err == nil {
		return nil
	}
	e := &picture.Error{Kind: picture.Unavailable, Cloud: picture.Temporal, Err: errors.New(err.Error()),
		Message: "Temporal could not be reached: check TEMPORAL_ADDRESS and TEMPORAL_TLS"}
	if known, ok := explanations[serviceerror.ToStatus(err).Code()]; ok {
		e.Kind, e.Message = known.kind, known.message
	}
	return e
}

package pipeline

import (
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/api/proxy"
)

const hiddenMessage = "The message is not encrypted with a known payload key"

// hideMessage hides the message of each failure of an application. Otherwise, the holder of a stolen Temporal key could choose text
// that the page shows. Afterwards, the interceptor `failures` restores a message from the failure's encrypted attributes.
// Failures of the Temporal server, such as timeouts, are never encrypted.
func hideMessage(_ *proxy.VisitFailuresContext, failure *failurepb.Failure) error {
	if failure.GetApplicationFailureInfo() != nil {
		failure.Message = hiddenMessage
	}
	return nil
}

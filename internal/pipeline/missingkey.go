package pipeline

import (
	"context"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// MissingKey returns the key ID of a payload that is still encrypted after a codec has decoded the message, or "" if there is none.
func MissingKey(ctx context.Context, message proto.Message) (id string, err error) {
	err = proxy.VisitPayloads(ctx, message, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true, // they are not encrypted
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			for _, p := range payloads {
				if string(p.GetMetadata()[converter.MetadataEncoding]) == encryptedEncoding && id == "" {
					id = string(p.GetMetadata()[keyIDMetadata]) // a strict codec marks a plain payload as encrypted, without a key ID
				}
			}
			return payloads, nil
		},
	})
	if err != nil {
		return "", fmt.Errorf("looking for encrypted payloads: %w", err)
	}
	return id, nil
}

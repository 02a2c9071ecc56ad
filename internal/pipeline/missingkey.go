package pipeline

import (
	"context"
	"fmt"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/proto"
)

// MissingKey returns the ID of a key that would decrypt a payload of the message, which a codec has decoded. It returns ""
// if no key is missing.
func MissingKey(ctx context.Context, message proto.Message) (id string, err error) {
	err = proxy.VisitPayloads(ctx, message, proxy.VisitPayloadsOptions{
		SkipSearchAttributes: true, // they are not encrypted
		Visitor: func(_ *proxy.VisitPayloadsContext, payloads []*commonpb.Payload) ([]*commonpb.Payload, error) {
			for _, p := range payloads {
				if string(p.GetMetadata()[converter.MetadataEncoding]) == encryptedEncoding && id == "" {
					id = string(p.GetMetadata()[keyIDMetadata]) // a strict codec gives none to a plain payload
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

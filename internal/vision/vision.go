// Package vision connects to Google Cloud Vision and translates its errors. Only Temporal retries.
package vision

import (
	"context"
	"fmt"

	visionapi "cloud.google.com/go/vision/v2/apiv1"
	"github.com/aws/aws-sdk-go-v2/aws"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// gRPC reports a response above this size as RESOURCE_EXHAUSTED, which Triptych would take for an exhausted quota.
const maxResponse = 64 << 20 // bytes

type Config struct {
	Endpoint          string // TRIPTYCH_VISION_ENDPOINT; "" for Google's default
	EmulatorHost      string // VISION_EMULATOR_HOST, host:port; in plaintext and without credentials
	CredentialsConfig string // GOOGLE_CREDENTIALS_CONFIG, JSON; "" for Application Default Credentials
	AWS               aws.Config
}

// Open sends no request.
func Open(ctx context.Context, c Config) (*visionapi.ImageAnnotatorClient, error) {
	options := []option.ClientOption{option.WithGRPCDialOption(grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponse)))}
	if c.Endpoint != "" {
		options = append(options, option.WithEndpoint(c.Endpoint))
	}
	if c.EmulatorHost != "" {
		options = append(options, option.WithEndpoint(c.EmulatorHost), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	} else if c.CredentialsConfig != "" {
		credentials, err := federated(c)
		if err != nil {
			return nil, err
		}
		options = append(options, option.WithAuthCredentials(credentials))
	}
	client, err := visionapi.NewImageAnnotatorClient(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("making a Cloud Vision client (set GOOGLE_CREDENTIALS_CONFIG or Application Default Credentials, or VISION_EMULATOR_HOST for the emulator): %w", err)
	}
	client.CallOptions.BatchAnnotateImages = nil // no retries
	return client, nil
}

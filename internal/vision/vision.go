// Package vision connects to Google Cloud Vision and translates its errors. The package retries nothing, because
// Temporal retries and shows each attempt.
package vision

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	visionapi "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/aws"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// DefaultFeatures lists the features that the worker requests by default. Google charges for each feature separately.
const DefaultFeatures = "LABEL_DETECTION,FACE_DETECTION,LANDMARK_DETECTION,LOGO_DETECTION,IMAGE_PROPERTIES,OBJECT_LOCALIZATION,SAFE_SEARCH_DETECTION"

// maxResponse is the size of the largest accepted response, in bytes. For a larger response, gRPC returns the error
// code of an exhausted quota, which is retried forever. No Record has such a size.
const maxResponse = 64 << 20

// Config configures the client. With EmulatorHost, the client connects in plaintext. Otherwise it signs in, with the
// program's AWS role if CredentialsConfig is set, and with Application Default Credentials if not.
type Config struct {
	Endpoint          string // TRIPTYCH_VISION_ENDPOINT; "" for Google's default
	EmulatorHost      string // VISION_EMULATOR_HOST, host:port
	CredentialsConfig string // GOOGLE_CREDENTIALS_CONFIG, JSON
	AWS               aws.Config
}

// ConfigFrom reads the configuration from environment variables.
func ConfigFrom(getenv func(string) string, aws aws.Config) Config {
	return Config{
		Endpoint: getenv("TRIPTYCH_VISION_ENDPOINT"), EmulatorHost: getenv("VISION_EMULATOR_HOST"),
		CredentialsConfig: getenv("GOOGLE_CREDENTIALS_CONFIG"), AWS: aws,
	}
}

// Open returns a client. It sends nothing.
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

// ParseFeatures parses TRIPTYCH_FEATURES, a comma-separated list of feature names. "" stands for DefaultFeatures.
func ParseFeatures(list string) ([]*visionpb.Feature, error) {
	var features []*visionpb.Feature
	for name := range strings.SplitSeq(cmp.Or(list, DefaultFeatures), ",") {
		name = strings.TrimSpace(name)
		value := visionpb.Feature_Type_value[name]
		if value == 0 {
			return nil, fmt.Errorf("TRIPTYCH_FEATURES: %q is not a feature of Cloud Vision; the default is %s", name, DefaultFeatures)
		}
		if slices.ContainsFunc(features, func(f *visionpb.Feature) bool { return f.Type == visionpb.Feature_Type(value) }) {
			return nil, fmt.Errorf("TRIPTYCH_FEATURES: %s is listed twice; list it once", name)
		}
		features = append(features, &visionpb.Feature{Type: visionpb.Feature_Type(value)})
	}
	return features, nil
}

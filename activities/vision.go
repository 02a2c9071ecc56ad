package activities

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	vision "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// DefaultFeatures is what is asked of Google unless TRIPTYCH_FEATURES says otherwise. Each is billed by
// itself (https://cloud.google.com/vision/pricing).
const DefaultFeatures = "LABEL_DETECTION,FACE_DETECTION,LANDMARK_DETECTION,LOGO_DETECTION,IMAGE_PROPERTIES,OBJECT_LOCALIZATION,SAFE_SEARCH_DETECTION"

// maxResponse bounds what one answer may take in memory. It is well above what a Record can hold, because
// an answer that is refused by gRPC looks like a quota that ran out and would be retried for ever.
const maxResponse = 64 << 20

// OpenVision makes a client of Cloud Vision, at TRIPTYCH_VISION_ENDPOINT if that is set. It signs in by the worker's
// AWS role if GOOGLE_CREDENTIALS_CONFIG says how, or else with Application Default Credentials, or talks to the
// plaintext server at VISION_EMULATOR_HOST. It retries nothing: Temporal does, where it can be seen.
func OpenVision(ctx context.Context) (*vision.ImageAnnotatorClient, error) {
	options := []option.ClientOption{option.WithGRPCDialOption(
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxResponse)))}
	if endpoint := os.Getenv("TRIPTYCH_VISION_ENDPOINT"); endpoint != "" {
		options = append(options, option.WithEndpoint(endpoint))
	}
	if host := os.Getenv("VISION_EMULATOR_HOST"); host != "" {
		options = append(options, option.WithEndpoint(host), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	} else if setting := os.Getenv("GOOGLE_CREDENTIALS_CONFIG"); setting != "" {
		credentials, err := federated(ctx, setting)
		if err != nil {
			return nil, err
		}
		options = append(options, option.WithAuthCredentials(credentials))
	}
	client, err := vision.NewImageAnnotatorClient(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("making a Cloud Vision client (set GOOGLE_CREDENTIALS_CONFIG or Application Default Credentials, or VISION_EMULATOR_HOST for a local server): %w", err)
	}
	client.CallOptions.BatchAnnotateImages = nil
	return client, nil
}

// ParseFeatures reads a comma-separated list of Vision's feature names; "" is DefaultFeatures.
func ParseFeatures(list string) ([]*visionpb.Feature, error) {
	var features []*visionpb.Feature
	for name := range strings.SplitSeq(cmp.Or(list, DefaultFeatures), ",") {
		name = strings.TrimSpace(name)
		value := visionpb.Feature_Type_value[name]
		if value == 0 {
			return nil, fmt.Errorf("TRIPTYCH_FEATURES: %q is no feature of Cloud Vision; the default is %s", name, DefaultFeatures)
		}
		if slices.ContainsFunc(features, func(f *visionpb.Feature) bool { return f.Type == visionpb.Feature_Type(value) }) {
			return nil, fmt.Errorf("TRIPTYCH_FEATURES: %s is named twice; name it once", name)
		}
		features = append(features, &visionpb.Feature{Type: visionpb.Feature_Type(value)})
	}
	return features, nil
}

package main

import (
	"errors"
	"flag"
	"fmt"
	"strconv"

	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"go.temporal.io/sdk/client"

	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/internal/settings"
	"triptych/internal/vision"
)

type config struct {
	bucket               string
	features             []*visionpb.Feature
	annotationsPerSecond float64
	temporal             client.Options
	payloadKeys          string
	objects              objects.Config
	vision               vision.Config
	records              records.Config
}

func readConfig(s settings.Settings) (config, error) {
	if err := s.Require("TRIPTYCH_BUCKET", "COSMOS_ENDPOINT", "TRIPTYCH_PAYLOAD_KEYS", "TRIPTYCH_ANNOTATIONS_PER_SECOND"); err != nil {
		return config{}, err
	}
	perSecond, err := strconv.ParseFloat(s.Getenv("TRIPTYCH_ANNOTATIONS_PER_SECOND"), 64)
	if err != nil || !(perSecond > 0) { // also refuses NaN
		return config{}, errors.New("TRIPTYCH_ANNOTATIONS_PER_SECOND must be a number above 0, such as 0.1 or 30")
	}
	features, err := vision.ParseFeatures(s.Getenv("TRIPTYCH_FEATURES"))
	if err != nil {
		return config{}, err
	}
	return config{
		bucket: s.Getenv("TRIPTYCH_BUCKET"), features: features, annotationsPerSecond: perSecond, temporal: s.Temporal,
		payloadKeys: s.Getenv("TRIPTYCH_PAYLOAD_KEYS"),
		objects:     objects.Config{AWS: s.AWS}, vision: vision.ConfigFrom(s.Getenv, s.AWS), records: records.ConfigFrom(s.Getenv, s.AWS),
	}, nil
}

func usage() {
	fmt.Fprint(flag.CommandLine.Output(), `worker runs the workflows and activities that take pictures through the three clouds.
It reads its settings from the environment:

  TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, …   as for the temporal CLI
  AWS_REGION, AWS_ENDPOINT_URL_S3, …                          as for the aws CLI
  GOOGLE_CREDENTIALS_CONFIG                                   a credential configuration (JSON) that lets Google trust the AWS role;
                                                              without it, GOOGLE_APPLICATION_CREDENTIALS, … or, for a local
                                                              server, VISION_EMULATOR_HOST
  TRIPTYCH_VISION_ENDPOINT                                    such as eu-vision.googleapis.com:443; default: Google chooses
  COSMOS_ENDPOINT                                             the Cosmos DB account of the Records, and one of:
  AZURE_FEDERATION=aws, AZURE_TENANT_ID, AZURE_CLIENT_ID        an Azure identity that trusts the AWS role
  COSMOS_KEY                                                    a key of the account
                                                                without either: Azure's default credentials
  TRIPTYCH_PAYLOAD_KEYS                                       keys that encrypt what Temporal stores: ID:KEY,ID:KEY…, the
                                                              current key first
  TRIPTYCH_BUCKET                                             the bucket of the pictures
  TRIPTYCH_FEATURES                                           Vision features to request; default: the seven usual ones
  TRIPTYCH_ANNOTATIONS_PER_SECOND                             such as 0.1; no default, because Google bills each picture
  TRIPTYCH_SSM_PATH                                           SSM parameters under these paths (separated by commas)
                                                              override all of these

Flags:
`)
	flag.PrintDefaults()
}

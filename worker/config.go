package main

import (
	"cloud.google.com/go/vision/v2/apiv1/visionpb"

	"triptych/internal/records"
	"triptych/internal/settings"
	"triptych/internal/vision"
	"triptych/internal/vision/features"
)

type config struct {
	settings.Settings
	bucket               string
	features             []*visionpb.Feature
	annotationsPerSecond float64
	annotationsPerDay    int
	vision               vision.Config
	visionParent         string
	records              records.Config
}

func readConfig(s settings.Settings) (config, error) {
	if err := s.Require("TRIPTYCH_BUCKET", "COSMOS_ENDPOINT", "TRIPTYCH_PAYLOAD_KEYS", "TRIPTYCH_ANNOTATIONS_PER_SECOND"); err != nil {
		return config{}, err
	}
	if err := s.CheckRegion(); err != nil {
		return config{}, err
	}
	bucket, err := s.Bucket()
	if err != nil {
		return config{}, err
	}
	perSecond, err := s.AnnotationsPerSecond()
	if err != nil {
		return config{}, err
	}
	perDay, err := s.AnnotationsPerDay()
	if err != nil {
		return config{}, err
	}
	features, err := features.Parse(s.Getenv("TRIPTYCH_FEATURES"))
	if err != nil {
		return config{}, err
	}
	return config{
		Settings: s, bucket: bucket, features: features, annotationsPerSecond: perSecond, annotationsPerDay: perDay,
		records: records.ConfigFrom(s.Getenv, s.AWS),
		vision: vision.Config{Endpoint: s.Getenv("TRIPTYCH_VISION_ENDPOINT"), EmulatorHost: s.Getenv("VISION_EMULATOR_HOST"),
			CredentialsConfig: s.Getenv("GOOGLE_CREDENTIALS_CONFIG"), AWS: s.AWS},
		visionParent: s.Getenv("TRIPTYCH_VISION_PARENT"),
	}, nil
}

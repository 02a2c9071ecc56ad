package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	vision "cloud.google.com/go/vision/v2/apiv1"
	"cloud.google.com/go/vision/v2/apiv1/visionpb"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"google.golang.org/protobuf/encoding/protojson"

	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/picture"
)

type steps struct {
	s3       *s3.Client
	vision   *vision.ImageAnnotatorClient
	features []*visionpb.Feature
	records  *records.Container
}

func (s *steps) process(ctx context.Context, p picture.Picture) error {
	url, err := s.presign(ctx, p)
	if err != nil {
		return err
	}
	annotation, err := s.annotate(ctx, url)
	if err != nil {
		return err
	}
	return s.persist(ctx, p.AnnotatedRecord(annotation, time.Now(), nil, ""))
}

func (s *steps) presign(ctx context.Context, p picture.Picture) (string, error) {
	url, _, err := objects.SignGet(ctx, s.s3, p, 15*time.Minute)
	return url, err
}

func (s *steps) annotate(ctx context.Context, url string) (json.RawMessage, error) {
	image := &visionpb.Image{Source: &visionpb.ImageSource{ImageUri: url}}
	response, err := s.vision.BatchAnnotateImages(ctx, &visionpb.BatchAnnotateImagesRequest{
		Requests: []*visionpb.AnnotateImageRequest{{Image: image, Features: s.features}},
	})
	if err != nil {
		return nil, err
	}
	if e := response.Responses[0].GetError(); e != nil {
		return nil, fmt.Errorf("image rejected by Vision: %s", e.Message)
	}
	return protojson.Marshal(response.Responses[0])
}

func (s *steps) persist(ctx context.Context, r picture.Record) error { return s.records.Create(ctx, r) }

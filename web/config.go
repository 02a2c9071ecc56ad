package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"triptych/internal/objects"
	"triptych/internal/pipeline"
	"triptych/internal/records"
	"triptych/internal/settings"
	"triptych/internal/telemetry"

	"golang.org/x/time/rate"
)

type config struct {
	bucket        string
	eraseSecret   []byte
	retentionDays *int // nil: pictures are stored until they are erased
	perDay        int  // annotations
}

// Event streams end when `stopping` is closed.
func open(ctx context.Context, stopping <-chan struct{}) (http.Handler, error) {
	a, _, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	a.stopping = stopping
	origin, err := a.bucketOrigin(ctx)
	if err != nil {
		return nil, fmt.Errorf("finding the bucket's origin for the Content-Security-Policy: %w", err)
	}
	return a.handler(origin), nil
}

// connect reads the settings and makes the clients. It calls no cloud except SSM.
func connect(ctx context.Context) (*api, settings.Settings, error) {
	s, err := settings.Load(ctx)
	if err != nil {
		return nil, s, err
	}
	if err := telemetry.Start(ctx, "web", s.Getenv); err != nil {
		return nil, s, err
	}
	c, err := readConfig(s)
	if err != nil {
		return nil, s, err
	}
	container, err := records.Open(records.ConfigFrom(s.Getenv, s.AWS))
	if err != nil {
		return nil, s, err
	}
	temporal, err := pipeline.Dial(s.Temporal, s.Getenv("TRIPTYCH_PAYLOAD_KEYS"))
	return &api{
		config: c, objects: objects.Open(s.AWS), records: container, temporal: temporal,
		timing: defaultTiming, countInterval: rate.Sometimes{Interval: 5 * time.Second},
	}, s, err
}

func readConfig(s settings.Settings) (config, error) {
	if err := s.Require("TRIPTYCH_BUCKET", "TRIPTYCH_ERASE_SECRET", "TRIPTYCH_PAYLOAD_KEYS", "COSMOS_ENDPOINT"); err != nil {
		return config{}, err
	}
	if err := s.CheckRegion(); err != nil {
		return config{}, err
	}
	bucket, err := s.Bucket()
	if err != nil {
		return config{}, err
	}
	c := config{bucket: bucket, eraseSecret: []byte(s.Getenv("TRIPTYCH_ERASE_SECRET"))}
	if len(c.eraseSecret) < 32 {
		return config{}, errors.New("TRIPTYCH_ERASE_SECRET is so short that it can be guessed from an erase token: use 32 random bytes or more")
	}
	if setting := s.Getenv("TRIPTYCH_RETENTION_DAYS"); setting != "" {
		days, err := strconv.Atoi(setting)
		if err != nil || days < 1 {
			return config{}, errors.New("TRIPTYCH_RETENTION_DAYS must be a whole number of days above 0, such as 30; leave it out if pictures are stored until they are erased")
		}
		c.retentionDays = &days
	}
	c.perDay, err = s.AnnotationsPerDay()
	return c, err
}

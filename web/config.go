package main

import (
	"errors"
	"strconv"

	"go.temporal.io/sdk/client"

	"triptych/internal/objects"
	"triptych/internal/records"
	"triptych/internal/settings"
)

// config is web's configuration.
type config struct {
	bucket        string
	eraseSecret   []byte
	retentionDays *int // nil: pictures are stored until they are erased
	temporal      client.Options
	objects       objects.Config
	records       records.Config
}

// minEraseSecret is the shortest allowed TRIPTYCH_ERASE_SECRET, in bytes. An attacker who has one erase token could
// guess a shorter secret by trial and error, and then erase every picture whose ID is known.
const minEraseSecret = 32

// readConfig reads the environment variables that usage lists.
func readConfig(s settings.Settings) (config, error) {
	if err := s.Require("TRIPTYCH_BUCKET", "TRIPTYCH_ERASE_SECRET", "COSMOS_ENDPOINT"); err != nil {
		return config{}, err
	}
	c := config{
		bucket: s.Getenv("TRIPTYCH_BUCKET"), eraseSecret: []byte(s.Getenv("TRIPTYCH_ERASE_SECRET")), temporal: s.Temporal,
		objects: objects.Config{AWS: s.AWS}, records: records.ConfigFrom(s.Getenv, s.AWS),
	}
	if len(c.eraseSecret) < minEraseSecret {
		return config{}, errors.New("TRIPTYCH_ERASE_SECRET is so short that it can be guessed from an erase token: use 32 random bytes or more")
	}
	if setting := s.Getenv("TRIPTYCH_RETENTION_DAYS"); setting != "" {
		days, err := strconv.Atoi(setting)
		if err != nil || days < 1 {
			return config{}, errors.New("TRIPTYCH_RETENTION_DAYS must be a whole number of days above 0, such as 30; leave it out if pictures are stored until they are erased")
		}
		c.retentionDays = &days
	}
	return c, nil
}

package main

import (
	"errors"
	"strconv"
	"strings"
)

// config is the part of the environment that web itself reads. The SDKs of AWS and Temporal read their own variables.
type config struct {
	bucket         string
	eraseSecret    []byte
	retentionDays  *int // nil: pictures are stored until they are erased
	cosmosEndpoint string
	cosmosKey      string // "": sign in with Azure's default credentials or by federation
}

// minEraseSecret is the shortest allowed TRIPTYCH_ERASE_SECRET, in bytes. An attacker who holds one erase token could find
// a shorter secret by trial and error.
const minEraseSecret = 32

// readConfig reads and checks the settings of web.
func readConfig(getenv func(string) string) (config, error) {
	var missing []string
	for _, name := range []string{"TRIPTYCH_BUCKET", "TRIPTYCH_ERASE_SECRET", "COSMOS_ENDPOINT"} {
		if getenv(name) == "" {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return config{}, errors.New("set " + strings.Join(missing, ", ") + " (or start everything with: go run ./local)")
	}
	c := config{
		bucket:         getenv("TRIPTYCH_BUCKET"),
		eraseSecret:    []byte(getenv("TRIPTYCH_ERASE_SECRET")),
		cosmosEndpoint: getenv("COSMOS_ENDPOINT"),
		cosmosKey:      getenv("COSMOS_KEY"),
	}
	if len(c.eraseSecret) < minEraseSecret {
		return config{}, errors.New("TRIPTYCH_ERASE_SECRET is so short that it can be guessed from an erase token: use 32 random bytes or more")
	}
	if setting := getenv("TRIPTYCH_RETENTION_DAYS"); setting != "" {
		days, err := strconv.Atoi(setting)
		if err != nil || days < 1 {
			return config{}, errors.New("TRIPTYCH_RETENTION_DAYS must be a whole number of days above 0, such as 30; leave it out if pictures are stored until they are erased")
		}
		c.retentionDays = &days
	}
	return c, nil
}

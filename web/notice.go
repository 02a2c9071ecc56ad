package main

import (
	"errors"
	"net/http"
	"strconv"
)

// retentionDays reads after how many days the clouds delete a picture; nil is never.
func retentionDays(setting string) (*int, error) {
	if setting == "" {
		return nil, nil
	}
	days, err := strconv.Atoi(setting)
	if err != nil || days < 1 {
		return nil, errors.New("TRIPTYCH_RETENTION_DAYS must be a whole number of days above 0, such as 30; leave it out if pictures are kept until they are erased")
	}
	return &days, nil
}

// notice is what the page's notice cannot know by itself.
func (a *api) notice(w http.ResponseWriter, _ *http.Request) error {
	send(w, http.StatusOK, "application/json", map[string]*int{"retentionDays": a.retentionDays})
	return nil
}

package main

import (
	"encoding/json"
	"fmt"
	"time"

	"triptych/emulators/s3event"
)

// object is the part of an event that is known only after the object was created.
type object struct {
	version, etag string
	size          int64
}

// event returns the event notification that AWS would send for the created object.
func (i intent) event(region, sequencer string, o object) ([]byte, error) {
	doc, err := json.Marshal(s3event.Event{Records: []s3event.Record{s3event.New(s3event.Creation{
		EventName: i.Event, Region: region, Bucket: i.Bucket, Key: i.Key, VersionID: o.version, ETag: o.etag,
		Size: o.size, Time: i.Time, Sequencer: sequencer,
	})}})
	if err != nil {
		return nil, fmt.Errorf("encoding the event: %w", err)
	}
	return doc, nil
}

func newIntent(event string, bucket, key *string) intent {
	return intent{Event: event, Bucket: *bucket, Key: *key, Time: time.Now()}
}

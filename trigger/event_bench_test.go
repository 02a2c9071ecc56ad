package main

import (
	"encoding/json"
	"testing"
)

// BenchmarkEvent reads an S3 event of one picture, as the trigger gets it, up to the start.
func BenchmarkEvent(b *testing.B) {
	event := json.RawMessage(event(record(newPicture(b).key)))
	b.ReportAllocs()
	for b.Loop() {
		records, err := recordsOf(event)
		if err != nil {
			b.Fatal(err)
		}
		if p, err := pictureOf(records[0]); err != nil || p.ID == "" {
			b.Fatalf("%+v, %v", p, err)
		}
	}
}

package main

import (
	"encoding/json"
	"testing"
)

func BenchmarkEvent(b *testing.B) {
	event := json.RawMessage(event(record(newPicture(b).key)))
	b.ReportAllocs()
	for b.Loop() {
		records, err := splitRecords(event)
		if err != nil {
			b.Fatal(err)
		}
		if p, err := parseRecord(records[0], "triptych-pictures"); err != nil || p.ID == "" {
			b.Fatalf("%+v, %v", p, err)
		}
	}
}

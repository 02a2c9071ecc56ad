package main

import (
	"encoding/json"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"triptych/emulators/s3event"
	"triptych/picture"
)

const uploadedKey = "pictures/01939d2c-7b1e-7c3a-9f00-0123456789ab.jpg"

func FuzzEvent(f *testing.F) {
	discardLog(f)
	for _, seed := range []string{
		event(record(uploadedKey)), event(record("pictures/a+b%2Bc.jpg"), record("pictures/%zz.jpg")), event(`"x"`, `null`, `{}`),
		event(message(deadLetter(event(record(uploadedKey))))), event(message(deadLetter(event(message(deadLetter(`{}`)))))),
		event(message(`{"requestPayload":null}`)), event(message(`"`)), `{"Event":"s3:TestEvent"}`, `{"Records":null}`, `{"records":[[]]}`, `[]`, ``,
		`{"Records":[{"eventName":"ObjectCreated:Put","eventTime":"x","s3":{"object":{"key":"` + uploadedKey + `","size":1e3}}}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		records, _ := splitRecords(event)
		for _, record := range records {
			p, err := parseRecord(record, "triptych-pictures")
			if p.ID == "" || err != nil {
				if p != (picture.Picture{}) {
					t.Errorf("got the incomplete picture %+v, %v", p, err)
				}
				continue
			}
			if id, _, err := picture.ParseKey(p.Key); err != nil || id != p.ID || p.Bucket == "" || p.Size < 0 {
				t.Errorf("got the picture %+v, %v", p, err)
			}
			if _, err := json.Marshal(picture.Order{Picture: p}); err != nil {
				t.Errorf("%+v cannot be the input of a workflow: %v", p, err)
			}
		}
	})
}

func FuzzKey(f *testing.F) {
	discardLog(f)
	for _, key := range []string{uploadedKey, strings.ReplaceAll(uploadedKey, "/", "%2F"), "pictures/a+b.jpg", "pictures/%2B.jpg", "%", "é 📷", "a\x00b", `"\`} {
		f.Add(key, "v1", `"etag"`, int64(1234))
	}
	f.Fuzz(func(t *testing.T, key, version, etag string, size int64) {
		if !utf8.ValidString(key + version + etag) {
			t.Skip("S3's JSON is UTF-8")
		}
		at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		record, err := json.Marshal(s3event.New(s3event.Creation{
			EventName: "ObjectCreated:Put", Region: "eu-central-1", Bucket: "bucket", Key: key, VersionID: version, ETag: etag, Size: size, Time: at,
		}))
		if err != nil {
			t.Fatal(err)
		}
		var want picture.Picture
		wantErr := false
		if _, _, err := picture.ParseKey(key); err == nil {
			want, err = picture.New("bucket", key, version, etag, size, at)
			wantErr = err != nil
		}
		for _, event := range []string{event(string(record)), event(message(deadLetter(event(string(record)))))} {
			records, err := splitRecords([]byte(event))
			if err != nil || len(records) != 1 {
				t.Fatalf("got %d records, %v", len(records), err)
			}
			if got, err := parseRecord(records[0], "bucket"); (err != nil) != wantErr || !reflect.DeepEqual(got, want) {
				t.Errorf("key %q: got %+v, %v, want %+v", key, got, err, want)
			}
		}
	})
}

func discardLog(f *testing.F) {
	previous := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler))
	f.Cleanup(func() { slog.SetDefault(previous) })
}

package stack

import (
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"triptych/picture"
)

// Created is what S3 tells of a new object, as AWS documents it.
func Created(p picture.Picture) events.S3EventRecord {
	return events.S3EventRecord{
		EventVersion: "2.1", EventSource: "aws:s3", EventName: "ObjectCreated:Put", EventTime: p.UploadedAt.UTC(),
		S3: events.S3Entity{Bucket: events.S3Bucket{Name: p.Bucket}, Object: events.S3Object{
			Key: url.QueryEscape(p.Key), VersionID: p.VersionID, ETag: strings.Trim(p.ETag, `"`), Size: p.Size,
		}},
	}
}

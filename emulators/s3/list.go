package main

import (
	"context"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/valyala/fasthttp"
	"github.com/versity/versitygw/s3response"

	"triptych/emulators/s3event"
)

func (s *store) ListObjects(ctx context.Context, in *s3.ListObjectsInput) (s3response.ListObjectsResult, error) {
	defer s.lockLists()()
	out, err := s.Backend.ListObjects(ctx, in)
	return encodeList(ctx, out), err
}

func (s *store) ListObjectsV2(ctx context.Context, in *s3.ListObjectsV2Input) (s3response.ListObjectsV2Result, error) {
	defer s.lockLists()()
	out, err := s.Backend.ListObjectsV2(ctx, in)
	return encodeList(ctx, out), err
}

func (s *store) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput) (s3response.ListVersionsResult, error) {
	defer s.lockLists()()
	out, err := s.Backend.ListObjectVersions(ctx, in)
	out.Versions = slices.CompactFunc(out.Versions, func(a, b s3response.ObjectVersion) bool { // a killed PUT leaves the current version twice
		return *a.Key == *b.Key && *a.VersionId == *b.VersionId
	})
	return encodeList(ctx, out), err
}

func (s *store) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput) (s3response.ListMultipartUploadsResult, error) {
	out, err := s.Backend.ListMultipartUploads(ctx, in)
	return encodeList(ctx, out), err
}

// encodedFields are the fields that encoding-type=url encodes, by the pages of the four list operations in
// https://docs.aws.amazon.com/AmazonS3/latest/API/.
var encodedFields = []string{"Key", "Prefix", "Delimiter", "Marker", "NextMarker", "KeyMarker", "NextKeyMarker", "StartAfter"}

func encodeList[List any](ctx context.Context, list List) List {
	request, ok := ctx.(*fasthttp.RequestCtx)
	if ok && string(request.QueryArgs().Peek("encoding-type")) == "url" {
		fields := reflect.ValueOf(&list).Elem()
		fields.FieldByName("EncodingType").SetString("url")
		encodeFields(fields)
	}
	return list
}

func encodeFields(v reflect.Value) {
	for i := range v.NumField() {
		field, name := v.Field(i), v.Type().Field(i).Name
		encodes := slices.Contains(encodedFields, name)
		switch {
		case field.Kind() == reflect.Slice && field.Type().Elem().Kind() == reflect.Struct:
			for n := range field.Len() {
				encodeFields(field.Index(n))
			}
		case encodes && field.Kind() == reflect.String:
			field.SetString(s3event.EncodeKey(field.String()))
		case encodes && !field.IsNil():
			key := s3event.EncodeKey(field.Elem().String()) // a new string, because versions of one key share a pointer
			field.Set(reflect.ValueOf(&key))
		}
	}
}

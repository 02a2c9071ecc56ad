package activities

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"triptych/picture"
)

func TestDeleteObject(t *testing.T) {
	c := openClouds(t)
	checkDelete := func(t *testing.T, id picture.ID) {
		t.Helper()
		if err := executeDeleteObject(t, c, id); err != nil {
			t.Fatal(err)
		}
		c.checkVersions(t, id)
	}
	t.Run("versions_and_delete_markers_of_all_file_extensions_are_deleted", func(t *testing.T) {
		p := c.upload(t, newPicture(t), []byte("first"))
		c.upload(t, p, []byte("second"))
		if _, err := c.S3.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &p.Bucket, Key: &p.Key}); err != nil {
			t.Fatal(err)
		}
		c.upload(t, p, []byte("third"))
		png := p
		png.Key = picture.Prefix + string(p.ID) + ".png"
		c.upload(t, png, []byte("fourth"))
		if versions := c.listVersions(t, p.ID); len(versions) != 5 {
			t.Fatalf("S3 has %q, want four versions and a delete marker", versions)
		}
		checkDelete(t, p.ID)
	})
	t.Run("second_call_is_a_success", func(t *testing.T) {
		p := c.upload(t, newPicture(t), []byte("picture"))
		checkDelete(t, p.ID)
		checkDelete(t, p.ID)
	})
	t.Run("objects_of_other_pictures_remain", func(t *testing.T) {
		erased, other := c.upload(t, newPicture(t), []byte("erased")), c.upload(t, newPicture(t), []byte("other"))
		checkDelete(t, erased.ID)
		if code := c.objectError(t, other); code != "" {
			t.Errorf("S3 returned %s for another picture", code)
		}
	})
	t.Run("retry_after_a_failed_deletion_deletes_the_remaining_versions", func(t *testing.T) {
		p := c.upload(t, newPicture(t), []byte("first"))
		c.upload(t, p, []byte("second"))
		gateway.Fail(t, `{"status":503,"code":"SlowDown","operations":["DeleteObject"],"times":1}`)
		checkFailure(t, executeDeleteObject(t, c, p.ID), picture.Throttled)
		checkDelete(t, p.ID)
	})
	t.Run("404_of_a_proxy_is_retried", func(t *testing.T) {
		p := c.upload(t, newPicture(t), []byte("picture"))
		client := c.S3
		defer func() { c.S3 = client }()
		c.changeResponses(t, http.MethodDelete, answerOfProxy)
		checkFailure(t, executeDeleteObject(t, c, p.ID), picture.Unavailable)
	})
	t.Run("failed_listing_is_retried", func(t *testing.T) {
		gateway.Fail(t, `{"status":500,"code":"InternalError","operations":["ListObjectVersions"]}`)
		checkFailure(t, executeDeleteObject(t, c, newPicture(t).ID), picture.Unavailable)
	})
}

func executeDeleteObject(t *testing.T, c *clouds, id picture.ID) error {
	t.Helper()
	_, err := execute[any](t, c, picture.DeleteObjectActivity, id)
	return err
}

func (c *clouds) listVersions(t *testing.T, id picture.ID) []string {
	t.Helper()
	list, err := c.S3.ListObjectVersions(t.Context(), &s3.ListObjectVersionsInput{
		Bucket: &c.Bucket, Prefix: aws.String(picture.Prefix + string(id))})
	if err != nil {
		t.Fatal(err)
	}
	var versions []string
	for _, v := range list.Versions {
		versions = append(versions, aws.ToString(v.VersionId))
	}
	for _, m := range list.DeleteMarkers {
		versions = append(versions, aws.ToString(m.VersionId))
	}
	return versions
}

func (c *clouds) checkVersions(t *testing.T, id picture.ID, want ...string) {
	t.Helper()
	if got := c.listVersions(t, id); !slices.Equal(got, want) {
		t.Errorf("S3 has the versions %q, want %q", got, want)
	}
}

func (c *clouds) objectError(t *testing.T, p picture.Picture) string {
	t.Helper()
	in := &s3.GetObjectInput{Bucket: &p.Bucket, Key: &p.Key}
	if p.VersionID != "" {
		in.VersionId = &p.VersionID
	}
	response, err := c.S3.GetObject(t.Context(), in)
	if err == nil {
		response.Body.Close()
		return ""
	}
	apiError, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatal(err)
	}
	return apiError.ErrorCode()
}

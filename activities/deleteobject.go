package activities

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"triptych/internal/objects"
	"triptych/picture"
)

// DeleteObject deletes all versions of the picture's S3 objects, such as pictures/<id>.jpg and pictures/<id>.png.
func (a *Activities) DeleteObject(ctx context.Context, id picture.ID) error {
	prefix := picture.Prefix + string(id) + "."
	pages := s3.NewListObjectVersionsPaginator(a.S3, &s3.ListObjectVersionsInput{Bucket: &a.Bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return failure(objects.Explain(err))
		}
		for _, marker := range page.DeleteMarkers {
			page.Versions = append(page.Versions, types.ObjectVersion{Key: marker.Key, VersionId: marker.VersionId})
		}
		for _, v := range page.Versions {
			if err := a.deleteVersion(ctx, a.Bucket, *v.Key, *v.VersionId); err != nil {
				return failure(err)
			}
		}
	}
	return nil
}

func (a *Activities) deleteVersion(ctx context.Context, bucket, key, version string) error {
	in := &s3.DeleteObjectInput{Bucket: &bucket, Key: &key}
	if version != "" {
		in.VersionId = &version
	}
	if _, err := a.S3.DeleteObject(ctx, in); err != nil {
		if explained := objects.Explain(err); explained.Kind != picture.Gone {
			return explained
		}
	}
	return nil
}

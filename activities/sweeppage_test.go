package activities

import (
	"testing"

	"triptych/picture"
)

// Only Forbidden objects of another bucket are skipped. In the bucket of the site, the role needs the permission.
func TestSweepPageWithoutPermissionForObject(t *testing.T) {
	c := openClouds(t)
	p := newPicture(t)
	before := picture.KeyAt(p.ID.CreatedAt())
	c.upload(t, p, readPhoto(t))
	gateway.Fail(t, `{"status":403,"code":"AccessDenied","operations":["HeadObject"]}`)
	_, err := execute[SweepResult](t, c, picture.SweepPageActivity, picture.Sweep{After: before})
	checkCloud(t, checkFailure(t, err, picture.Forbidden), picture.AWS)
}

package activities

import (
	"context"
	"fmt"
	"time"

	"triptych/internal/objects"
	"triptych/picture"
)

// urlTTL is how long Google may take to come for the picture; minURLTTL is what Annotate needs left of it
// to make an attempt. A URL shorter than that would expire before its first use, for ever.
const (
	urlTTL    = 15 * time.Minute
	minURLTTL = time.Minute
)

// SignedURL shows one picture to whoever holds it, until ExpiresAt. It stands in the run's history and
// nowhere else.
type SignedURL struct {
	URL       string    `json:"url"`
	ExpiresAt time.Time `json:"expiresAt"`
}

// Presign signs a URL for p. It needs credentials and CPU but no network, so it runs as a local activity.
func (a *Activities) Presign(ctx context.Context, p picture.Picture) (SignedURL, error) {
	url, expiresAt, err := objects.SignGet(ctx, a.S3, p, urlTTL)
	if err != nil {
		return SignedURL{}, failure(&picture.Error{Kind: picture.Forbidden,
			Message: "AWS credentials to sign the picture's URL are missing: give the worker a role or AWS_ACCESS_KEY_ID; the picture waits", Err: err})
	}
	if left := time.Until(expiresAt); left < minURLTTL {
		return SignedURL{}, failure(&picture.Error{Kind: picture.Forbidden,
			Message: fmt.Sprintf("the worker's AWS credentials expire in %s and are not being renewed; the picture waits for new ones", left.Round(time.Second))})
	}
	return SignedURL{URL: url, ExpiresAt: expiresAt}, nil
}

package activities

import (
	"context"
	"fmt"
	"time"

	"triptych/internal/objects"
	"triptych/picture"
)

// urlTTL is how long Google may take to come for the picture; minURLTTL is the least that is worth signing.
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

// Presigned is the URL and how it was come by.
type PresignResult struct {
	SignedURL
	Step picture.Step `json:"step"`
}

// Presign signs a URL for p. It needs credentials and CPU but no network.
func (a *Activities) Presign(ctx context.Context, p picture.Picture) (PresignResult, error) {
	started := time.Now().UTC()
	signed, err := a.sign(ctx, p)
	if err != nil {
		return PresignResult{}, failure(err)
	}
	return PresignResult{SignedURL: signed, Step: done(ctx, picture.PresignStep, started)}, nil
}

func (a *Activities) sign(ctx context.Context, p picture.Picture) (SignedURL, error) {
	url, expiresAt, err := objects.SignGet(ctx, a.S3, p, urlTTL)
	if err != nil {
		return SignedURL{}, &picture.Error{Kind: picture.Forbidden,
			Message: "AWS credentials to sign the picture's URL are missing: give the worker a role or AWS_ACCESS_KEY_ID; the picture waits", Err: err}
	}
	if left := time.Until(expiresAt); left < minURLTTL {
		return SignedURL{}, &picture.Error{Kind: picture.Forbidden,
			Message: fmt.Sprintf("the worker's AWS credentials expire in %s and are not being renewed; the picture waits for new ones", left.Round(time.Second))}
	}
	return SignedURL{URL: url, ExpiresAt: expiresAt}, nil
}

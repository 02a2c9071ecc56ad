package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"triptych/internal/objects"
	"triptych/internal/settings"
	"triptych/picture"
)

const (
	urlTTL    = 15 * time.Minute
	minURLTTL = time.Minute // AWS credentials that expire earlier sign no URL
)

// SignedURL lets anyone download the picture until ExpiresAt, so the URL is stored only in the workflow's history.
type SignedURL struct {
	ID        picture.ID `json:"id"`
	URL       string     `json:"url"`
	ExpiresAt time.Time  `json:"expiresAt"`
}

type PresignResult struct {
	SignedURL
	Step picture.Step `json:"step"`
}

func (a *Activities) Presign(ctx context.Context, p picture.Picture) (PresignResult, error) {
	started := time.Now().UTC()
	signed, err := a.sign(ctx, p)
	if err != nil {
		return PresignResult{}, failure(err)
	}
	return PresignResult{SignedURL: signed, Step: doneStep(ctx, picture.PresignStep, started)}, nil
}

func (a *Activities) sign(ctx context.Context, p picture.Picture) (SignedURL, error) {
	url, expiresAt, err := objects.SignGet(ctx, a.S3, p, urlTTL)
	if settings.CredentialsUnavailable(err) {
		return SignedURL{}, &picture.Error{Kind: picture.Unavailable, Cloud: picture.AWS, Err: err, Message: "AWS does not give the worker its credentials at the moment"}
	}
	if errors.Is(err, objects.ErrNoCredentials) {
		return SignedURL{}, &picture.Error{Kind: picture.Forbidden, Cloud: picture.AWS, Err: err,
			Message: "The worker has no AWS credentials to sign the picture's URL: give it a role or AWS_ACCESS_KEY_ID"}
	}
	if err != nil { // no request was sent
		return SignedURL{}, &picture.Error{Kind: picture.Misconfigured, Cloud: picture.AWS, Err: err,
			Message: "The picture's URL cannot be signed: check AWS_REGION and TRIPTYCH_BUCKET"}
	}
	if left := time.Until(expiresAt); left < minURLTTL {
		return SignedURL{}, &picture.Error{Kind: picture.Forbidden, Cloud: picture.AWS,
			Message: fmt.Sprintf("The worker's AWS credentials expire in %s and cannot be renewed", left.Round(time.Second))}
	}
	return SignedURL{ID: p.ID, URL: url, ExpiresAt: expiresAt}, nil
}
